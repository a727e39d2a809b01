"""`consensus`: one label of what several graders say of the same photograph.

Enters: the columns of the graders, or rules on them. Leaves: a `Label` per row, and what there is to tell of the
graders: kappas, how often they were undecided, and for `dawid_skene` how each errs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from retdsl.runtime.graders import Estimate, Floats, Grades, cohen, dawid_skene, fleiss, votes
from retdsl.runtime.labels import UNLABELLED, Doubt, Label, Said, Told, in_rows, labelling, report
from retdsl.runtime.problems import Problems

Rows: TypeAlias = npt.NDArray[np.bool_]

MISSING_GRADE = -1
EQUAL = 1e-9
"""Shares that differ by less are equal: which is larger would be rounding."""


@dataclass(frozen=True, slots=True)
class consensus:
    """What graders agree on. A cell may be empty where a grader has not seen a photograph; not all of a row may be.

    graders: for each a column, a rule, or several rules. method: `majority` counts votes, `dawid_skene` weighs them by
    how reliable each grader turns out to be. soft: whether training takes the shares of votes, or the posterior
    probabilities, for targets, and not only the likeliest class. ties: where several classes are equally likely,
    `highest` takes the last of them in the order of the classes, and `refuse` tells the rows.
    """

    graders: tuple[Said, ...]
    method: str = "majority"
    soft: bool = False
    ties: str = "highest"

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for grader in self.graders for name in labelling(grader).columns))

    def label(
        self,
        rows: Sequence[Sequence[str]],
        places: Sequence[str],
        classes: tuple[str, ...],
        problems: Problems,
        told: list[Told] | None = None,
    ) -> list[Label | None]:
        grades, doubtful, wrong = self._grades(rows, places, classes)
        usable = (grades >= 0).any(axis=1) & ~wrong
        if unseen := [places[at] for at in np.flatnonzero(~usable & ~wrong)]:
            doubtful[UNLABELLED] = unseen
        estimate = None if self.method == "majority" else dawid_skene(grades, len(classes))
        counts = votes(grades, len(classes))
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1) if estimate is None else estimate.posterior
        best = shares >= shares.max(axis=1, keepdims=True) - EQUAL
        undecided = (best.sum(axis=1) > 1) & usable
        if self.ties == "refuse":
            usable &= ~undecided
            self._refuse(grades, undecided, places, classes, doubtful)
        report(doubtful, problems)
        if told is not None:
            told.append(self._agreement(grades, classes, int(undecided.sum()), estimate))
        chosen = len(classes) - 1 - best[:, ::-1].argmax(axis=1)
        return self._labels(chosen, shares, usable)

    def _grades(
        self, rows: Sequence[Sequence[str]], places: Sequence[str], classes: tuple[str, ...]
    ) -> tuple[Grades, dict[Doubt, list[str]], Rows]:
        """Every grader's class of every row, -1 where there is none; the cells that are no grade, and their rows."""
        position = {name: at for at, name in enumerate(self.columns)}
        grades = np.full((len(rows), len(self.graders)), MISSING_GRADE, np.int64)
        doubtful: dict[Doubt, list[str]] = {}
        wrong = np.zeros(len(rows), np.bool_)
        for column, grader in enumerate(self.graders):
            by = labelling(grader)
            wanted = [position[name] for name in by.columns]
            answers: dict[tuple[str, ...], Label | Doubt] = {}
            for at, row in enumerate(rows):
                cells = tuple(row[where] for where in wanted)
                answer = answers.get(cells)
                if answer is None:
                    answer = answers[cells] = by.decide(cells, classes)
                if isinstance(answer, Label):
                    grades[at, column] = answer.position
                elif answer != UNLABELLED:
                    doubtful.setdefault(answer, []).append(places[at])
                    wrong[at] = True
        return grades, doubtful, wrong

    def _refuse(
        self,
        grades: Grades,
        undecided: Rows,
        places: Sequence[str],
        classes: tuple[str, ...],
        doubtful: dict[Doubt, list[str]],
    ) -> None:
        help = "grade them once more, or write `ties = highest`, which takes the last class of those that are tied"
        for at in np.flatnonzero(undecided):
            said = ", ".join(
                f"{name} `{classes[grade]}`"
                for name, grade in zip(self._names(), grades[at], strict=True)
                if grade >= 0
            )
            doubt = Doubt("rows on which the graders are tied", said, help)
            doubtful.setdefault(doubt, []).append(places[at])

    def _labels(self, chosen: Grades, shares: Floats, usable: Rows) -> list[Label | None]:
        """Labels of rows; those that are alike share one."""
        made: dict[tuple[int, bytes], Label] = {}
        labels: list[Label | None] = []
        for at in range(len(chosen)):
            if not usable[at]:
                labels.append(None)
                continue
            key = int(chosen[at]), shares[at].tobytes() if self.soft else b""
            if key not in made:
                made[key] = Label(key[0], tuple(map(float, shares[at])) if self.soft else None)
            labels.append(made[key])
        return labels

    def _names(self) -> list[str]:
        """What the graders are called: by their columns."""
        return ["+".join(labelling(grader).columns) for grader in self.graders]

    def _agreement(self, grades: Grades, classes: tuple[str, ...], undecided: int, estimate: Estimate | None) -> Told:
        names = self._names()
        pairs = cohen(grades)
        overall = fleiss(grades, len(classes))
        data: dict[str, Any] = {
            "method": self.method,
            "graders": [
                {"grader": name, "photographs": int((grades[:, at] >= 0).sum())} for at, name in enumerate(names)
            ],
            "cohen_kappa": [
                {"graders": [names[p.first], names[p.second]], "kappa": _null(p.kappa), "photographs": p.both}
                for p in pairs
            ],
            "fleiss_kappa": _null(overall),
            "undecided": undecided,
        }
        lines = [f"graders: {names[p.first]} and {names[p.second]}: kappa {_shown(p.kappa)} on {p.both}" for p in pairs]
        lines.append(f"graders: all {len(names)}: Fleiss' kappa {_shown(overall)}")
        if undecided:
            taken = "the last class of those tied is taken" if self.ties == "highest" else "refused"
            lines.append(f"graders: undecided in {in_rows(undecided)}: {taken}")
        if estimate is not None:
            data["confusion"] = {
                name: [[round(float(share), 6) for share in row] for row in estimate.confusion[at]]
                for at, name in enumerate(names)
            }
            for at, name in enumerate(names):
                right = ", ".join(
                    f"{title} {100 * estimate.confusion[at, c, c]:.0f} %" for c, title in enumerate(classes)
                )
                lines.append(f"graders: {name} is estimated to recognise {right}")
        return Told("graders", data, tuple(lines))


def _null(kappa: float) -> float | None:
    return None if math.isnan(kappa) else round(kappa, 6)


def _shown(kappa: float) -> str:
    return "not defined" if math.isnan(kappa) else f"{kappa:.3f}"

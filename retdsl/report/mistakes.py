"""The photographs worth looking at: the worst mistakes, what was missed first, and what was found most surely.

Enters: questions with their answers. Leaves: groups of photographs by name. Guaranteed: the same answers give the same
photographs in the same order, none twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retdsl.report.questions import Asked
from retdsl.report.words import percent

MOST = 8
"""Photographs of a kind of mistake that are shown; the others are counted."""

SUREST = 4
"""Right answers that are shown, to compare with."""


@dataclass(frozen=True)
class Shown:
    """A photograph: what it is, what the network said, in words; label: the class whose signs are looked for."""

    image: str
    patient: str
    truth: str
    said: str
    label: int
    truth_at: int


@dataclass(frozen=True)
class Group:
    """Photographs of one kind. count: how many there are of it."""

    title: str
    about: str
    count: int
    shown: tuple[Shown, ...]


def groups_of(asked: Asked) -> list[Group]:
    """What was missed, what was a false alarm, and what was right; groups of none are left out."""
    kind = _binary if asked.binary else _exclusive if asked.exclusive else _findings
    return [group for group in kind(asked) if group.count]


def _binary(asked: Asked) -> list[Group]:
    question = asked.main
    said, truth, scores = asked.said(question), question.truth, question.scores
    yes, no = question.positive, question.negative

    def shown(those: NDArray[np.bool_], order: NDArray[Any], most: int = MOST) -> tuple[Shown, ...]:
        rows = [at for at in order if those[at]][:most]
        return tuple(
            _shown(asked, at, yes if truth[at] else no, f"{_score(scores[at])} {yes}", question.at, truth[at])
            for at in rows
        )

    rising, falling = np.argsort(scores, kind="stable"), np.argsort(-scores, kind="stable")
    missed, alarms, right = truth & ~said, ~truth & said, truth & said
    return [
        Group(
            f"{yes}, and missed",
            f"False negatives, the surest first. The maps show where it saw signs of {yes} all the same.",
            int(missed.sum()),
            shown(missed, rising),
        ),
        Group(
            f"{no}, and taken for {yes}",
            f"False alarms, the surest first. The maps show what was taken for signs of {yes}.",
            int(alarms.sum()),
            shown(alarms, falling),
        ),
        Group(
            f"{yes}, and found",
            "Right answers, the surest first, to compare with.",
            int(right.sum()),
            shown(right, falling, SUREST),
        ),
    ]


def _exclusive(asked: Asked) -> list[Group]:
    classes, labels, p = asked.answers.classes, asked.answers.labels, asked.answers.probabilities
    said = p.argmax(axis=1)
    order = np.argsort(-p.max(axis=1), kind="stable")

    def shown(those: NDArray[np.bool_], most: int = MOST) -> tuple[Shown, ...]:
        rows = [at for at in order if those[at]][:most]
        return tuple(
            _shown(
                asked, at, classes[labels[at]], f"{_score(p[at, said[at]])} {classes[said[at]]}", said[at], labels[at]
            )
            for at in rows
        )

    about = "The surest first. The maps show what spoke for the class that was said."
    low, high, right = said < labels, said > labels, (said == labels) & (labels == len(classes) - 1)
    return [
        Group("taken for an earlier class", about, int(low.sum()), shown(low)),
        Group("taken for a later class", about, int(high.sum()), shown(high)),
        Group(f"{classes[-1]}, and found", "Right answers, to compare with.", int(right.sum()), shown(right, SUREST)),
    ]


def _findings(asked: Asked) -> list[Group]:
    rows: dict[str, list[tuple[float, int, int]]] = {"missed": [], "alarm": []}
    for question in asked.questions:
        said = asked.said(question)
        for at in np.flatnonzero(said != question.truth):
            score = float(question.scores[at])
            rows["missed" if question.truth[at] else "alarm"].append((score, int(at), question.at))
    used: set[int] = set()

    def shown(found: list[tuple[float, int, int]], words: str) -> tuple[Shown, ...]:
        chosen: list[Shown] = []
        for score, at, finding in found:
            if at not in used and len(chosen) < MOST:
                used.add(at)
                name = asked.answers.classes[finding]
                chosen.append(_shown(asked, at, words.format(name), f"{_score(score)} {name}", finding, finding))
        return tuple(chosen)

    missed, alarms = sorted(rows["missed"]), sorted(rows["alarm"], reverse=True)
    about = "those the network was surest of first; the maps show where it saw signs of the finding."
    return [
        Group("findings that were missed", f"False negatives, {about}", len(missed), shown(missed, "{}")),
        Group("findings that are not there", f"False alarms, {about}", len(alarms), shown(alarms, "no {}")),
    ]


def _shown(asked: Asked, at: int, truth: str, said: str, label: Any, truth_at: Any) -> Shown:
    answers = asked.answers
    return Shown(answers.images[at], answers.patients[at], truth, said, int(label), int(truth_at))


def _score(probability: Any) -> str:
    """`49.8 %`, since near a threshold whole ones would not do; near the ends as many digits as it takes."""
    share = float(probability)
    return f"{100 * share:.1f} %" if 0.001 <= share <= 0.999 else percent(share)

"""The figures of finished runs: their programs answer labelled photographs, and what they say is judged.

Enters: a run, and photographs: its own of the test side, or others. Leaves: an `Evaluation`. Guaranteed: of an ensemble
every member answers, and the mean of their probabilities counts; thresholds are those that the run has frozen on its
validation side, for the epoch whose answers there they were chosen from and no other; the answers to a run's own test
photographs are compared with what it left behind.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from retdsl.evaluation.asking import ask, root_of
from retdsl.evaluation.members import Finished, require_program
from retdsl.finished import RunRecord
from retdsl.records import dataclass
from retdsl.runtime.answers import Answers, read_answers
from retdsl.runtime.files import finite
from retdsl.runtime.judging import judge
from retdsl.runtime.mean_answers import mean_answers
from retdsl.runtime.requests import EvaluationRequest, write_request

ROUNDED = 1e-5
"""How far figures and probabilities may be apart that engines round differently, relative to what is larger than 1."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """answers: to all photographs; figures: of `judge`, and the loss of a single run; epochs: of each member;
    facts: what each member's program has told (see `runtime.evaluation`); same: whether figures and predictions are
    those that the run left behind but for rounding, None where they are of something else; differences: in words, if
    they are not; apart: how far probabilities are at most from those left behind, where they are the same.
    """

    finished: Finished
    answers: Answers
    figures: Mapping[str, Any]
    epochs: tuple[int, ...]
    facts: tuple[Mapping[str, Any], ...]
    same: bool | None
    differences: tuple[str, ...]
    apart: float = 0.0

    @property
    def known(self) -> list[str]:
        """What some member has learned from, or validated on, a line each."""
        found = [line for one in self.facts for key in ("photographs", "patients") for line in one["known"][key]]
        return list(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an evaluation is asked for; see `EvaluationRequest`. root: where paths of the data start, None: as in the
    run; of other labels, where the paths of their table start, None: at its folder.
    """

    checkpoint: str = "best"
    labels: Path | None = None
    root: Path | None = None
    image: str | None = None
    label: str | None = None
    patient: str | None = None
    allow_known: bool = False


def evaluate(finished: Finished, wanted: Wanted, options: Sequence[str] = ()) -> Evaluation:
    """The figures of a run. options: of its program, such as `--threads`. Of another epoch than the best there are no
    operating points. Raises RunError.
    """
    metrics = finished.metrics
    programs = [require_program(member) for member in finished.members]
    found: dict[str, Answers] = {}
    facts: list[Mapping[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="retdsl-") as folder:
        for member, train_py in zip(finished.members, programs, strict=True):
            request = _evaluation_request(member, wanted, Path(folder))
            root = root_of(member, wanted.root if wanted.labels is None else None)
            path = write_request(request, Path(folder) / "request.json")
            ask(train_py, "--evaluate", str(path), "--root", str(root), *options)
            found[str(member.path)] = read_answers(Path(request.answers))
            facts.append(json.loads(Path(request.facts).read_text("utf-8")))
    answers = mean_answers(found)
    is_best = finished.is_best(wanted.checkpoint)
    figures = judge(metrics, answers, finished.record.validation if is_best else None)
    if not finished.is_ensemble:
        figures = {"loss": facts[0]["loss"], **figures}
    own = wanted.labels is None and is_best
    differences = tuple(_differences(finished.record, answers, figures)) if own else ()
    same = not differences if own and finished.record.test is not None else None
    epochs = tuple(int(one["epoch"]) for one in facts)
    apart = _apart(finished.record.predictions, answers) if same else 0.0
    return Evaluation(finished, answers, figures, epochs, tuple(facts), same, differences, apart)


def _evaluation_request(member: RunRecord, wanted: Wanted, folder: Path) -> EvaluationRequest:
    labels = None if wanted.labels is None else wanted.labels.resolve()
    beside = None if labels is None else (labels if labels.is_dir() else labels.parent)
    return EvaluationRequest(
        run=str(member.path.resolve()),
        answers=str(folder / "answers.csv"),
        facts=str(folder / "facts.json"),
        checkpoint=wanted.checkpoint,
        labels=None if labels is None else str(labels),
        labels_root=None if beside is None else str((wanted.root or beside).resolve()),
        image=wanted.image,
        label=wanted.label,
        patient=wanted.patient,
        allow_known=wanted.allow_known,
    )


def _differences(record: RunRecord, answers: Answers, figures: Mapping[str, Any]) -> Iterator[str]:
    """In what an evaluation is not what the run left behind, in words."""
    if record.predictions is not None and (at := _first_that_differs(record.predictions, answers)) is not None:
        yield f"predictions.csv says something else, first of {at}"
    now, then = finite(dict(figures)), record.test or {}
    for key, value in now.items():
        if key in then and not _is_close(then[key], value):
            old, new = then[key], value
            yield f"{key} is {new}, it was {old}" if not isinstance(value, list | dict) else f"{key} differs"


def _first_that_differs(then: Answers, now: Answers) -> str | None:
    """The first photograph about which two answers are further apart than what engines round differently."""
    if then.images != now.images:
        return next((b or a for a, b in zip(then.images, now.images, strict=False) if a != b), "the missing ones")
    for at, image in enumerate(now.images):
        same = np.abs(then.probabilities[at] - now.probabilities[at]).max() <= ROUNDED
        if not same or not np.array_equal(then.labels[at], now.labels[at]):
            return image
    return None


def _apart(then: Answers | None, now: Answers) -> float:
    """The largest difference of a probability of the same photographs."""
    return 0.0 if then is None else float(np.abs(then.probabilities - now.probabilities).max(initial=0.0))


def _is_close(then: Any, now: Any) -> bool:
    """Whether two figures, or all of two trees of figures, are the same but for rounding."""
    if isinstance(then, dict) and isinstance(now, dict):
        return then.keys() == now.keys() and all(_is_close(then[key], now[key]) for key in then)
    if isinstance(then, list) and isinstance(now, list):
        return len(then) == len(now) and all(map(_is_close, then, now))
    if isinstance(then, float) and isinstance(now, float):
        return then == now or abs(then - now) <= ROUNDED * max(1.0, abs(then))
    return bool(then == now)

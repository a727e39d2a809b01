"""Finished runs answer: their programs are run, and what they say is judged, or put into words.

Enters: a run folder, and photographs. Leaves: an `Evaluation`, or a `Prediction` for each photograph. Guaranteed: of
an ensemble every member answers, and the mean of their probabilities counts; thresholds are those that the run has
frozen on its validation side, for the epoch whose answers there they were chosen from and no other; the answers to a
run's own test photographs are compared with what it left behind.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from retdsl import __version__
from retdsl.evaluation.members import Finished, operating_points, require_program
from retdsl.finished import RunRecord
from retdsl.records import dataclass
from retdsl.running import INTERRUPTED, WRONG, run_program
from retdsl.runtime.answers import Answers, read_answers
from retdsl.runtime.errors import RunError
from retdsl.runtime.figures_table import key_in_words
from retdsl.runtime.files import finite
from retdsl.runtime.judging import judge
from retdsl.runtime.mean_answers import mean_answers, mean_of
from retdsl.runtime.requests import EvaluationRequest, PredictionRequest, write_request
from retdsl.runtime.run_folder import RunFolder

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
            run(train_py, "--evaluate", str(path), "--root", str(root), *options)
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


@dataclass(frozen=True, slots=True)
class Prediction:
    """flags: why a photograph is not gradable, in words by their names, none if it is; label: None if it is not;
    probabilities: by class, None where the network was not asked.
    """

    image: str
    probabilities: Mapping[str, float] | None
    label: str | None
    flags: Mapping[str, str]

    @property
    def gradable(self) -> bool:
        return not self.flags


@dataclass(frozen=True, slots=True)
class Rule:
    """How probabilities become a label. thresholds: from which probability on a photograph is of the last of two
    classes, or shows a finding, by its name; a finding without one is shown from 50 % on. Without the one of two
    classes, and of more, the most probable class is the answer. words: the same in a sentence.
    """

    thresholds: Mapping[str, float]
    words: str
    exclusive: bool = True

    def label(self, probabilities: Mapping[str, float]) -> str:
        """The class, or all findings with `+` between them."""
        names = list(probabilities)
        if not self.exclusive:
            return "+".join(name for name in names if probabilities[name] >= self.thresholds.get(name, 0.5))
        if self.thresholds:
            return names[-1] if probabilities[names[-1]] >= self.thresholds[names[-1]] else names[0]
        return max(names, key=lambda name: probabilities[name])


def rule_of(finished: Finished, metric: str | None = None, checkpoint: str = "best") -> Rule:
    """The rule that a run has frozen on its validation side: of the operating point that `metric` asks for, or else of
    the first. Of another checkpoint than the best there is none. Raises RunError for one that there is not.
    """
    experiment = finished.members[0].experiment
    exclusive = experiment.network.loss is None or experiment.network.loss.kind != "Sigmoid"
    is_best = finished.is_best(checkpoint)
    points = operating_points(finished.record) if is_best else []
    frozen = dict.fromkeys(str(point["metric"]) for point in points)
    if metric is not None and metric not in frozen:
        what = f"this run has frozen no threshold for `{metric}`"
        help = None if is_best else "thresholds are those of the best epoch: leave out --checkpoint"
        raise RunError(what, items=list(frozen), where=finished.record.path, help=help)
    if exclusive and len(finished.classes) != 2:
        points = []
    chosen = [point for point in points if point["metric"] == (metric or next(iter(frozen)))]
    thresholds = {str(point.get("finding", finished.classes[-1])): float(point["threshold"]) for point in chosen}
    if not thresholds:
        why = "the run has frozen no threshold" if is_best else "the run's thresholds are those of its best epoch"
        usual = "labels are the most probable class" if exclusive else "labels are the findings of 50 % and more"
        return Rule({}, f"{usual}: {why}", exclusive)
    listed = ", ".join(f"{name} from {value:.4g} on" for name, value in thresholds.items())
    others = "" if exclusive or len(thresholds) == len(finished.classes) else ", others from 50 % on"
    which = f"the threshold{'' if len(thresholds) == 1 else 's'} for {key_in_words(str(chosen[0]['metric']))}"
    return Rule(thresholds, f"{listed}{others}, {which}, chosen on validation", exclusive)


def predict(
    finished: Finished,
    images: Sequence[str],
    rule: Rule,
    checkpoint: str = "best",
    root: Path | None = None,
    options: Sequence[str] = (),
) -> Iterator[Prediction]:
    """What a run says of photographs, in their order, one after the other. Raises RunError.

    Of an ensemble, a photograph is not gradable where all members say so.
    """
    programs = [require_program(member) for member in finished.members]
    with tempfile.TemporaryDirectory(prefix="retdsl-") as folder, ExitStack() as opened:
        files: list[Path] = []
        for at, (member, train_py) in enumerate(zip(finished.members, programs, strict=True)):
            answers = Path(folder) / f"answers-{at}.jsonl"
            request = PredictionRequest(str(member.path.resolve()), str(answers), tuple(images), checkpoint)
            path = write_request(request, Path(folder) / "request.json")
            run(train_py, "--predict", str(path), "--root", str(root_of(member, root)), *options)
            files.append(answers)
        lines = zip(*(opened.enter_context(file.open(encoding="utf-8")) for file in files), strict=True)
        for of_one in lines:
            yield _joined([json.loads(line) for line in of_one], finished.classes, rule)


def _joined(rows: Sequence[Mapping[str, Any]], classes: Sequence[str], rule: Rule) -> Prediction:
    """What all members say of one photograph as one answer."""
    first = rows[0]
    flags = first["flags"] if all(row["flags"] for row in rows) else {}
    given = [row["probabilities"] for row in rows if row["probabilities"] is not None]
    if len(given) < len(rows):
        return Prediction(first["image"], None, None, flags or next(row["flags"] for row in rows if row["flags"]))
    mean = mean_of([np.array(row, np.float32) for row in given])
    probabilities = dict(zip(classes, (float(f"{p:.9g}") for p in mean), strict=True))
    label = None if flags else rule.label({name: float(np.float32(p)) for name, p in probabilities.items()})
    return Prediction(first["image"], probabilities, label, flags)


def remarks(finished: Finished, device: str | None = None) -> list[str]:
    """What is not as it was when the run was made, or not done yet, a line each. device: what answered now."""
    found = []
    for member in finished.members:
        if member.test is None:
            found.append(
                f"{member.path.name} is not finished: this is a network after {len(member.epochs)} of its epochs, and "
                f"no threshold is frozen yet; {RunFolder(member.path).how_to_go_on()}"
            )
        then = str((member.lock.get("versions") or {}).get("retdsl") or "")
        if then and then != __version__:
            found.append(f"{member.path.name} was made by retdsl {then}, this is {__version__}: figures may differ")
        used = str(member.lock.get("device") or "")
        if device is not None and used and used.split("(")[0] != device.split("(")[0]:
            found.append(f"{member.path.name} was trained on {used}, this is {device}: last digits may differ")
    return found


def root_of(member: RunRecord, given: Path | None) -> Path:
    """Where the paths of a run's data start."""
    return given.resolve() if given is not None else Path(str(member.lock.get("root") or member.path)).resolve()


def run(train_py: Path, *arguments: str) -> None:
    """Lets the program of a run answer. Raises RunError if it fails. What is wrong with runs or data it has told
    itself: SystemExit then.
    """
    code = run_program(train_py, *arguments)
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    if code == WRONG:
        raise SystemExit(WRONG)
    if code != 0:
        raise RunError("the run gave no answer, for the reason above", where=train_py, exit_code=code)

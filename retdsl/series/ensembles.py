"""An ensemble out of runs that are done: a folder that can be looked at like that of a run.

Enters: the folders of its members. Leaves: `lock.json` with the members and the hashes of what they say,
`predictions.csv` (the mean of the members' probabilities on the test side), `validation.csv` (every photograph that was
validated, answered by the members that have not learned from it) and `test.json`, with `validated_by`, how many these
members are for each photograph, at the least and at the most. Guaranteed: the same members give the same files, to the
last byte but for the time in lock.json; members that do not belong together are a RunError.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from retdsl import __version__
from retdsl.finished import RunRecord, read_run
from retdsl.objects import made
from retdsl.runtime.answers import Answers
from retdsl.runtime.errors import RunError
from retdsl.runtime.files import make_folder, write_json, write_text
from retdsl.runtime.judging import judge
from retdsl.runtime.mean_answers import answers_each, mean_answers, out_of_fold_answers
from retdsl.weights.files import sha256_of

PREDICTIONS, VALIDATION, TEST, LOCK = "predictions.csv", "validation.csv", "test.json", "lock.json"

OWN = frozenset(
    {
        "started",
        "experiment",
        "seed",
        "fold",
        "overrides",
        "frozen",
        "cache",
        "checkpoints",
        "resumed",
        "program_sha256",
    }
)
"""What lock.json says of one run alone."""


def join(name: str, members: Sequence[Path], folder: Path) -> None:
    """Writes the folder of an ensemble. members: the folders of its runs, beside it. Raises RunError."""
    records = {path.name: read_run(path) for path in members}
    tested, validated = _answers(records, PREDICTIONS), _answers(records, VALIDATION)
    predictions = mean_answers(tested) if len(tested) == len(records) else None
    validation = out_of_fold_answers(validated) if validated else None
    if tested and predictions is None:
        lacking = [title for title in records if title not in tested]
        raise RunError("the members cannot be joined: not all have test images", where=folder, items=lacking)
    asked = [metric for record in records.values() for metric in record.experiment.training.metrics]
    metrics = tuple(made(metric) for metric in dict.fromkeys(asked))
    make_folder(folder)
    spec = next(iter(records.values())).spec
    if spec is not None:
        write_text(folder / "spec.retina", spec)
    if predictions is not None:
        write_text(folder / PREDICTIONS, predictions.text())
    if validation is not None:
        write_text(folder / VALIDATION, validation.text())
    write_json(folder / LOCK, _facts(name, records))
    figures = {} if predictions is None else judge(metrics, predictions, validation)
    own: dict[str, Any] = {}
    if validation is not None:
        own["validated_by"] = list(answers_each(validated))
        own["out_of_fold"] = {**judge(metrics, validation), **_counted(validation)}
    counted = {"images": 0, "patients": 0} if predictions is None else _counted(predictions)
    write_json(folder / TEST, {**figures, **counted, "members": len(records), **own})


def hashes_of(run: Path) -> dict[str, str]:
    """What a member's answers are known by: the SHA-256 of each file of them."""
    return {file: sha256_of(run / file) for file in (PREDICTIONS, VALIDATION) if (run / file).is_file()}


def _answers(records: Mapping[str, RunRecord], file: str) -> dict[str, Answers]:
    """What the members say of one side; those that say nothing are left out. Raises RunError if one is not done."""
    found: dict[str, Answers] = {}
    for name, record in records.items():
        if record.test is None:
            raise RunError(f"the member {name} is not done", where=record.path)
        answers = record.predictions if file == PREDICTIONS else record.validation
        if answers is not None:
            found[name] = answers
    return found


def _facts(name: str, records: Mapping[str, RunRecord]) -> dict[str, Any]:
    """lock.json: what those of all members say alike, and who they are."""
    alike = _alike([{k: v for k, v in record.lock.items() if k not in OWN} for record in records.values()])
    return {
        **alike,
        "experiment": name,
        "ensemble": True,
        "made_by": f"retdsl {__version__}",
        "started": datetime.now().astimezone().isoformat(timespec="seconds"),
        "members": list(records),
        "answers_sha256": {title: hashes_of(record.path) for title, record in records.items()},
    }


def _alike(facts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The keys that all have with the same value, and of objects that differ what in them is the same."""
    first, *others = facts
    found: dict[str, Any] = {}
    for key, value in first.items():
        values = [other.get(key) for other in others]
        if all(other == value for other in values):
            found[key] = value
            continue
        objects = [other for other in (value, *values) if isinstance(other, Mapping)]
        if len(objects) == len(facts) and (inner := _alike(objects)):
            found[key] = inner
    return found


def _counted(answers: Answers) -> dict[str, Any]:
    shown = answers.labels if answers.labels.ndim == 2 else None
    counts = [
        int((answers.labels == at).sum() if shown is None else shown[:, at].sum()) for at in range(len(answers.classes))
    ]
    return {
        "images": len(answers),
        "patients": len(set(answers.patients)),
        "class_counts": dict(zip(answers.classes, counts, strict=True)),
    }

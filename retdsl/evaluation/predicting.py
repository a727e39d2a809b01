"""What finished runs say of photographs that have no label.

Enters: a run, photographs, a rule. Leaves: a `Prediction` for each, in their order. Guaranteed: of an ensemble every
member answers, and the mean of their probabilities counts; what cannot be graded gets no label.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from retdsl.evaluation.asking import ask, root_of
from retdsl.evaluation.members import Finished, require_program
from retdsl.evaluation.rules import Rule
from retdsl.records import dataclass
from retdsl.runtime.mean_answers import mean_of
from retdsl.runtime.requests import PredictionRequest, write_request


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
            ask(train_py, "--predict", str(path), "--root", str(root_of(member, root)), *options)
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

"""What a network said about photographs, with their names: the rows of `predictions.csv` and `validation.csv`.

Enters: predictions and the samples they are of, or such a file. Leaves: `Answers`, or the text of the file. Guaranteed:
what is read is what was written, to the last bit.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.errors import RunError
from retdsl.runtime.predictions import Predictions
from retdsl.runtime.sample import Sample

NAMED = ("image", "patient", "label")
"""The first columns of the file; one column `p_CLASS` for every class comes after them."""


@dataclass(frozen=True)
class Answers:
    """images, patients: of n photographs, by name; classes: their names; labels: int64 [n], of several findings
    [n, C], 0 or 1; probabilities: float32 [n, C].
    """

    images: tuple[str, ...]
    patients: tuple[str, ...]
    classes: tuple[str, ...]
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.images)

    def text(self) -> str:
        """One row a photograph: image, patient, label, and `p_CLASS` for every class, with all digits of a float32.

        Several findings are joined by `+`.
        """
        out = io.StringIO()
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow([*NAMED, *(f"p_{name}" for name in self.classes)])
        for image, patient, label, row in zip(self.images, self.patients, self.labels, self.probabilities, strict=True):
            shown = [int(label)] if self.labels.ndim == 1 else np.flatnonzero(label).tolist()
            named = "+".join(self.classes[at] for at in shown)
            rows.writerow([image, patient, named, *(f"{p:.9g}" for p in row)])
        return out.getvalue()


def answers_of(predictions: Predictions, samples: Sequence[Sample], classes: Sequence[str]) -> Answers:
    """Predictions with the names of what they are of."""
    chosen = [samples[index] for index in predictions.indices]
    return Answers(
        tuple(sample.image for sample in chosen),
        tuple(sample.patient for sample in chosen),
        tuple(classes),
        predictions.labels,
        predictions.probabilities,
    )


def read_answers(path: Path) -> Answers:
    """Answers as a run has written them. Raises RunError for a file that is not there, or not whole."""
    try:
        rows = list(csv.reader(io.StringIO(path.read_text("utf-8"), newline="")))
    except (OSError, ValueError, csv.Error) as error:
        raise RunError(f"the predictions cannot be read: {error}", where=path) from None
    head = rows[0] if rows else []
    classes = tuple(name[2:] for name in head[len(NAMED) :] if name.startswith("p_"))
    if tuple(head[: len(NAMED)]) != NAMED or len(classes) != len(head) - len(NAMED) or not classes:
        raise RunError(f"the first line must be {','.join(NAMED)},p_CLASS,...", where=path)
    try:
        given = [_read_row(row, classes) for row in rows[1:]]
    except ValueError as error:
        raise RunError(f"the predictions are damaged: {error}", where=path) from None
    findings = [label for _, label, _ in given]
    table = np.array(findings, np.int64).reshape(len(given), len(classes))
    probabilities = np.array([row for _, _, row in given], np.float32).reshape(table.shape)
    # Findings, too, may happen to be one in every photograph; but their probabilities do not share 1 among them.
    exclusive = bool((table.sum(axis=1) == 1).all() and np.allclose(probabilities.sum(axis=1), 1, atol=1e-3))
    return Answers(
        tuple(names[0] for names, _, _ in given),
        tuple(names[1] for names, _, _ in given),
        classes,
        table.argmax(axis=1) if exclusive else table,
        probabilities,
    )


def _read_row(row: Sequence[str], classes: Sequence[str]) -> tuple[Sequence[str], NDArray[np.int64], list[float]]:
    if len(row) != len(NAMED) + len(classes):
        raise ValueError(f"a row has {len(row)} columns")
    named = row[2].split("+") if row[2] else []
    if unknown := [name for name in named if name not in classes]:
        raise ValueError(f"`{unknown[0]}` is no class")
    shown = np.array([name in named for name in classes], np.int64)
    return row[:2], shown, [float(p) for p in row[len(NAMED) :]]

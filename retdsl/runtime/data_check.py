"""What there is to know of a study's data before anything trains: every label and every photograph read once.

Enters: what a `data` block says, and the root folder. Leaves: `Findings`, for people as errors, for programs as JSON.
Guaranteed: nothing that is wrong with labels, split or photographs is raised; all of it is among the findings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retdsl.runtime.dataset import Data, Dataset, facts_of_the_labels, require_every_class
from retdsl.runtime.errors import RunError
from retdsl.runtime.leaks import Leaks
from retdsl.runtime.reading import look_at_listed, read_all
from retdsl.runtime.split import SIDES


@dataclass(frozen=True, slots=True)
class Findings:
    """dataset: the photographs as they were divided, None where labels could not be read; errors: all that is wrong;
    leaks: between the sides of the split, those that are allowed too; warnings: what is worth knowing, though the data
    can be used.
    """

    dataset: Dataset | None
    errors: tuple[RunError, ...] = ()
    leaks: Leaks = Leaks({})  # noqa: RUF009 (frozen)
    warnings: tuple[RunError, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain data for `json.dumps`.

            {"classes": ["healthy", "infected"],                         null, as "sides", if labels could not be read
             "sides": {"train": {"photographs": [315, 5], "patients": [160, 3]}, "valid": {...}, "test": {...}},
             "labels": {"graders": {...}, "rules": [...]},                what labellings tell, often nothing
             "excluded": {"photographs": 12, "flags": {"blurred": 9, ...}, "unseen": ["..."]},   null without `exclude`
             "problems": [{"message": "...", "where": "..." | null, "items": ["..."], "help": ["..."],
                           "severity": "error" | "warning"}]}

        Numbers are of each class, in the order of `classes`; a patient counts in every class that has a photograph of
        theirs. Where photographs show several findings, a side has the same once more as "drawn", by the label that
        sampling goes by.
        """
        dataset = self.dataset
        return {
            "classes": None if dataset is None else list(dataset.classes),
            "sides": None if dataset is None else _sides(dataset),
            "labels": {} if dataset is None else facts_of_the_labels(dataset),
            "excluded": None if dataset is None or dataset.excluded is None else dataset.excluded.to_json(),
            "problems": [*_problems(self.errors, "error"), *_problems(self.warnings, "warning")],
        }


def examine(
    data: Data,
    root: Path,
    threads: int,
    divided: Callable[[Dataset], None],
    progress: Callable[[int, int], None] | None = None,
    *,
    cached: bool = True,
) -> Findings:
    """Reads all labels and every photograph, and divides the patients.

    divided: called once with the divided photographs, before the first is decoded. progress: as in
    `PreparedImages.load_all`. cached: False to leave the user's cache of prepared photographs alone.
    """
    try:
        dataset = data.divided(root)
    except RunError as error:
        unreadable, skipped = look_at_listed(data, root, threads, progress, cached=cached)
        return Findings(None, (error, *unreadable), warnings=skipped)
    divided(dataset)
    reading = read_all(dataset, threads, progress, cached=cached, keep=False)
    errors: list[RunError] = []
    try:
        require_every_class(reading.dataset)
    except RunError as error:
        errors.append(error)
    warnings = (reading.skipped.warning(),) if reading.skipped else ()
    return Findings(reading.dataset, (*errors, *reading.errors), reading.leaks, warnings)


def _problems(found: Iterable[RunError], severity: str) -> list[dict[str, Any]]:
    return [
        {"message": p.message, "where": p.where, "items": list(p.items), "help": list(p.help), "severity": severity}
        for error in found
        for p in (error.parts or (error,))
    ]


def _sides(dataset: Dataset) -> dict[str, dict[str, Any]]:
    return {side: _side(dataset, indices) for side, indices in zip(SIDES, dataset.sides, strict=True)}


def _side(dataset: Dataset, indices: Sequence[int]) -> dict[str, Any]:
    shown = _numbers(dataset, [(index, at) for index in indices for at in dataset.samples[index].classes])
    drawn = _numbers(dataset, [(index, dataset.samples[index].label) for index in indices])
    return shown if shown == drawn else {**shown, "drawn": drawn}


def _numbers(dataset: Dataset, shown: Sequence[tuple[int, int]]) -> dict[str, list[int]]:
    """Photographs and patients of each class. shown: photographs, each with a class that it shows."""
    of_class: list[list[int]] = [[] for _ in dataset.classes]
    for index, label in shown:
        of_class[label].append(index)
    return {"photographs": [*map(len, of_class)], "patients": [*map(dataset.patients, of_class)]}

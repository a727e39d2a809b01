"""The proof that nothing leaks from the photographs to learn from into those that figures are measured on.

Enters: a divided data set, what the first pass found in its photographs, and the prepared photographs themselves.
Leaves: every leak between two sides of the split, of three kinds: the same patient, the same photograph, nearly the
same photograph. Guaranteed: a leak is told once, under the first of these kinds that it is of.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import cv2
import numpy as np

from retdsl.runtime.dataset import Dataset
from retdsl.runtime.decode import Photograph
from retdsl.runtime.feature_cache import FingerprintCache, Rows, processor
from retdsl.runtime.likeness import NUMBERS, VERSION, WAYS, Plane, fingerprint, near_copies
from retdsl.runtime.prepared import Looked
from retdsl.runtime.problems import Problems
from retdsl.runtime.split import SIDES

KINDS = {
    "patient": "patients on two sides of the split",
    "identical": "photographs that are the same on two sides of the split",
    "similar": "photographs that are nearly the same on two sides of the split",
}
"""What is told of each kind of leak, under the name that `allow_leaks` gives it."""

_HELP = {
    "patient": "two photographs of one person are alike: put all of them on one side, or, if the name is that of two "
    "people, give them two",
    "identical": "a network that has learned one knows the other: keep one, or give both one patient",
    "similar": "look at them: if they show the same eye, keep one, or give both one patient",
}


@dataclass(frozen=True, slots=True)
class Leaks:
    """Every leak in words, by its kind. allowed: the kinds that the study lets pass."""

    found: Mapping[str, tuple[str, ...]]
    allowed: Collection[str] = ()

    def require_none(self, dataset: Dataset) -> None:
        """Raises one RunError with every leak that is not allowed."""
        problems = Problems()
        for kind, cases in self.found.items():
            for case in cases if kind not in self.allowed else ():
                problems.add(KINDS[kind], case, _HELP[kind])
            if cases and kind not in self.allowed:
                problems.advise(KINDS[kind], f"or allow it knowingly: `allow_leaks = [{kind}]`")
        problems.raise_any("the split cannot be used", dataset.root)

    def notes(self) -> list[str]:
        """What is to be said of leaks that are allowed, a line each."""
        return [
            f"leaks allowed: {KINDS[kind]} ({len(cases)}), such as {cases[0]}"
            for kind, cases in self.found.items()
            if cases and kind in self.allowed
        ]

    def to_json(self) -> dict[str, Any]:
        """What is allowed, and what of it was found: `{"allowed": ["similar"], "found": {"similar": ["..."]}}`."""
        found = {kind: list(cases) for kind, cases in self.found.items() if cases}
        return {"allowed": list(self.allowed), "found": found}


def find_leaks(
    dataset: Dataset,
    looked: Mapping[int, Looked],
    photographs: Callable[[int], Photograph],
    threads: int = 1,
    kept: Rows | None = None,
) -> Leaks:
    """All leaks. looked: of the photographs that could be read, by their index; the others are left out of account.

    photographs: gives the prepared photograph of an index, uint8 `[H, W, C]`; called from several threads at once;
    kept: `fingerprint_rows`, so that photographs that are known already need not be looked at.
    """

    def print_of(index: int) -> Plane:
        key = looked[index].pixels.ljust(32, b"\0")
        found = None if kept is None else kept.find(key)
        if found is not None:
            return found[0]
        made = fingerprint(photographs(index))
        if kept is not None:
            kept.keep(key, (made,))
        return made

    side_of = {index: side for side, indices in zip(SIDES, dataset.sides, strict=True) for index in indices}
    same = _same(looked, side_of)
    told = {pair for group in same for pair in combinations(group, 2)}
    seen = [[index for index in indices if index in looked] for indices in dataset.sides]
    alike = near_copies(photographs, combinations(seen, 2), threads, print_of)

    def named(index: int) -> str:
        return f"{dataset.samples[index].image} ({side_of[index]})"

    similar = [
        f"{named(a)} ~ {named(b)}, {f'{WAYS[way]}, ' if way else ''}alike to {100 * share:.0f} %"
        for a, b, way, share in sorted(alike, key=lambda pair: -pair.alike)
        if (min(a, b), max(a, b)) not in told
    ]
    found = {
        "patient": _torn_patients(dataset, side_of),
        "identical": tuple(" = ".join(map(named, group)) for group in same),
        "similar": tuple(similar),
    }
    return Leaks(found, dataset.data.allow_leaks)


def fingerprint_rows() -> Rows:
    """Where the user's cache keeps fingerprints of photographs by their prepared pixels."""
    about = ("to find near copies", VERSION, cv2.getBuildInformation(), np.__version__, processor())
    return Rows(FingerprintCache("\n".join(map(str, about)), spare=False), {"fingerprint": (NUMBERS,)})


def _torn_patients(dataset: Dataset, side_of: Mapping[int, str]) -> tuple[str, ...]:
    """Patients on two sides, with their photographs there, in words."""
    sides: dict[str, set[str]] = {}
    for index, side in side_of.items():
        sides.setdefault(dataset.samples[index].patient, set()).add(side)
    torn: dict[str, list[int]] = {patient: [] for patient, on in sides.items() if len(on) > 1}
    for index in sorted(side_of) if torn else ():
        patient = dataset.samples[index].patient
        if patient in torn:
            torn[patient].append(index)
    return tuple(f"{patient}: {_counted(indices, side_of)}" for patient, indices in sorted(torn.items()))


def _counted(indices: Iterable[int], side_of: Mapping[int, str]) -> str:
    """`2 in train, 1 in test`."""
    sides = [side_of[index] for index in indices]
    return ", ".join(f"{sides.count(side)} in {side}" for side in SIDES if side in sides)


def _same(looked: Mapping[int, Looked], side_of: Mapping[int, str]) -> list[Sequence[int]]:
    """Groups of photographs on more than one side that are the same file, or have the same pixels once prepared."""
    groups: dict[bytes, list[int]] = {}
    for index in sorted(looked):  # the same file has the same pixels
        if index in side_of:
            groups.setdefault(looked[index].pixels, []).append(index)
    return [group for group in groups.values() if len({side_of[index] for index in group}) > 1]

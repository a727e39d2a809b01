"""Dividing photographs into train, valid and test so that no patient stands on two sides.

Enters: samples with their patients. Leaves: the indices of each side. Guaranteed: every patient is on exactly one side;
sides depend on patients, labels and seed only, not on the order of the samples; exact to the nearest patient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

from retdsl.runtime.drawing import largest_remainder
from retdsl.runtime.errors import RunError
from retdsl.runtime.sample import Sample

SIDES = ("train", "valid", "test")


class Sides(NamedTuple):
    """Indices of samples, ascending, for each side."""

    train: tuple[int, ...]
    valid: tuple[int, ...]
    test: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class by_patient:
    """Divides by patient, alike for patients of every worst label.

    train, valid, test: shares of the patients, which sum to 1; seed: of the draw. Patients are grouped by the highest
    label among their photographs (classes go from healthy to diseased), and each group is divided by largest remainder.
    A group with at least as many patients as there are sides gives every side one. A share of 0 leaves a side empty.
    Raises RunError for shares that are negative, do not sum to 1, or leave nothing to train on.
    """

    train: float = 0.7
    valid: float = 0.15
    test: float = 0.15
    seed: int = 0

    @property
    def shares(self) -> tuple[float, float, float]:
        return self.train, self.valid, self.test

    def divide(self, samples: Sequence[Sample]) -> Sides:
        """The sides of `samples`."""
        if min(self.shares) < 0 or self.train == 0 or abs(sum(self.shares) - 1) > 1e-6:
            written = ", ".join(f"{side} = {share:.4g}" for side, share in zip(SIDES, self.shares, strict=True))
            raise RunError(f"the shares of the split must sum to 1, with something to train on: {written}")
        side_of = {
            patient: side
            for group in _groups(samples).values()
            for patient, side in zip(self._drawn(group), self._sides(len(group)), strict=True)
        }
        sides: tuple[list[int], ...] = ([], [], [])
        for index, sample in enumerate(samples):
            sides[side_of[sample.patient]].append(index)
        return Sides(*map(tuple, sides))

    def _drawn(self, patients: Sequence[str]) -> list[str]:
        """Patients in drawn order. By hash: a patient's place in the line stays when others are added to the study."""

        def ticket(patient: str) -> bytes:
            return blake2b(f"{self.seed}/{patient}".encode("utf-8", "surrogatepass")).digest()

        return sorted(patients, key=ticket)

    def _sides(self, patients: int) -> list[int]:
        """The side of the first, second, ... patient of a group."""
        counts = list(largest_remainder(patients, self.shares))
        wanted = [side for side, share in enumerate(self.shares) if share > 0]
        if patients >= len(wanted):
            for side in wanted:
                if counts[side] == 0:
                    counts[counts.index(max(counts))] -= 1
                    counts[side] = 1
        return [side for side, count in enumerate(counts) for _ in range(count)]


def _groups(samples: Sequence[Sample]) -> dict[int, list[str]]:
    """Patients by their worst label."""
    worst: dict[str, int] = {}
    for sample in samples:
        worst[sample.patient] = max(sample.label, worst.get(sample.patient, 0))
    groups: dict[int, list[str]] = {}
    for patient, label in worst.items():
        groups.setdefault(label, []).append(patient)
    return groups

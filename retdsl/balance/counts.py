"""How many photographs of each class there are, and on which side of the split: what is known, and how well.

Enters: the plan of a data block, and what reading its labels and photographs found, if they were read. Leaves:
`Counts`, or None where nobody knows. Guaranteed: numbers that were read are exact; all others are what the shares of
the split make of the totals, good to a photograph or two, because patients are divided and not photographs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast

from retdsl.ir import Call, DataPlan
from retdsl.records import dataclass

SIDES = ("train", "valid", "test")

FEWEST_PAINTED = 3
"""Patients with an infected eye, and patients with none, that `synthetic_fundus` paints at least."""


@dataclass(frozen=True, slots=True)
class Side:
    """A side of the split: photographs of each class, in the order of the classes, and patients who have one."""

    photographs: tuple[int, ...]
    patients: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """The photographs of each side. origin: "read" from the labels, "given" in the spec, or "painted" by the source."""

    train: Side
    valid: Side
    test: Side
    origin: Literal["read", "given", "painted"]

    @property
    def exact(self) -> bool:
        """Whether these are the sides as they are; else they are estimates."""
        return self.origin == "read"

    @property
    def total(self) -> tuple[int, ...]:
        """Photographs of each class in all."""
        return tuple(map(sum, zip(*(side.photographs for side in (self.train, self.valid, self.test)), strict=True)))


@dataclass(frozen=True, slots=True)
class DataProblem:
    """Something wrong with labels or photographs: what, in which file, each case, and what to do."""

    message: str
    where: str | None
    items: tuple[str, ...]
    helps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading all labels and photographs of a data block found. counts: None if the labels cannot be used; unseen:
    photographs that the audit, by which others are left out, has not seen.
    """

    counts: Counts | None
    problems: tuple[DataProblem, ...] = ()
    unseen: tuple[str, ...] = ()


def reading_of(found: Mapping[str, Any], root: Path) -> Reading:
    """What a generated program answers to `--check-data --format json`. root: files below it are named from there."""
    problems = tuple(
        DataProblem(
            _legible(p["message"]),
            p["where"] and _legible(p["where"].removeprefix(f"{root}{os.sep}")),
            tuple(map(_legible, p["items"])),
            tuple(map(_legible, p["help"])),
        )
        for p in found["problems"]
    )
    if found["sides"] is None:
        return Reading(None, problems)
    train, valid, test = (
        Side(tuple(found["sides"][side]["photographs"]), tuple(found["sides"][side]["patients"])) for side in SIDES
    )
    unseen = tuple(map(_legible, found["excluded"]["unseen"])) if found.get("excluded") else ()
    return Reading(Counts(train, valid, test, "read"), problems, unseen)


def known_counts(data: DataPlan, reading: Reading | None = None) -> Counts | None:
    """The photographs of a data block: as they were read, else as its source paints them, else as the spec says."""
    if reading is not None and reading.counts is not None:
        return reading.counts
    painted = painted_counts(data.source)
    total = painted or data.counts
    if total is None:
        return None
    shares = [float(str(data.split[side])) for side in SIDES]
    by_class = [expected_sides(number, shares) for number in total]
    train, valid, test = (Side(tuple(numbers)) for numbers in zip(*by_class, strict=True))
    return Counts(train, valid, test, "painted" if painted else "given")


def expected_sides(number: int, shares: Sequence[float]) -> tuple[int, ...]:
    """`number` photographs of one class, divided; each side gets one, as far as they go."""
    sides = list(largest_remainder(number, shares))
    for side in range(len(sides)):
        if sides[side] == 0 and number >= len(sides):
            sides[sides.index(max(sides))] -= 1
            sides[side] = 1
    return tuple(sides)


def largest_remainder(total: int, weights: Sequence[float]) -> tuple[int, ...]:
    """`total` divided in proportion to `weights`, in whole numbers that sum to `total` (Hamilton's method), just as
    `retdsl.runtime.sampling` does it. Equal remainders go to the earlier weight.
    """
    whole = sum(weights)
    exact = [total * weight / whole for weight in weights]
    shares = [int(share + 1e-9) for share in exact]
    by_remainder = sorted(range(len(weights)), key=lambda at: (round(shares[at] - exact[at], 9), at))
    for at in by_remainder[: total - sum(shares)]:
        shares[at] += 1
    return tuple(shares)


def painted_counts(source: Call) -> tuple[int, int] | None:
    """Healthy and infected photographs that `synthetic_fundus` paints, just as `retdsl.runtime.synthetic` counts them;
    None for any other source.
    """
    if source.name != "synthetic_fundus":
        return None
    number = cast(int, source["n"])
    healthy, infected = cast("tuple[float, float]", source["ratio"])
    eyes = int(number * infected / (healthy + infected) + 0.5)
    eyes = min(max(eyes, FEWEST_PAINTED), number - 2 * FEWEST_PAINTED)
    return number - eyes, eyes


def _legible(text: str) -> str:
    """A text without the halves of characters that names of files may hold."""
    return text.encode("utf-8", "replace").decode()

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
from retdsl.records import dataclass, replace

SIDES = ("train", "valid", "test")

FEWEST_PAINTED = 3
"""Patients with an infected eye, and patients with none, that `synthetic_fundus` paints at least."""


@dataclass(frozen=True, slots=True)
class Side:
    """A side of the split: photographs of each class, in the order of the classes, and patients who have one.

    drawn: the same as sampling goes by, if that is another thing: of several findings it knows the last alone.
    """

    photographs: tuple[int, ...]
    patients: tuple[int, ...] | None = None
    drawn: Side | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """The photographs of each side.

    origin: "read" from the labels, "given" in the spec, "painted" by the source, or those of a "fold" other than the
    one that was read. apart: whether the test side is a set from elsewhere, with no part of the source's photographs;
    it has none where they are not known.
    """

    train: Side
    valid: Side
    test: Side
    origin: Literal["read", "given", "painted", "fold"]
    apart: bool = False

    @property
    def exact(self) -> bool:
        """Whether these are the sides as they are; else they are estimates."""
        return self.origin == "read"

    @property
    def total(self) -> tuple[int, ...]:
        """Photographs of each class in all that the split divides."""
        sides = (self.train, self.valid) if self.apart else (self.train, self.valid, self.test)
        return tuple(map(sum, zip(*(side.photographs for side in sides), strict=True)))


@dataclass(frozen=True, slots=True)
class DataProblem:
    """Something wrong with labels or photographs: what, in which file, each case, what to do, and how bad it is."""

    message: str
    where: str | None
    items: tuple[str, ...]
    helps: tuple[str, ...]
    severity: Literal["error", "warning"] = "error"


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
            p.get("severity", "error"),
        )
        for p in found["problems"]
    )
    if found["sides"] is None:
        return Reading(None, problems)
    train, valid, test = (_read_side(found["sides"][side]) for side in SIDES)
    unseen = tuple(map(_legible, found["excluded"]["unseen"])) if found.get("excluded") else ()
    return Reading(Counts(train, valid, test, "read"), problems, unseen)


def _read_side(found: Mapping[str, Any]) -> Side:
    drawn = found.get("drawn")
    return Side(tuple(found["photographs"]), tuple(found["patients"]), None if drawn is None else _read_side(drawn))


def known_counts(data: DataPlan, reading: Reading | None = None) -> Counts | None:
    """The photographs of a data block: as they were read, else as its source paints them, else as the spec says."""
    if reading is not None and reading.counts is not None:
        return replace(reading.counts, apart=data["test"] is not None)
    painted = painted_counts(data.source)
    total = painted or data.counts
    return None if total is None else _estimated(data, total, "painted" if painted else "given")


def of_another_fold(data: DataPlan, counts: Counts) -> Counts | None:
    """What is known of the sides of this data block if `counts` are those of another fold of it."""
    if data.split["column"] is not None:  # which says what is tested on; the folds divide the rest
        alone = Call(data.split.name, (("k", data.split["k"]), ("test", 0.0), ("column", None)))
        data = replace(data, split=alone)
        learned = tuple(map(sum, zip(counts.train.photographs, counts.valid.photographs, strict=True)))
        estimated = _estimated(data, learned, "fold")
        return estimated and replace(estimated, test=counts.test, apart=counts.apart)
    estimated = _estimated(data, counts.total, "fold" if counts.origin == "read" else counts.origin)
    return estimated and replace(estimated, test=counts.test)  # the same for every fold


def _estimated(data: DataPlan, total: Sequence[int], origin: Literal["given", "painted", "fold"]) -> Counts | None:
    shares = shares_of(data.split)
    if shares is None:
        return None
    by_class = [expected_sides(number, shares) for number in total]
    train, valid, test = (Side(tuple(numbers)) for numbers in zip(*by_class, strict=True))
    elsewhere = data["test"]
    if isinstance(elsewhere, Call):
        test = Side(painted_counts(elsewhere) or (0,) * len(data.classes))
    return Counts(train, valid, test, origin, apart=elsewhere is not None)


def shares_of(split: Call) -> tuple[float, float, float] | None:
    """The share of each side in what a split divides; None where nobody knows before it is done."""
    match split.name:
        case "by_patient":
            train, valid, test = (float(str(split[side])) for side in SIDES)
            return train, valid, test
        case "folds" if split["column"] is None:
            test = float(str(split["test"]))
            valid = (1 - test) / cast(int, split["k"])
            return 1 - test - valid, valid, test
    return None


def expected_sides(number: int, shares: Sequence[float]) -> tuple[int, ...]:
    """`number` photographs of one class, divided; each side gets one, as far as they go."""
    sides = list(largest_remainder(number, shares))
    wanted = [side for side, share in enumerate(shares) if share > 0]
    for side in wanted:
        if sides[side] == 0 and number >= len(wanted):
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

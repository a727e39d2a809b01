"""Figures as curves of characters: a row of blocks, or a field of Braille dots with two across and four down in each.

Enters: values, NaN where there is none. Leaves: text of exactly the width that is asked for. Guaranteed: the first and
the last value are shown; of more values than there is room for each column shows the mean of its share.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from retdsl.records import dataclass

BLOCKS = "▁▂▃▄▅▆▇█"

_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""The bit of each dot of a Braille character: by column, from the top down."""

_BRAILLE = 0x2800


@dataclass(frozen=True, slots=True)
class Cell:
    """A character of a field, and which curve it belongs to; None where there is nothing."""

    character: str
    curve: int | None


def sparkline(values: Sequence[float], width: int) -> str:
    """Values as blocks from the lowest to the highest; a blank where there is none."""
    points = fitted(values, width)
    low, high = limits([points])
    marks = []
    for value in points:
        if math.isnan(value):
            marks.append(" ")
        else:
            share = 0.0 if high == low else (value - low) / (high - low)
            marks.append(BLOCKS[min(int(share * len(BLOCKS)), len(BLOCKS) - 1)])
    return "".join(marks).ljust(width)


def field(curves: Sequence[Sequence[float]], width: int, height: int) -> list[list[Cell]]:
    """Curves over one another in `height` rows of `width` characters, all on the same scale; later ones lie on top."""
    columns, rows = 2 * width, 4 * height
    low, high = limits(curves)
    dots = [[0] * width for _ in range(height)]
    owner: list[list[int | None]] = [[None] * width for _ in range(height)]
    for which, values in enumerate(curves):
        before: int | None = None
        for x, value in enumerate(_stretched(fitted(values, columns), columns)):
            if math.isnan(value):
                before = None
                continue
            share = 0.5 if high == low else (value - low) / (high - low)
            y = rows - 1 - min(int(share * rows), rows - 1)
            # What lies between two values is filled up, so that a steep curve is still one line.
            between = range(min(y, before), max(y, before) + 1) if before is not None else (y,)
            for at in between:
                dots[at // 4][x // 2] |= _DOTS[x % 2][at % 4]
                owner[at // 4][x // 2] = which
            before = y
    return [
        [Cell(chr(_BRAILLE + bits) if bits else " ", who) for bits, who in zip(row, whose, strict=True)]
        for row, whose in zip(dots, owner, strict=True)
    ]


def fitted(values: Sequence[float], most: int) -> list[float]:
    """At most so many values: the mean of neighbours where there are more, and the last one as it is."""
    if len(values) <= most:
        return list(values)
    edges = [len(values) * at // most for at in range(most + 1)]
    means = [_mean(values[a:b]) for a, b in pairwise(edges)]
    return [*means[:-1], values[-1]]


def limits(curves: Sequence[Sequence[float]]) -> tuple[float, float]:
    """The lowest and the highest value; 0 and 0 where there is none."""
    known = [value for values in curves for value in values if math.isfinite(value)]
    return (min(known), max(known)) if known else (0.0, 0.0)


def _stretched(values: Sequence[float], width: int) -> list[float]:
    """Values on a line from the first column to the last, straight between two of them."""
    if len(values) < 2:
        return [*values, *[math.nan] * (width - len(values))]
    points = []
    for x in range(width):
        at = x * (len(values) - 1) / (width - 1)
        left = min(int(at), len(values) - 2)
        a, b, share = values[left], values[left + 1], at - left
        points.append(a if share == 0 else b if share == 1 else a + (b - a) * share)
    return points


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return math.fsum(known) / len(known) if known else math.nan

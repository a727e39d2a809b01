"""The final figures as a table for people: what the thresholds from validation do first, then what needs no threshold.

Enters: figures as `judging.judge` makes them, and how wide the terminal is. Leaves: lines of text. Guaranteed: figures
at thresholds that were chosen on the test images themselves stand last, under a title that says so; a line is not wider
than the terminal, as far as 40 columns allow it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

GAP = "  "

INDENT = "  "

NARROWEST = 20

UNITS = {"each eye": "", "each patient": "per_patient"}
"""The columns, and where the figures of each are."""


@dataclass(frozen=True)
class Row:
    """A line of the table. cells: one for each column; none in a title."""

    label: str
    cells: tuple[str, ...] = ()


def figures_table(figures: Mapping[str, Any], columns: int = 80) -> list[str]:
    """The lines. figures: test.json or what will be; columns: of the terminal.

    Each patient has a column where some have several photographs; where the columns do not fit beside one another, each
    is a table, and where even that is too wide, each figure stands below its name.
    """
    several = figures.get("patients") != figures.get("images")
    units = {title: key for title, key in UNITS.items() if several or not key}
    lines = _aligned(list(_rows(figures, units)), tuple(units) if several else (), columns)
    if lines is None:
        lines = []
        for title, key in units.items():
            rows, heads = list(_rows(figures, {title: key})), (title,) if several else ()
            lines += _aligned(rows, heads, columns) or _one_below_the_other(rows, heads, columns)
    if not any("[" in line for line in lines):
        return lines
    patients = f" {figures['patients']:,}" if figures.get("patients") else ""
    note = f"in brackets: 95 % intervals, by drawing the{patients} patients again"
    return [*lines, *wrap(note, max(columns, NARROWEST))]


def class_in_words(name: str) -> str:
    """`infected`, but `class 4` where a number would be taken for a count."""
    return f"class {name}" if name[:1].isdigit() else name


def counts_in_words(counts: Iterable[tuple[str, int]]) -> str:
    """`520 healthy, 140 infected`, or `17 of class 0, 12 of class 1`."""
    return ", ".join(f"{count} {'of ' if name[:1].isdigit() else ''}{class_in_words(name)}" for name, count in counts)


def key_in_words(key: str) -> str:
    """`sensitivity at 90 % specificity` for `sensitivity_at_specificity_90`."""
    return re.sub(r"_at_([a-z]+)_([\d.e-]+)$", r" at \2 % \1", key).replace("_", " ")


def is_number(value: object) -> bool:
    """Whether a figure is one, and means something."""
    return isinstance(value, float | int) and not isinstance(value, bool) and math.isfinite(value)


def figure_in_words(value: float | None, interval: Sequence[float | None] | None = None) -> str:
    """`0.953 [0.912, 0.978]`; without the brackets where there is no interval, `-` where there is no figure."""
    low, high = interval or (None, None)
    if low is None or high is None or math.isnan(low):
        return _number(value)
    return f"{_number(value)} [{_number(low)}, {_number(high)}]"


def _rows(figures: Mapping[str, Any], units: Mapping[str, str]) -> Iterator[Row]:
    sides = [figures.get(key, {}) if key else figures for key in units.values()]
    for points in zip(*(side.get("operating_points", ()) for side in sides), strict=False):
        of = f", {points[0]['finding']}" if "finding" in points[0] else ""
        yield Row(f"threshold from validation, for {key_in_words(points[0]['metric'])}{of}")
        yield Row("threshold", tuple(_number(point["threshold"], 4) for point in points))
        yield from _figures(points, [key for key in points[0] if f"{key}_ci" in points[0]])
    keys = [key for key in figures if f"{key}_ci" in figures]
    of_side = [key for key in keys if has_threshold(key)]
    yield Row("all test images" if of_side or figures.get("operating_points") else "")
    yield from _figures(sides, [*(["loss"] if "loss" in figures else []), *(key for key in keys if key not in of_side)])
    if of_side:
        yield Row("best threshold of the test images themselves, known too late")
        yield from _figures(sides, of_side)


def _figures(sides: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> Iterator[Row]:
    for key in keys:
        yield Row(key_in_words(key), tuple(figure_in_words(side.get(key), side.get(f"{key}_ci")) for side in sides))


def has_threshold(key: str) -> bool:
    return re.search(r"^s.*_at_s.*_[\d.]+$", key) is not None


def _number(value: float | None, digits: int = 3) -> str:
    if value is None or math.isnan(value):
        return "-"
    return f"{value:.{digits}f}" if abs(value) < 1000 else f"{value:.1e}"


def _aligned(rows: Sequence[Row], heads: Sequence[str], columns: int) -> list[str] | None:
    """The rows below their heads, in columns; a title goes across. None where that is too wide."""
    figures = [row for row in rows if row.cells]
    if heads:
        figures.insert(0, Row("", tuple(heads)))
    first = max(len(row.label) for row in figures)
    widths = [max(map(len, cells)) for cells in zip(*(row.cells for row in figures), strict=True)]
    if len(INDENT) + first + sum(len(GAP) + width for width in widths) > columns:
        return None
    lines = []
    for row in [*figures[:1], *rows] if heads else rows:
        cells = (cell.ljust(width) for cell, width in zip(row.cells, widths, strict=False))
        lines += [(INDENT + GAP.join([row.label.ljust(first), *cells])).rstrip()] if row.cells else _title(row, columns)
    return lines


def _one_below_the_other(rows: Sequence[Row], heads: Sequence[str], columns: int) -> list[str]:
    """For a narrow terminal: each figure below its name."""
    lines = [f"{head}:" for head in heads]
    for row in rows:
        lines += [INDENT + row.label, *(2 * INDENT + cell for cell in row.cells)] if row.cells else _title(row, columns)
    return lines


def _title(row: Row, columns: int) -> list[str]:
    return wrap(row.label, max(columns, NARROWEST))

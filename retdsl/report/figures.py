"""The figures of a run as tables: of photographs and of patients, and at the operating points that were frozen.

Enters: test.json. Leaves: rows of texts. Guaranteed: nothing is computed here; what test.json lacks is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retdsl.report.words import figure, figure_name, interval
from retdsl.runtime.figures_table import is_number

FACTS = frozenset({"images", "patients", "best_epoch", "best_value", "epochs", "seconds", "images_per_second"})
"""Numbers of test.json that judge nothing."""

AT_A_POINT = ("sensitivity", "specificity", "ppv", "npv")
"""What is told first of an operating point."""


@dataclass(frozen=True)
class Row:
    """A figure, and its value and interval for each column."""

    name: str
    cells: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Point:
    """An operating point. name: what it was chosen for; photographs, patients: thresholds; rows: what it gives."""

    name: str
    chosen_on: str
    thresholds: tuple[str, ...]
    rows: tuple[Row, ...]


def has_patients(test: Mapping[str, Any]) -> bool:
    return isinstance(test.get("per_patient"), Mapping)


def rows_of(test: Mapping[str, Any]) -> list[Row]:
    """Every figure for photographs, and for patients where there are such."""
    columns = [test, test["per_patient"]] if has_patients(test) else [test]
    return [Row(figure_name(key), _cells(key, columns)) for key in _keys(test)]


def points_of(test: Mapping[str, Any]) -> list[Point]:
    """The operating points, for photographs and, where there are such, for patients."""
    found = [point for point in test.get("operating_points") or () if is_number(point.get("threshold"))]
    others = {_name(p): p for p in (test.get("per_patient") or {}).get("operating_points") or ()}
    points = []
    for point in found:
        columns = [point, *([others[_name(point)]] if _name(point) in others else [])]
        keys = [key for key in (*AT_A_POINT, *_keys(point)) if is_number(point.get(key))]
        points.append(
            Point(
                _name(point),
                str(point.get("chosen_on", "validation")),
                tuple(f"{one['threshold']:.4g}" if is_number(one.get("threshold")) else "-" for one in columns),
                tuple(Row(figure_name(key), _cells(key, columns)) for key in dict.fromkeys(keys)),
            )
        )
    return points


def _name(point: Mapping[str, Any]) -> str:
    about = f"{point['finding']}: " if "finding" in point else ""
    return about + figure_name(str(point.get("metric", "")))


def _keys(figures: Mapping[str, Any]) -> list[str]:
    """Those that hold a figure: a number, or null, which means nothing here."""
    known = {key.removesuffix("_ci") for key in figures if key.endswith("_ci")}
    return [
        key
        for key, value in figures.items()
        if key in known or (isinstance(value, float) and key not in FACTS | {"threshold"})
    ]


def _cells(key: str, columns: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, str], ...]:
    return tuple((figure(key, one.get(key)), interval(key, one.get(f"{key}_ci"))) for one in columns)

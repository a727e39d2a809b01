"""What the cells of a table say of a photograph's class.

Enters: for every row the cells of the columns that a labelling asks for. Leaves: for every row a `Label`, or None where
the cells are no label, which is noted among the problems. A labelling sees all rows at once: what graders are worth
shows only on all that they have graded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from retdsl.runtime.problems import Problems, did_you_mean, listed


class Label(NamedTuple):
    """The class of a photograph, as a position in `classes`; target: as in `Sample`."""

    position: int
    target: tuple[float, ...] | None = None


class Labelling(Protocol):
    """How cells become a label."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns whose cells it reads."""

    def label(
        self, rows: Sequence[Sequence[str]], places: Sequence[str], classes: tuple[str, ...], problems: Problems
    ) -> list[Label | None]:
        """The label of every row. rows: the cells of `columns`, stripped; places: where each stands, as `line 3`."""


@dataclass(frozen=True, slots=True)
class named:
    """The name of a class in one column. Every class must occur."""

    column: str

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    def label(
        self, rows: Sequence[Sequence[str]], places: Sequence[str], classes: tuple[str, ...], problems: Problems
    ) -> list[Label | None]:
        known = {name: Label(position) for position, name in enumerate(classes)}
        labels = [known.get(cell) for (cell,) in rows]
        strange: dict[str, list[str]] = {}
        for (cell,), label, place in zip(rows, labels, places, strict=True):
            if not cell:
                problems.add("rows without a label", place)
            elif label is None:
                strange.setdefault(cell, []).append(place)
        for cell, where in strange.items():
            count = "1 row" if len(where) == 1 else f"{len(where)} rows"
            case = f"`{cell}`: {count}, first in {where[0]}{did_you_mean(cell, classes)}"
            problems.add("labels that are no class", case, f"the classes are {listed(classes)}")
        return labels

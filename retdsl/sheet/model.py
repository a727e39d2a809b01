"""A contact sheet as data: columns are the states of a photograph, rows are photographs, a group a class."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from retdsl.records import dataclass

Picture: TypeAlias = npt.NDArray[np.uint8]
"""uint8 RGB `[H, W, 3]`."""


@dataclass(frozen=True, slots=True)
class Column:
    """A state of every photograph. title: the step that led to it; about: its options, a line each; pictures: how many
    of every photograph stand in it, more than one where chance makes them differ.
    """

    title: str
    about: tuple[str, ...] = ()
    pictures: int = 1


@dataclass(frozen=True, slots=True)
class Row:
    """A photograph: its name, patient and side of the split, how it looks in each column, or why it cannot be read."""

    name: str
    patient: str
    side: str
    pictures: tuple[Picture, ...] = ()
    reason: str = ""

    @property
    def about(self) -> tuple[str, ...]:
        """Its folder and its patient, as far as they say more than its name."""
        folder = self.name.rpartition("/")[0]
        whose = self.patient if self.patient.startswith("patient") else f"patient {self.patient}"
        return (*([f"{folder}/"] if folder else []), *([whose] if self.patient != self.name else []))


@dataclass(frozen=True, slots=True)
class Group:
    """A class: how many photographs of it each side has, and those that are shown."""

    title: str
    counts: tuple[tuple[str, int], ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """facts: what else is to be said, each a word and its text."""

    title: str
    facts: tuple[tuple[str, str], ...]
    columns: tuple[Column, ...]
    groups: tuple[Group, ...]

    @property
    def width(self) -> int:
        """Pictures side by side."""
        return sum(column.pictures for column in self.columns)

    def caption(self, place: int, picture: Picture) -> str:
        """What stands below the picture at a place of its row: its height and width, and which turn it is."""
        height, width = picture.shape[:2]
        first = 0
        for column in self.columns:
            if place < first + column.pictures:
                break
            first += column.pictures
        turn = f", turn {place - first + 1}" if column.pictures > 1 else ""
        return f"{height} × {width}{turn}"

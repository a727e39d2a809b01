"""What a picture is made of, before anyone thinks of DOT.

A `Picture` is a graph of boxes and arrows whose boxes stand in reading order: every arrow points from an earlier box to
a later one. Groups are frames around boxes; rows say where the reading line wraps, as lines of text do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum

from retdsl.records import dataclass


class Look(Enum):
    """The part something plays, from which its colours and lines follow (see `palette`)."""

    PLAIN = "plain"
    FROZEN = "frozen"
    TRAINED = "trained"
    LEFT = "left"
    LOSS = "loss"
    BLOCK = "block"
    TRAIN = "train"
    VALID = "valid"
    TEST = "test"


class Form(Enum):
    """How a box is drawn: a box with text, a small round joint, or a card with a headline."""

    BOX = "box"
    JOINT = "joint"
    CARD = "card"


@dataclass(frozen=True, slots=True)
class Box:
    """One thing of the picture.

    role: the small word above the title of a card; lines: small text below the title; places: names of where to cut;
    figure: the last line, set off (a count of parameters); tooltip: what a reader sees who points at it, lines apart by
    line feeds; group: id of the innermost group around it.
    """

    id: str
    title: str
    lines: tuple[str, ...] = ()
    figure: str = ""
    look: Look = Look.PLAIN
    form: Form = Form.BOX
    role: str = ""
    tooltip: str = ""
    group: str | None = None
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Arrow:
    """From box to box, by their ids; the label may have several lines."""

    tail: str
    head: str
    label: str = ""
    look: Look = Look.PLAIN
    tooltip: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """A titled frame around neighbouring boxes; parent: the group that it lies in."""

    id: str
    title: str
    look: Look
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """One entry of the legend: what a look means in this picture."""

    look: Look
    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A whole drawing. rows: ids of boxes in reading order, every box in one row."""

    name: str
    title: str
    subtitle: str
    legend: tuple[Key, ...]
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    groups: tuple[Group, ...]
    rows: tuple[tuple[str, ...], ...]


class Identifiers:
    """Gives out ids that DOT takes without quotes, each once, as near to the names as can be."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def new(self, name: str) -> str:
        plain = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "_"
        if plain[0].isdigit() or plain.lower() in ("node", "edge", "graph", "digraph", "subgraph", "strict"):
            plain = f"_{plain}"
        made, n = plain, 1
        while made in self._taken:
            n += 1
            made = f"{plain}_{n}"
        self._taken.add(made)
        return made


def depth(order: Sequence[str], edges: Sequence[tuple[str, str]]) -> int:
    """Boxes on the longest path within `order`: the columns that a row of them takes."""
    inside = set(order)
    column = dict.fromkeys(order, 1)
    heads: dict[str, list[str]] = {name: [] for name in order}
    for tail, head in edges:
        if tail in inside and head in inside:
            heads[tail].append(head)
    for name in order:
        for head in heads[name]:
            column[head] = max(column[head], column[name] + 1)
    return max(column.values(), default=0)

"""A contact sheet as one PNG.

Enters: a `Sheet`. Leaves: the content of a PNG. Graphviz, which draws all other pictures, too, sets the type: every
piece of text says where it stands. The photographs are laid upon its paper afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from math import inf

import cv2
import numpy as np

from retdsl.sheet.model import Group, Picture, Row, Sheet
from retdsl.sheet.scale import cell_side
from retdsl.viz.graph import Look
from retdsl.viz.palette import FONT, INK, PAPER, SOFT_INK, STYLES
from retdsl.viz.render import draw_placed

DENSITY = 1.5
"""Pixels of the PNG for each unit of the layout."""

MARGIN, GAP, NAMES = 32, 12, 184
"""Around the sheet; between pictures; the width of the names beside them."""

TITLE, TEXT, SMALL = 24, 13, 11
"""Sizes of type."""

WIDE = 0.54
"""The width of a character of text, as a share of its size."""

BOLD = 0.6
"""The same of bold text."""

WRONG, WRONG_GROUND, RULE = "#9C2F2F", "#FBEAEA", "#DDE2E8"
SIDES = {"train": Look.TRAIN, "valid": Look.VALID, "test": Look.TEST}


def paper(sheet: Sheet) -> bytes:
    """The content of the PNG. Raises RenderError where nothing here can draw."""
    made = _Paper(MARGIN + NAMES + sheet.width * (cell_side(sheet.width) + GAP) - GAP + MARGIN)
    y = _top(made, sheet, MARGIN)
    y = _heads(made, sheet, y)
    for group in sheet.groups:
        y = _group(made, sheet, group, y)
    return made.drawn(y + MARGIN - GAP)


def _top(made: _Paper, sheet: Sheet, y: float) -> float:
    made.text(MARGIN, y, sheet.title, TITLE, bold=True)
    y += 1.7 * TITLE
    for word, text in sheet.facts:
        made.text(MARGIN, y, word, SMALL, SOFT_INK)
        made.text(MARGIN + 84, y, text, SMALL)
        y += 1.5 * SMALL
    return y + 16


def _heads(made: _Paper, sheet: Sheet, y: float) -> float:
    cell, deepest = cell_side(sheet.width), y
    x: float = MARGIN + NAMES
    for place, column in enumerate(sheet.columns):
        width = column.pictures * (cell + GAP) - GAP
        colour = STYLES[Look.TRAIN].text if column.pictures > 1 else INK
        made.text(x, y, column.title if place == 0 else f"→ {column.title}", TEXT + 1, colour, bold=True, width=width)
        below = y + 1.6 * TEXT
        for line in column.about:
            made.text(x, below, line, SMALL, SOFT_INK, width=width)
            below += 1.35 * SMALL
        deepest, x = max(deepest, below), x + width + GAP
    made.box(MARGIN, deepest + 6, made.width - 2 * MARGIN, 1.5, RULE)
    return deepest + 8


def _group(made: _Paper, sheet: Sheet, group: Group, y: float) -> float:
    y += 20
    made.text(MARGIN, y, group.title, TEXT + 4, bold=True)
    x = max(MARGIN + NAMES, MARGIN + len(group.title) * (TEXT + 4) * BOLD + GAP)
    for side, count in group.counts:
        x += made.chip(x, y + 2, side, f"{side} {count:,}") + 8
    y += 34
    for row in group.rows:
        y += _row(made, sheet, row, y) + GAP
    return y


def _row(made: _Paper, sheet: Sheet, row: Row, y: float) -> float:
    """Puts a photograph on the paper; returns the height it takes."""
    made.text(MARGIN, y, row.name.rpartition("/")[2], TEXT, bold=True, width=NAMES - GAP)
    below = y + 1.5 * TEXT
    for line in row.about:
        made.text(MARGIN, below, line, SMALL, SOFT_INK, width=NAMES - GAP)
        below += 1.4 * SMALL
    made.chip(MARGIN, below + 4, row.side, row.side)
    below += 26 - y
    x, cell = MARGIN + NAMES, cell_side(sheet.width)
    if row.reason:
        made.box(x, y, made.width - MARGIN - x, 50, WRONG_GROUND)
        made.text(x + 12, y + 8, "cannot be read", TEXT, WRONG, bold=True)
        made.text(x + 12, y + 27, row.reason, SMALL, WRONG, width=made.width - 2 * MARGIN - NAMES - 24)
        return max(below, 50)
    for place, picture in enumerate(row.pictures):
        made.photograph(x, y, cell, picture)
        made.text(x, y + cell + 3, sheet.caption(place, picture), SMALL, SOFT_INK)
        x += cell + GAP
    return max(below, cell + 1.6 * SMALL)


@dataclass
class _Paper:
    """What is on the paper so far: nodes with their upper left corner, height and width, and photographs."""

    width: float
    _nodes: list[tuple[str, float, float, float, float]] = field(default_factory=list)
    _photographs: list[tuple[float, float, int, Picture]] = field(default_factory=list)

    def text(
        self, x: float, y: float, text: str, size: float, colour: str = INK, *, bold: bool = False, width: float = inf
    ) -> None:
        """A line of text whose upper left corner is at (x, y), cut where it would be wider than `width`."""
        width = min(width, self.width - MARGIN - x)
        shown = escape(_cut(text, int(width / (size * WIDE))))
        shown = f"<B>{shown}</B>" if bold else shown
        high = 1.4 * size
        cell = f'<TD ALIGN="LEFT" WIDTH="{width:.0f}" HEIGHT="{high:.0f}" FIXEDSIZE="TRUE">'
        font = f'<FONT POINT-SIZE="{size}" COLOR="{colour}">{shown}</FONT>'
        table = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0"><TR>{cell}{font}</TD></TR></TABLE>'
        self._nodes.append((f'shape=plain fontname="{FONT}" label=<{table}>', x, y, width, high))

    def box(self, x: float, y: float, width: float, height: float, colour: str, style: str = "filled") -> None:
        """A filled box."""
        self._nodes.append(
            (
                f'shape=box style="{style}" color="{colour}" fillcolor="{colour}" label="" fixedsize=true',
                x,
                y,
                width,
                height,
            )
        )

    def chip(self, x: float, y: float, side: str, text: str) -> float:
        """A side of the split in its colours; returns its width."""
        style = STYLES[SIDES[side]]
        width = len(text) * SMALL * WIDE + 16
        self.box(x, y, width, 17, style.fill, "filled,rounded")
        label = f'shape=plain fontname="{FONT}" fontsize={SMALL} fontcolor="{style.text}" label="{text}" fixedsize=true'
        self._nodes.append((label, x, y, width, 17))
        return width

    def photograph(self, x: float, y: float, side: int, picture: Picture) -> None:
        """A photograph within a square, as large as it can be."""
        self._photographs.append((x, y, side, picture))

    def drawn(self, height: float) -> bytes:
        """The content of the PNG, so high."""
        ground = (
            f'shape=box style=filled color="{PAPER}" fillcolor="{PAPER}" label="" fixedsize=true',
            0.0,
            0.0,
            self.width,
            height,
        )
        nodes = [
            f"n{number} [{looks} width={wide / 72:.4f} height={high / 72:.4f}"
            f' pos="{x + wide / 2:.2f},{height - y - high / 2:.2f}!"]'
            for number, (looks, x, y, wide, high) in enumerate([ground, *self._nodes])
        ]
        dot = "\n".join([f'graph sheet {{ graph [bgcolor="{PAPER}" pad=0 margin=0]', *nodes, "}"])
        drawn = cv2.imdecode(np.frombuffer(draw_placed(dot, round(72 * DENSITY)), np.uint8), cv2.IMREAD_COLOR)
        sheet = np.asarray(drawn, np.uint8)
        for x, y, side, picture in self._photographs:
            _lay(sheet, round(x * DENSITY), round(y * DENSITY), round(side * DENSITY), picture)
        done, data = cv2.imencode(".png", sheet)
        assert done
        return data.tobytes()


def _lay(sheet: Picture, x: int, y: int, side: int, picture: Picture) -> None:
    """Lays a picture, RGB, into the middle of a square of the sheet, BGR."""
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    high, wide = max(1, round(height * scale)), max(1, round(width * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC if scale < 2 else cv2.INTER_NEAREST
    shown = cv2.cvtColor(cv2.resize(picture, (wide, high), interpolation=method), cv2.COLOR_RGB2BGR)
    top, left = y + (side - high) // 2, x + (side - wide) // 2
    sheet[top : top + high, left : left + wide] = shown


def _cut(text: str, most: int) -> str:
    """The text, its middle left out where it has more characters than that."""
    if len(text) <= most:
        return text
    keep = max(most - 1, 2)
    return f"{text[: (keep + 1) // 2]}…{text[-(keep // 2) :]}"

"""A picture as DOT text.

The text is the same for the same picture, whoever draws it: every attribute is written out, boxes and arrows come in
the picture's order. Rows are parts of one left-to-right layout, held one below the other by corner points in a column
of their own; the line from the end of a row to the start of the next runs through these corners. Their names have a
space in them, which no box's id has.
"""

from __future__ import annotations

from html import escape
from itertools import pairwise
from typing import Any

from retdsl.viz.graph import Arrow, Box, Form, Group, Key, Look, Picture
from retdsl.viz.palette import FONT, INK, LINE, PAPER, SOFT_INK, STYLES

STRAIGHT, SLACK = "1000", "10"
"""Weights of arrows: what is kept short and straight, and what may give way (the arrows into a joint)."""


def dot_text(picture: Picture) -> str:
    """The DOT text of a picture, ending in a line feed."""
    from graphviz import Digraph  # late, so that `import retdsl.viz` costs nothing

    graph = Digraph(
        name=quotable(picture.name),
        graph_attr={
            "bgcolor": PAPER,
            "compound": "false",
            "fontname": FONT,
            "label": _title(picture),
            "labeljust": "l",
            "labelloc": "t",
            "newrank": "true",
            "nodesep": "0.22",
            "pad": "0.25",  # not `margin`, which a PNG shows as transparent
            "rankdir": "LR",
            "ranksep": "0.22",
            "tooltip": quotable(picture.title),
        },
        node_attr={"fontname": FONT, "fontsize": "11", "height": "0.5", "margin": "0.13,0.07", "shape": "box"},
        edge_attr={"arrowsize": "0.65", "color": LINE, "fontcolor": SOFT_INK, "fontname": FONT, "fontsize": "9"},
    )
    _write_boxes(graph, picture)
    row_of = {box: i for i, row in enumerate(picture.rows) for box in row}
    joints = {box.id for box in picture.boxes if box.form is Form.JOINT}
    for arrow in sorted(picture.arrows, key=lambda arrow: arrow.head in joints):  # chains before what joins them
        _write_arrow(graph, arrow, row_of, SLACK if arrow.head in joints else STRAIGHT)
    if len(picture.rows) > 1:
        _write_corners(graph, picture, row_of)
    return str(graph.source).rstrip("\n") + "\n"


def quotable(text: str) -> str:
    """Text for an attribute in quotes: what DOT would read as an escape or an entity stands for itself."""
    return escape(text, quote=False).replace("\\", "\\\\").replace("\n", "\\n")


def _write_boxes(graph: Any, picture: Picture) -> None:
    """All boxes, inside a frame for each row that a group reaches over; only the first of these bears the title."""
    by_id = {box.id: box for box in picture.boxes}
    around = _groups_around(picture)
    titled: set[str] = set()

    def write(inside: Any, boxes: list[Box], parent: str | None, row: int) -> None:
        for box in boxes:
            if box.group == parent:
                _write_box(inside, box)
        for group in picture.groups:
            members = [box for box in boxes if group.id in around[box.id]]
            if group.parent == parent and members:
                with inside.subgraph(name=f"cluster_{group.id}_{row}") as frame:
                    frame.attr(**_frame(group, with_title=group.id not in titled))
                    titled.add(group.id)
                    write(frame, members, group.id, row)

    for i, row in enumerate(picture.rows):
        write(graph, [by_id[name] for name in row], None, i)


def _groups_around(picture: Picture) -> dict[str, set[str]]:
    """The ids of all groups around each box."""
    parents = {group.id: group.parent for group in picture.groups}
    around: dict[str, set[str]] = {}
    for box in picture.boxes:
        around[box.id], at = set(), box.group
        while at is not None:
            around[box.id].add(at)
            at = parents[at]
    return around


def _frame(group: Group, *, with_title: bool) -> dict[str, str]:
    style = STYLES[group.look]
    block = group.look is Look.BLOCK
    return {
        "bgcolor": style.ground,
        "color": style.border if block else style.ground,
        "fontcolor": style.soft,
        "fontsize": "9.5",
        "label": quotable(group.title) if with_title else "",
        "labeljust": "r" if block else "l",  # a line that skips a block sets out at its upper left
        "margin": "9",
        "style": "rounded",
        "tooltip": quotable(group.title),
    }


def _write_box(graph: Any, box: Box) -> None:
    style = STYLES[box.look]
    filled = "rounded,filled" if style.dash == "solid" else f"rounded,filled,{style.dash}"
    common = {
        "color": style.border,
        "fillcolor": style.fill,
        "fontcolor": style.text,
        "penwidth": f"{style.width:g}",
        "tooltip": quotable(box.tooltip or box.title),
    }
    match box.form:
        case Form.JOINT:
            wide = len(box.title) > 1
            shape = {"height": "0.26", "margin": "0.07,0.02" if wide else "0", "width": "0.26"}
            if not wide:
                shape |= {"fixedsize": "true", "shape": "circle"}
            graph.node(box.id, quotable(box.title), fontsize="9" if wide else "12", style=filled, **shape, **common)
        case Form.BOX:
            graph.node(box.id, _words(box, "CENTER"), style=filled, **common)
        case Form.CARD:
            graph.node(box.id, _words(box, "LEFT"), ordering="out", style="rounded,filled", **common)


def _words(box: Box, align: str) -> str:
    """The text of a box as a table of lines, so that every renderer sets them equally far apart."""
    style = STYLES[box.look]
    lines = [f'<FONT POINT-SIZE="7.5" COLOR="{style.soft}">{escape(box.role.upper())}</FONT>'] if box.role else []
    lines.append(f"<B>{escape(box.title)}</B>")
    lines += [f'<FONT POINT-SIZE="9" COLOR="{style.soft}">{escape(line)}</FONT>' for line in box.lines]
    lines += [f'<FONT POINT-SIZE="9">[{escape(place)}]</FONT>' for place in box.places]
    if box.figure:
        lines.append(f'<FONT POINT-SIZE="9">{escape(box.figure)}</FONT>')
    cells = "".join(f'<TR><TD ALIGN="{align}">{line}</TD></TR>' for line in lines)
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">{cells}</TABLE>>'


def _write_arrow(graph: Any, arrow: Arrow, row_of: dict[str, int], weight: str) -> None:
    """An arrow within a row, or the last piece of one that comes from the row before."""
    style = STYLES[arrow.look]
    attributes = {"weight": weight, "tooltip": quotable(arrow.tooltip or arrow.label), "style": style.dash}
    if arrow.look is not Look.PLAIN:
        attributes |= {"color": style.border, "fontcolor": style.text, "penwidth": f"{style.width:g}"}
    if row_of[arrow.tail] == row_of[arrow.head]:
        graph.edge(arrow.tail, arrow.head, label=_lines(arrow.label), **attributes)
    else:
        graph.edge(f"start {row_of[arrow.head]}", arrow.head, **attributes)


def _lines(label: str) -> str:
    """A label with air on both sides, so that it keeps clear of the arrow's head."""
    return quotable("\n".join(f" {line} " for line in label.split("\n"))) if label else ""


def _write_corners(graph: Any, picture: Picture, row_of: dict[str, int]) -> None:
    """Between two rows: end of the row -> turn -> fall, below it -> rise, at the left -> start of the next row."""
    corner = {"color": LINE, "height": "0.01", "label": "", "shape": "point", "tooltip": " ", "width": "0.01"}
    line = {"arrowhead": "none", "tooltip": " "}
    column = []
    for i, row in enumerate(picture.rows):
        column.append(f"start {i}")
        graph.node(f"start {i}", **corner | ({} if i else {"style": "invis"}))
        if i == 0:
            graph.edge("start 0", row[0], style="invis", weight=STRAIGHT)
        if i + 1 == len(picture.rows):
            break
        label = next((a.label for a in picture.arrows if row_of[a.tail] == i < row_of[a.head]), "")
        for name in (f"turn {i}", f"fall {i}", f"rise {i}"):
            graph.node(name, **corner)
        graph.edge(row[-1], f"turn {i}", label=_lines(label), weight=STRAIGHT, **line)
        with graph.subgraph() as side:
            side.attr(rank="same")
            side.edge(f"turn {i}", f"fall {i}", weight="1", **line)
        graph.edge(f"rise {i}", f"fall {i}", weight=STRAIGHT, **line)
        column.append(f"rise {i}")
    with graph.subgraph() as side:
        side.attr(rank="same")
        for upper, lower in pairwise(column):
            seen = line if upper.startswith("rise") else {"style": "invis"}
            side.edge(upper, lower, weight="1", **seen)


def _title(picture: Picture) -> str:
    """Title, one line of facts, and the legend, as an HTML-like table."""
    rows = [
        f'<TR><TD ALIGN="LEFT"><FONT POINT-SIZE="17" COLOR="{INK}"><B>{escape(picture.title)}</B></FONT></TD></TR>',
        f'<TR><TD ALIGN="LEFT"><FONT POINT-SIZE="10" COLOR="{SOFT_INK}">{escape(picture.subtitle)}</FONT></TD></TR>',
    ]
    if picture.legend:
        rows.append(f'<TR><TD ALIGN="LEFT">{_legend(picture.legend)}</TD></TR>')
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2">{"".join(rows)}</TABLE>>'


def _legend(keys: tuple[Key, ...]) -> str:
    """What the colours mean, written on patches that look like the boxes."""
    cells = []
    for key in keys:
        style = STYLES[key.look]
        words = f'<FONT POINT-SIZE="10" COLOR="{INK}"> {escape(key.text)} </FONT>'
        cells.append(f'<TD BORDER="1" BGCOLOR="{style.fill}" COLOR="{style.border}">{words}</TD>')
    table = '<TABLE ALIGN="LEFT" BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="4">'
    return f"{table}<TR>{''.join(cells)}</TR></TABLE>"

"""A picture as DOT text.

The text is the same for the same picture, whoever draws it: every attribute is written out, boxes and arrows come in the
picture's order. Rows are parts of one left-to-right layout, held one below the other by invisible corner points in a
column of their own; the line from the end of a row to the start of the next runs through these corners.
"""

from __future__ import annotations

from html import escape
from typing import Any

from retdsl.viz.graph import Arrow, Box, Form, Look, Picture, Share
from retdsl.viz.palette import FONT, INK, LINE, PAPER, SOFT_INK, STYLES

BAR = 180
"""Length in points of the bar that shows how much is trained."""

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
            "margin": "0.15",
            "newrank": "true",
            "nodesep": "0.22",
            "pad": "0.1",
            "rankdir": "LR",
            "ranksep": "0.22",
            "tooltip": quotable(picture.title),
        },
        node_attr={"fontname": FONT, "fontsize": "11", "height": "0.5", "margin": "0.13,0.07", "shape": "box"},
        edge_attr={"arrowsize": "0.65", "color": LINE, "fontcolor": SOFT_INK, "fontname": FONT, "fontsize": "9"},
    )
    _write_groups(graph, picture, None)
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


def _write_groups(graph: Any, picture: Picture, parent: str | None) -> None:
    """The boxes of a group and the groups within it, one frame for each row that it reaches over."""
    for box in picture.boxes:
        if box.group == parent and parent is None:
            _write_box(graph, box)
    for group in picture.groups:
        if group.parent is None:
            _write_group(graph, picture, group.id)


def _write_group(graph: Any, picture: Picture, top: str) -> None:
    by_id = {box.id: box for box in picture.boxes}
    for r, row in enumerate(picture.rows):
        inside = [by_id[i] for i in row if top in _chain(picture, by_id[i])]
        if inside:
            _write_frame(graph, picture, top, inside, r)


def _write_frame(graph: Any, picture: Picture, group_id: str, boxes: list[Box], row: int) -> None:
    group = next(g for g in picture.groups if g.id == group_id)
    style = STYLES[group.look]
    first = next(r for r, ids in enumerate(picture.rows) for box in picture.boxes if box.id in ids and group_id in _chain(picture, box))
    with graph.subgraph(name=f"cluster_{group.id}_{row}") as frame:
        frame.attr(
            bgcolor=style.ground,
            color=style.border if group.look is Look.BLOCK else style.ground,
            fontcolor=style.soft,
            fontsize="9.5",
            label=quotable(group.title) if row == first else "",
            labeljust="r" if group.look is Look.BLOCK else "l",  # what skips a block sets out at its upper left
            margin="9",
            style="rounded",
            tooltip=quotable(group.title),
        )
        for box in boxes:
            if box.group == group_id:
                _write_box(frame, box)
        for child in picture.groups:
            if child.parent == group_id:
                inside = [box for box in boxes if child.id in _chain(picture, box)]
                if inside:
                    _write_frame(frame, picture, child.id, inside, row)


def _chain(picture: Picture, box: Box) -> tuple[str, ...]:
    """The groups around a box, innermost first."""
    parents = {group.id: group.parent for group in picture.groups}
    found = []
    at = box.group
    while at is not None:
        found.append(at)
        at = parents[at]
    return tuple(found)


def _write_box(graph: Any, box: Box) -> None:
    style = STYLES[box.look]
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
            graph.node(box.id, quotable(box.title), fontsize="9" if wide else "12", style="rounded,filled", **shape, **common)
        case Form.BOX:
            graph.node(box.id, _words(box, "CENTER"), style="rounded,filled", **common)
        case Form.CARD:
            graph.node(box.id, _words(box, "LEFT"), ordering="out", style="rounded,filled", **common)


def _words(box: Box, align: str) -> str:
    """The text of a box as a table of lines, so that every renderer sets them equally far apart."""
    style = STYLES[box.look]
    lines = [f'<FONT POINT-SIZE="7.5" COLOR="{style.soft}">{escape(box.role.upper())}</FONT>'] if box.role else []
    lines.append(f"<B>{escape(box.title)}</B>")
    lines += [f'<FONT POINT-SIZE="9" COLOR="{style.soft}">{escape(line)}</FONT>' for line in box.lines]
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
        graph.edge(f"start_{row_of[arrow.head]}", arrow.head, **attributes)


def _lines(label: str) -> str:
    """A label with air on both sides, so that it keeps clear of the arrow's head."""
    return quotable("\n".join(f" {line} " for line in label.split("\n"))) if label else ""


def _write_corners(graph: Any, picture: Picture, row_of: dict[str, int]) -> None:
    """Between two rows: end of the row -> turn -> fall, below it -> rise, at the left -> start of the next row."""
    corner = {"color": LINE, "height": "0.01", "label": "", "shape": "point", "tooltip": " ", "width": "0.01"}
    line = {"arrowhead": "none", "tooltip": " "}
    column = []
    for i, row in enumerate(picture.rows):
        column.append(f"start_{i}")
        graph.node(f"start_{i}", **corner | ({} if i else {"style": "invis"}))
        if i == 0:
            graph.edge("start_0", row[0], style="invis", weight=STRAIGHT)
        if i + 1 == len(picture.rows):
            break
        label = next((a.label for a in picture.arrows if row_of[a.tail] == i < row_of[a.head]), "")
        for name in (f"turn_{i}", f"fall_{i}", f"rise_{i}"):
            graph.node(name, **corner)
        graph.edge(row[-1], f"turn_{i}", label=_lines(label), weight=STRAIGHT, **line)
        with graph.subgraph() as side:
            side.attr(rank="same")
            side.edge(f"turn_{i}", f"fall_{i}", weight="1", **line)
        graph.edge(f"rise_{i}", f"fall_{i}", weight=STRAIGHT, **line)
        column.append(f"rise_{i}")
    with graph.subgraph() as side:
        side.attr(rank="same")
        for upper, lower in zip(column, column[1:], strict=False):
            seen = line if upper.startswith("rise") else {"style": "invis"}
            side.edge(upper, lower, weight="1", **seen)


def _title(picture: Picture) -> str:
    """Title, one line of facts, and the legend with its bar, as an HTML-like table."""
    rows = [
        f'<TR><TD ALIGN="LEFT"><FONT POINT-SIZE="17" COLOR="{INK}"><B>{escape(picture.title)}</B></FONT></TD></TR>',
        f'<TR><TD ALIGN="LEFT"><FONT POINT-SIZE="10" COLOR="{SOFT_INK}">{escape(picture.subtitle)}</FONT></TD></TR>',
    ]
    if picture.legend:
        rows.append(f'<TR><TD ALIGN="LEFT">{_legend(picture.legend)}</TD></TR>')
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2">{"".join(rows)}</TABLE>>'


def _legend(shares: tuple[Share, ...]) -> str:
    """A bar of all amounts, and below it what its colours mean."""
    total = sum(share.amount for share in shares)
    table = '<TABLE ALIGN="LEFT" BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0"'
    lengths = [max(4, round(BAR * share.amount / total)) if share.amount else 0 for share in shares]
    pieces = "".join(_patch(share, length) for share, length in zip(shares, lengths, strict=True) if length)
    size = f'FIXEDSIZE="TRUE" WIDTH="{sum(lengths)}" HEIGHT="9"'
    bar = f'<TR><TD ALIGN="LEFT" {size}>{table} {size}><TR>{pieces}</TR></TABLE></TD></TR>' if pieces else ""
    words = "".join(
        f'<TD>{table}><TR>{_patch(share, 9)}<TD><FONT POINT-SIZE="10" COLOR="{INK}">  {escape(share.text)}     </FONT></TD></TR></TABLE></TD>'
        for share in shares
    )
    gap = '<TR><TD HEIGHT="4"></TD></TR>' if bar else ""
    return f'{table}>{bar}{gap}<TR><TD ALIGN="LEFT">{table}><TR>{words}</TR></TABLE></TD></TR></TABLE>'


def _patch(share: Share, length: int) -> str:
    style = STYLES[share.look]
    size = f'FIXEDSIZE="TRUE" WIDTH="{length}" HEIGHT="9"'
    return f'<TD {size} BORDER="1" BGCOLOR="{style.fill}" COLOR="{style.border}"></TD>'

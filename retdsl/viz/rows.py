"""Wraps the reading line of a graph into rows, as a typesetter breaks a paragraph into lines.

A row may end only where the graph hangs by a single value, so that one line leads from the end of a row to the start
of the next. Among all such breaks the ones with the least total cost are taken: rows near the wanted length, breaks
between groups rather than within them.
"""

from __future__ import annotations

from collections.abc import Sequence

from retdsl.outline import narrows
from retdsl.viz.graph import Arrow, Box, depth

WITHIN_GROUP = 6.0
"""What a break inside a group costs, in squared columns."""

TOO_LONG = 3
"""How much worse a column too many is than a column too few."""


def wrap(boxes: Sequence[Box], arrows: Sequence[Arrow], columns: int) -> tuple[tuple[str, ...], ...]:
    """Rows of about `columns` columns each; a part that cannot be broken may be longer. No boxes: no rows."""
    order = [box.id for box in boxes]
    edges = [(arrow.tail, arrow.head) for arrow in arrows]
    if depth(order, edges) <= columns:
        return (tuple(order),) if order else ()
    ends = sorted(narrows(order, edges) | {len(order) - 1})
    best = {-1: (0.0, -1)}  # last box of a row -> (cost up to there, last box of the row before)
    for j, end in enumerate(ends):
        grouped = end + 1 < len(boxes) and boxes[end].group is not None and boxes[end].group == boxes[end + 1].group
        options: list[tuple[float, int]] = []
        for start in reversed([-1, *ends[:j]]):
            length = depth(order[start + 1 : end + 1], edges)
            if options and length > 2 * columns:
                break
            slack = max(columns - length, TOO_LONG * (length - columns)) ** 2
            options.append((best[start][0] + slack + WITHIN_GROUP * grouped, start))
        best[end] = min(options)
    rows: list[tuple[str, ...]] = []
    end = len(order) - 1
    while end >= 0:
        start = best[end][1]
        rows.insert(0, tuple(order[start + 1 : end + 1]))
        end = start
    return tuple(rows)

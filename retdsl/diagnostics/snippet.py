"""Source lines with labels drawn under them.

Enters: one source and the labels that lie in it. Leaves: rows of styled segments, the gutter with line numbers first.
Guaranteed: every label's text stands in a row of its own end, so that no text covers another or a mark; spans outside
the text are moved to its nearest end.

Labels within one line stand under it, the rightmost beside its mark, in more rows where they would not fit:

     3 |   => Pooling(kernel = (2, 2)) => Dense(10)
       |      -------                     ^^^^^ no such step
       |      gives [N, 64, 7, 7]

A label over several lines gets a bar in the margin, one column for each that runs at the same time:

     3 |   model scores =
       |  _______________^
    ...  |
     9 | |     => Softmax
       | |______________^ never trained
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from retdsl.diagnostics.measure import ELLIPSIS, Cut, lay_out, printable, text_width
from retdsl.diagnostics.model import Label
from retdsl.records import dataclass, replace
from retdsl.source import Source

Segment: TypeAlias = "tuple[str, str]"
"""A piece of text and the name of its style."""
Row: TypeAlias = "list[Segment]"
Placed: TypeAlias = "tuple[int, str, str]"
"""The column where a text starts, the text, and its style."""

GAP = 2
"""Columns between texts that share a row."""

MOST_TOGETHER = 3
"""Texts of labels that are cut off and share a place; of more, the first and the last are shown."""

ROOM = 120
"""Columns of source text shown at most; longer lines are cut around their labels."""

LEAST_ROOM = 40
"""Columns of source text shown on the narrowest terminal."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A label's place: from character `start` of line `first` up to, not including, `end` of line `last`."""

    text: str
    sign: str
    style: str
    first: int
    start: int
    last: int
    end: int
    depth: int = -1  # the margin column of its bar, if it is tall

    @property
    def tall(self) -> bool:
        return self.first < self.last


@dataclass(frozen=True, slots=True)
class Flat:
    """A mark within one line, as columns `[start, end)` of what is shown of the line."""

    mark: Mark
    start: int
    end: int


def gutter_width(labels: Sequence[Label]) -> int:
    """Columns for line numbers; at least two, so that short files look alike."""
    last = max((mark.last for mark in (_mark(label, "", "") for label in labels)), default=0)
    return max(2, len(str(last)))


def draw(
    source: Source, labels: Sequence[Label], subject: Label | None, style: str, gutter: int, columns: int | None = None
) -> list[Row]:
    """The source lines that the labels touch, with the labels. `subject` gets `^` in `style`, others `-`.

    columns: of the terminal, if there is one.
    """
    marks = [_mark(x, "^", style) if x is subject else _mark(x, "-", "secondary") for x in labels]
    marks = _with_depths(marks)
    margin = max((mark.depth + 2 for mark in marks if mark.tall), default=0)
    limit = None if columns is None else max(LEAST_ROOM, columns - gutter - margin - len(" | "))
    room = min(ROOM, limit or ROOM)
    rows: list[Row] = []
    before = None
    for number in _shown_lines(marks):
        if before is not None and number > before + 1:
            bars = _bars(mark for mark in marks if mark.tall and mark.first <= before and mark.last >= number)
            rows.append([(f"{ELLIPSIS:{gutter + 3}}", "gutter"), *_painted(bars, 0, margin)])
        rows += _line(source, number, marks, margin, gutter, room, limit)
        before = number
    return rows


def bare(gutter: int) -> Row:
    """A row that has nothing but the gutter's bar."""
    return [(" " * gutter + " |", "gutter")]


def _mark(label: Label, sign: str, style: str) -> Mark:
    source = label.span.source
    start = max(0, min(label.span.start, len(source.text)))
    end = max(start, min(label.span.end, len(source.text)))
    first, column = source.position(start)
    # The last character decides: a span that ends with a line break does not reach into the next line.
    last, end_column = source.position(max(start, end - 1))
    stop = min(end_column - 1 + (end > start), len(source.line(last)))
    return Mark(printable(label.text), sign, style, first, column - 1, last, stop)


def _with_depths(marks: list[Mark]) -> list[Mark]:
    """The marks, each tall one with the leftmost margin column that is free from its first line to its last."""
    placed: list[Mark] = []
    for mark in sorted(marks, key=lambda mark: (mark.first, -mark.last)):
        depth = -1
        if mark.tall:
            taken = {other.depth for other in placed if other.tall and other.last >= mark.first}
            depth = next(i for i in range(len(marks)) if i not in taken)
        placed.append(replace(mark, depth=depth))
    return placed


def _shown_lines(marks: list[Mark]) -> list[int]:
    """Every first and last line, and single lines between them, which take no more room than the dots would."""
    lines = {number for mark in marks for number in (mark.first, mark.last)}
    lines |= {number + 1 for number in lines if number + 2 in lines}
    return sorted(lines)


def _line(
    source: Source, number: int, marks: list[Mark], margin: int, gutter: int, room: int, limit: int | None
) -> list[Row]:
    """One source line and the rows under it."""
    text = source.line(number)
    laid = lay_out(text)
    here = [mark for mark in marks if number in (mark.first, mark.last)]
    places = [(mark, *laid.cover(*_within(mark, number))) for mark in here]
    cut = laid.cut(_focus(places), room)
    places = _gathered(places, cut)

    flats = [Flat(mark, *cut.place(first, last)) for mark, first, last in places]
    closing = [flat for flat in flats if flat.mark.tall and flat.mark.last == number]
    opening = [flat for flat in flats if flat.mark.tall and flat.mark.first == number]
    at_indent = [flat for flat in opening if not text[: flat.mark.start].strip()]
    running = [mark for mark in marks if mark.tall and mark.first < number <= mark.last]

    canvas = _bars(running)
    canvas.update({flat.mark.depth: ("/", flat.mark.style) for flat in at_indent})
    rows = [_row(gutter, canvas, (margin, cut.text, ""), number=number)]
    running += [flat.mark for flat in at_indent]
    for canvas, texts in _under([flat for flat in flats if not flat.mark.tall], limit):
        shifted = {margin + column: cell for column, cell in canvas.items()}
        placed = [(margin + column, text, style) for column, text, style in texts]
        rows.append(_row(gutter, {**_bars(running), **shifted}, *placed))
    for flat in closing:
        canvas = _bars(running) | _reach(flat, flat.end - 1, margin, running)
        rows.append(_row(gutter, canvas, (margin + flat.end + 1, flat.mark.text, flat.mark.style)))
        running.remove(flat.mark)
    for flat in opening:
        if flat not in at_indent:
            rows.append(_row(gutter, _bars(running) | _reach(flat, flat.start, margin, running)))
            running.append(flat.mark)
    return rows


def _gathered(places: Sequence[tuple[Mark, int, int]], cut: Cut) -> list[tuple[Mark, int, int]]:
    """The places, flat marks in a part of the line that is not shown made one, which has all their texts."""
    seen: list[tuple[Mark, int, int]] = []
    unseen: dict[bool, list[tuple[Mark, int, int]]] = {}
    for place in sorted(places, key=lambda place: place[1]):
        mark, first, last = place
        if mark.tall or mark.sign == "^" or (first < cut.right and last > cut.left):
            seen.append(place)
        else:
            unseen.setdefault(last <= cut.left, []).append(place)
    for together in unseen.values():
        texts = [mark.text for mark, _, _ in together if mark.text]
        if len(texts) > MOST_TOGETHER:
            texts = [texts[0], ELLIPSIS, texts[-1]]
        mark, first, last = together[0]
        seen.append((replace(mark, text=", ".join(texts)), first, last))
    return seen


def _within(mark: Mark, number: int) -> tuple[int, int]:
    """The characters of line `number` to point at: all of a flat mark, the first or the last of a tall one."""
    if not mark.tall:
        return mark.start, mark.end
    return (mark.start, mark.start + 1) if number == mark.first else (max(0, mark.end - 1), mark.end)


def _focus(places: Sequence[tuple[Mark, int, int]]) -> tuple[int, int]:
    """The columns that must be seen if not all of a line can be: the subject's, or else all that is marked."""
    wanted = [place for place in places if place[0].sign == "^"] or places
    return min((first for _, first, _ in wanted), default=0), max((last for _, _, last in wanted), default=1)


Canvas: TypeAlias = "dict[int, Segment]"
"""Single characters by column, later ones over earlier ones."""


def _bars(marks: Iterable[Mark]) -> Canvas:
    return {mark.depth: ("|", mark.style) for mark in marks}


def _reach(flat: Flat, column: int, margin: int, running: Sequence[Mark]) -> Canvas:
    """The line from a tall mark's bar to the character at `column` where it starts or ends."""
    others = {mark.depth for mark in running}
    reach = {i: ("_", flat.mark.style) for i in range(flat.mark.depth + 1, margin + column) if i not in others}
    return {**reach, margin + column: (flat.mark.sign, flat.mark.style)}


def _under(flats: list[Flat], limit: int | None) -> list[tuple[Canvas, list[Placed]]]:
    """The rows under a line: marks or hangers, and the texts that stand in the row, left of `limit` if that can be."""
    if not flats:
        return []
    signs: Canvas = {}
    for flat in sorted(flats, key=lambda flat: (flat.mark.sign == "^", flat.start - flat.end)):
        signs.update(dict.fromkeys(range(flat.start, flat.end), (flat.mark.sign, flat.mark.style)))
    beside = max(flats, key=lambda flat: (flat.end, flat.start, flat.mark.sign == "^"))
    fits = limit is None or beside.end + 1 + text_width(beside.mark.text) <= limit
    rows: list[tuple[Canvas, list[Placed]]] = [(signs, [])]
    if fits:
        rows[0][1].append((beside.end + 1, beside.mark.text, beside.mark.style))
    hanging = _in_rows([flat for flat in flats if not (flat is beside and fits) and flat.mark.text], limit)
    if len(hanging) > 1:
        rows.append((_hangers(flat for row in hanging for _, flat in row), []))
    for i, row in enumerate(hanging):
        left = _hangers(flat for later in hanging[i + 1 :] for _, flat in later)
        rows.append((left, [(column, flat.mark.text, flat.mark.style) for column, flat in row]))
    return rows


def _in_rows(flats: Iterable[Flat], limit: int | None) -> list[list[tuple[int, Flat]]]:
    """The hanging texts with their columns, a new row wherever one would not end before the next begins.

    They are placed from the right to the left, so that no text covers another.
    """
    rows: list[list[tuple[int, Flat]]] = []
    for flat in sorted(flats, key=lambda flat: flat.start, reverse=True):
        length = text_width(flat.mark.text)
        column = flat.start if limit is None else max(0, min(flat.start, limit - length))
        if rows and column + length + GAP <= rows[-1][-1][0]:
            rows[-1].append((column, flat))
        else:
            rows.append([(column, flat)])
    return [row[::-1] for row in rows]


def _hangers(flats: Iterable[Flat]) -> Canvas:
    return {flat.start: ("|", flat.mark.style) for flat in flats}


def _row(gutter: int, canvas: Canvas, *texts: Placed, number: int | None = None) -> Row:
    """The gutter, the canvas, and texts on it: what the canvas has to the right of a text's start is not drawn."""
    shown = f"{'' if number is None else number:>{gutter}}"
    if not canvas and not any(text.strip() for _, text, _ in texts):
        return [(f"{shown} |", "gutter")]
    row: Row = [(f"{shown} | ", "gutter")]
    at = 0
    for column, text, style in texts:
        row += [*_painted(canvas, at, column), (text, style)]
        at = column + text_width(text)
    return row + _painted(canvas, at, max(canvas, default=-1) + 1)


def _painted(canvas: Canvas, start: int, stop: int) -> Row:
    """The columns of the canvas from `start` to `stop` as segments."""
    row: Row = []
    for column in range(start, stop):
        char, style = canvas.get(column, (" ", ""))
        if row and row[-1][1] == style:
            row[-1] = (row[-1][0] + char, style)
        else:
            row.append((char, style))
    return row

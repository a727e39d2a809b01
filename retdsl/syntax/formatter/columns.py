"""What stands below one another: heads of short declarations, and comments at the ends of lines.

Enters: the lines of a file, and where its declarations are in them. Leaves: the same lines with more blanks in and
between them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from retdsl.syntax.formatter.document import WIDTH, TextLine, columns_of
from retdsl.syntax.text import CLOSING, OPENING

GAP = 2
"""Columns between a line and its comment."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A declaration from line `first` to line `last`, comments before it not counted; `kind` is its form."""

    kind: str
    first: int
    last: int

    @property
    def short(self) -> bool:
        return self.first == self.last


def align_declarations(lines: Sequence[TextLine], declarations: Sequence[Declared]) -> None:
    """Brings the tabs of short declarations of one kind on adjacent lines to the same columns, if there is room."""
    for run in _runs(declarations):
        rows = [_cells(lines[declared.first]) for declared in run]
        widest = [max(map(columns_of, column)) for column in zip(*rows, strict=True)]
        aligned = ["".join(map(_fill, row, [*widest[:-1], 0])) for row in rows]
        if all(columns_of(text) <= WIDTH for text in aligned):
            for declared, text in zip(run, aligned, strict=True):
                lines[declared.first].text = text


def _runs(declarations: Sequence[Declared]) -> Iterator[list[Declared]]:
    run: list[Declared] = []
    for declared in declarations:
        if not declared.short:
            continue
        if run and (declared.kind, declared.first) != (run[-1].kind, run[-1].last + 1):
            yield run
            run = []
        run.append(declared)
    if run:
        yield run


def _cells(line: TextLine) -> list[str]:
    return [line.text[start:end] for start, end in pairwise((0, *line.tabs, len(line.text)))]


def _fill(text: str, columns: int) -> str:
    return text + " " * (columns - columns_of(text))


def set_apart(lines: list[TextLine], declarations: Sequence[Declared]) -> None:
    """Puts an empty line between a declaration of several lines and its neighbours where there is none."""
    for above, below in reversed([*pairwise(declarations)]):
        between = lines[above.last + 1 : below.first]
        if not (above.short and below.short) and all(line.text for line in between):
            lines.insert(above.last + 1, TextLine(0, ""))


def align_comments(lines: Sequence[TextLine]) -> None:
    """Brings the comments behind lines that follow one another without an empty one to one column, if there is room.

    What does not take part has its comment right behind its words: a line too long for that column, and one that opens
    or closes a bracket, since its comment is about all that is between.
    """
    for _, paragraph in groupby(lines, lambda line: line.text == ""):
        commented = [line for line in paragraph if line.comments and not _is_edge(line.text)]
        rows = [(line, max(map(columns_of, line.comments))) for line in commented]
        rows = [(line, comment) for line, comment in rows if line.columns + GAP + comment <= WIDTH]
        room = WIDTH - GAP - max((comment for _, comment in rows), default=0)
        rows = [(line, comment) for line, comment in rows if line.columns <= room]
        column = max((line.columns for line, _ in rows), default=0)
        for line, _ in rows:
            line.text += " " * (column - line.columns)


def _is_edge(text: str) -> bool:
    return text[0] in OPENING or text[-1] in CLOSING


def joined(lines: Sequence[TextLine]) -> str:
    """The text of the lines."""
    return "".join(f"{row}\n" for line in lines for row in _rows(line))


def _rows(line: TextLine) -> Iterator[str]:
    yield " " * line.indent + line.text + "".join(" " * GAP + comment for comment in line.comments[:1])
    for comment in line.comments[1:]:
        yield " " * (line.columns + GAP) + comment

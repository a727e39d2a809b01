"""Documents: text that knows where it may break, and the choice of where it does.

Enters: a document, made of words, blanks, places for line breaks and groups of them. Leaves: lines. A group stands on
one line if nothing in it asks for a break and it fits; else each of its own places breaks, and the groups inside are
asked in turn. After Oppen, "Prettyprinting", 1980, and Wadler, "A prettier printer", 1998.

Comments come with the words. One at the end of a line ends that line, others get lines of their own; a group with a
comment inside is always broken. Guaranteed: words and comments leave in the order in which they entered, and the time
taken is proportional to the length.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from retdsl.diagnostics.measure import lay_out
from retdsl.syntax.formatter.tokens import Comment, Place

WIDTH = 120
"""Columns of a line. Comments may reach beyond it."""

INDENT = 2
"""Columns of one level."""


@dataclass(frozen=True, slots=True)
class Word:
    """A token, or with an empty `text` only its comments. `blank`: an empty line stood before it."""

    text: str
    comments: tuple[Comment, ...] = ()
    blank: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A place for a line break; where the group stands on one line, it is `flat`.

    keeps_blank: an empty line that the author left here stays.
    """

    flat: str = ""
    keeps_blank: bool = False


@dataclass(frozen=True, slots=True)
class Pad:
    """So many blanks if the group is broken: what follows stands in one column with the like above and below."""

    columns: int


@dataclass(frozen=True, slots=True)
class Tab:
    """A place where a whole line may be widened, to align it with the lines above and below."""


@dataclass(frozen=True, slots=True)
class Indent:
    """A part whose lines are indented by a level."""

    parts: tuple[Doc, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """A part that stands on one line or has each of its own places broken.

    breaks: it cannot stand on one line. comments_first: its first word brings comments, which stand before all of it.
    columns: its width on one line.
    """

    parts: tuple[Doc, ...]
    breaks: bool
    comments_first: bool
    columns: int


Doc: TypeAlias = "str | Word | Line | Pad | Tab | Indent | Group | tuple[Doc, ...]"
"""A plain `str` is blanks. A tuple is its parts, one after the other."""


def group(*parts: Doc, broken: bool = False) -> Group:
    """A group; with `broken` it is never on one line."""
    breaks, comments_first, columns, first = broken, False, 0, True
    for leaf in _leaves(parts):
        match leaf:
            case Word(text, comments):
                columns += columns_of(text)
                has_comments = bool(comments)
            case Group():
                columns += leaf.columns
                breaks = breaks or leaf.breaks
                has_comments = leaf.comments_first
            case Line(flat):
                columns += len(flat)
                continue
            case str():
                columns += len(leaf)
                continue
            case _:
                continue
        if first:
            comments_first = has_comments
        else:
            breaks = breaks or has_comments
        first = False
    return Group(parts, breaks, comments_first, columns)


def _leaves(parts: tuple[Doc, ...]) -> list[Doc]:
    """Words, blanks and places for breaks in order; groups are not opened, since they know all about themselves."""
    leaves: list[Doc] = []
    todo = [*reversed(parts)]
    while todo:
        match todo.pop():
            case Indent(inner) | tuple(inner):
                todo += reversed(inner)
            case leaf:
                leaves.append(leaf)
    return leaves


def columns_of(text: str) -> int:
    """The width of a text on the terminal."""
    return len(text) if text.isascii() else lay_out(text).columns[-1]


@dataclass(slots=True)
class TextLine:
    """A line that leaves: its words, the comments at its end (more than one go on below), and its tabs' offsets."""

    indent: int
    text: str
    comments: list[str] = field(default_factory=list)
    tabs: list[int] = field(default_factory=list)

    @property
    def columns(self) -> int:
        return self.indent + columns_of(self.text)

    @property
    def is_comment(self) -> bool:
        return self.text.startswith("#")


@dataclass(frozen=True, slots=True)
class _Break:
    """A line break that is due before the next word."""

    indent: int
    keeps_blank: bool


_Todo: TypeAlias = "tuple[int, bool, Doc]"
"""What is still to be written: its indentation, whether its group stands on one line, and the part itself."""


class Printer:
    """Writes documents one after the other; `lines` is what has been written."""

    def __init__(self) -> None:
        self.lines: list[TextLine] = []
        self._due: _Break | str = _Break(0, False)

    def write(self, doc: Doc) -> None:
        todo: list[_Todo] = [(0, False, doc)]
        while todo:
            indent, flat, part = todo.pop()
            match part:
                case str():
                    self._blanks(part)
                case Word():
                    self._word(part, indent)
                case Line():
                    if flat:
                        self._blanks(part.flat)
                    else:
                        self._due = _Break(indent, part.keeps_blank)
                case Pad(columns):
                    if not flat:
                        self._blanks(" " * columns)
                case Tab():
                    self.lines[-1].tabs.append(len(self.lines[-1].text))
                case Indent(parts):
                    todo += [(indent + INDENT, flat, inner) for inner in reversed(parts)]
                case Group(parts):
                    flat = flat or (not part.breaks and self._column() + part.columns + _ahead(todo) <= WIDTH)
                    todo += [(indent, flat, inner) for inner in reversed(parts)]
                case tuple():
                    todo += [(indent, flat, inner) for inner in reversed(part)]

    def _blanks(self, blanks: str) -> None:
        if isinstance(self._due, str):
            self._due += blanks

    def _column(self) -> int:
        if isinstance(self._due, _Break):
            return self._due.indent
        return self.lines[-1].columns + len(self._due)

    def _word(self, word: Word, indent: int) -> None:
        due = self._due if isinstance(self._due, _Break) else _Break(indent + INDENT, False)
        for comment in word.comments:
            last = self.lines[-1] if self.lines else None
            behind = comment.place is Place.BEHIND and last is not None and not last.comments and not last.is_comment
            below = comment.place is Place.BELOW and last is not None and bool(last.comments)
            if last is not None and (behind or below):
                last.comments.append(comment.text)
                self._due = due
            else:
                self._new_line(due, comment.text, comment.blank)
                self._due = due = _Break(due.indent, True)
        if not word.text:
            return
        if isinstance(self._due, _Break):
            self._new_line(self._due, word.text, word.blank)
        else:
            self.lines[-1].text += self._due + word.text
        self._due = ""

    def _new_line(self, due: _Break, text: str, blank: bool) -> None:
        if blank and due.keeps_blank and self.lines:
            self.lines.append(TextLine(0, ""))
        self.lines.append(TextLine(due.indent, text))


def _ahead(todo: list[_Todo]) -> int:
    """How many columns follow until the line may break."""
    columns = 0
    for _, _, part in reversed(todo):
        for leaf in _until_break(part):
            match leaf:
                case None:
                    return columns
                case str():
                    columns += len(leaf)
                case Word(text):
                    columns += columns_of(text)
        if columns > WIDTH:
            break
    return columns


def _until_break(part: Doc) -> list[Word | str | None]:
    """The words and blanks of a part up to the first place for a break, which is None."""
    found: list[Word | str | None] = []
    todo: list[Doc] = [part]
    while todo:
        match todo.pop():
            case Line():
                return [*found, None]
            case Word() as word if word.comments:
                return [*found, None]
            case Word() | str() as leaf:
                found.append(leaf)
            case Indent(inner) | Group(inner) | tuple(inner):
                todo += reversed(inner)
    return found

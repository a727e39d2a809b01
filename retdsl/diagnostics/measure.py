"""How wide text is on a terminal, and text that is safe to print there.

Enters: any text whatsoever. Leaves: text without control characters, and for a source line the terminal column of every
character. Guaranteed: what leaves has no tab, line break, escape or text-direction character, so that columns are what
they seem and nothing in a spec can command the terminal.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from unicodedata import category, east_asian_width

from retdsl.records import dataclass

TAB = 4
"""Columns between tab stops."""

ELLIPSIS = "..."
"""Stands for the part of a line, or the lines, that are not shown."""

_JOINERS = "\u200c\u200d"
_UNPRINTABLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def glyph(char: str) -> str:
    """What stands for a character on the terminal: itself, the picture of a control code, or the replacement sign."""
    if char.isprintable() or category(char) not in _UNPRINTABLE or char in _JOINERS:
        return char
    code = ord(char)
    return chr(0x2400 + code) if code < 0x20 else "\u2421" if code == 0x7F else "\ufffd"


def width(char: str) -> int:
    """Columns of a printable character: 0 for combining marks and joiners, 2 for East Asian wide ones, else 1."""
    if char.isascii():
        return 1
    if category(char) in ("Mn", "Me") or char in _JOINERS:
        return 0
    return 2 if east_asian_width(char) in "WF" else 1


def text_width(text: str) -> int:
    """Columns of a printable text."""
    return len(text) if text.isascii() else sum(width(char) for char in text)


def printable(text: str) -> str:
    """One line of text, made safe to print; tabs and line breaks become spaces."""
    if text.isprintable():
        return text
    return "".join(" " if char in "\t\r\n" else glyph(char) for char in text)


def printable_lines(text: str) -> list[str]:
    """A text of several lines, each made safe to print; at least one."""
    return [printable(line) for line in text.split("\n")]


@dataclass(frozen=True, slots=True)
class Line:
    """A source line on the terminal. `columns[i]` is where `glyphs[i]` starts, from 0; one more entry is the end."""

    glyphs: Sequence[str]
    columns: Sequence[int]

    def cover(self, start: int, end: int) -> tuple[int, int]:
        """The columns `[first, last)` under the characters `[start, end)`: at least one, even past the end."""
        start = min(start, len(self.glyphs))
        end = min(max(start, end), len(self.glyphs))
        while 0 < start < len(self.glyphs) and self.columns[start] == self.columns[start + 1]:
            start -= 1  # a combining mark is seen on the character before it
        return self.columns[start], max(self.columns[end], self.columns[start] + 1)

    def cut(self, focus: tuple[int, int], room: int) -> Cut:
        """The part of the line around the columns `focus` that fits in about `room` columns."""
        end = self.columns[-1]
        if end <= room:
            return Cut("".join(self.glyphs), 0, 0, end + 1)
        room -= 2 * len(ELLIPSIS)
        first, last = focus
        middle = first + min(last - first, room) // 2
        left = max(0, min(middle - room // 2, end + 1 - room))
        count = len(self.glyphs)
        begin = bisect_left(self.columns, left)
        while begin < count and self.columns[begin] == self.columns[begin + 1]:
            begin += 1
        stop = min(count, max(begin, bisect_right(self.columns, left + room, begin) - 1))
        text = "".join(self.glyphs[begin:stop])
        shift = -self.columns[begin]
        if begin > 0:
            text, shift = ELLIPSIS + text, shift + len(ELLIPSIS)
        if stop < count:
            text += ELLIPSIS
        return Cut(text, shift, self.columns[begin], self.columns[stop] + (stop == count))


@dataclass(frozen=True, slots=True)
class Cut:
    """A part of a line: its text, how far columns moved, and which columns `[left, right)` of the line it shows."""

    text: str
    shift: int
    left: int
    right: int

    def place(self, first: int, last: int) -> tuple[int, int]:
        """Where the line's columns `[first, last)` are in this part; what lies outside is moved to its edge."""
        first = max(self.left, min(first, self.right - 1))
        last = max(first + 1, min(last, self.right))
        return first + self.shift, last + self.shift


def lay_out(text: str) -> Line:
    """A source line (no line break in it) with its tabs expanded and every character measured."""
    if text.isascii() and text.isprintable():
        return Line(text, range(len(text) + 1))
    glyphs: list[str] = []
    columns = [0]
    for char in text:
        shown = " " * (TAB - columns[-1] % TAB) if char == "\t" else glyph(char)
        glyphs.append(shown)
        columns.append(columns[-1] + (len(shown) if char == "\t" else width(shown)))
    return Line(glyphs, columns)

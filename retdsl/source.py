"""Source text and places in it.

Enters: the text of a `.retina` file. Leaves: `Source` (text with line lookup) and `Span` (a half-open range of it).
Offsets count Unicode code points of the text after reading; lines and columns are 1-based, as editors show them.
"""

from __future__ import annotations

from bisect import bisect_right
from pathlib import Path

from retdsl.records import dataclass, field

MARK = "\ufeff"
"""The byte order mark that some editors put at the start of a file."""


def one_line_end(text: str) -> str:
    """The text with the line ends of every system written as one."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


@dataclass(frozen=True, slots=True)
class Source:
    """The text of one file.

    `name` is what people see in messages, `path` is where the file lies (None for text that came from nowhere).
    """

    name: str
    text: str
    path: Path | None = None
    _starts: tuple[int, ...] = field(init=False, repr=False, compare=False, default=())

    def __post_init__(self) -> None:
        starts = [0]
        starts.extend(i + 1 for i, ch in enumerate(self.text) if ch == "\n")
        object.__setattr__(self, "_starts", tuple(starts))

    @property
    def lines(self) -> int:
        """How many lines the text has; an empty text has one."""
        return len(self._starts)

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column, both from 1, of a character offset; offsets beyond the end mean the end."""
        offset = max(0, min(offset, len(self.text)))
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of line `number` (from 1) without its line break."""
        start = self._starts[number - 1]
        end = self._starts[number] if number < len(self._starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range `[start, end)` of characters in a source."""

    source: Source = field(repr=False)
    start: int
    end: int

    @property
    def line(self) -> int:
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        return self.source.position(self.start)[1]

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    def __str__(self) -> str:
        return f"{self.source.name}:{self.line}:{self.column}"

    def to(self, other: Span) -> Span:
        """The range from the start of this span to the end of `other` (same source)."""
        return Span(self.source, min(self.start, other.start), max(self.end, other.end))

"""A place where the grammar gave up, and what a guess at the mistake leaves: a report, and a repair if it is plain."""

from __future__ import annotations

import re
from collections.abc import Callable

from retdsl.diagnostics import Diagnostics, Fix, Label
from retdsl.records import dataclass
from retdsl.syntax.text import KEYWORDS, Piece

ANY_KEYWORD = frozenset(KEYWORDS)


REACH = 1000
"""How many characters back the reason of a mistake is looked for. Names are shorter, and texts may be long."""


@dataclass(frozen=True, slots=True)
class Repair:
    """`text` is to be written over the piece from `start` on."""

    start: int
    text: str


@dataclass(frozen=True, slots=True)
class Mistake:
    """What was reported: where it starts, where the setting around it ends if that is known, and how to go on."""

    start: int
    end: int | None = None
    repair: Repair | None = None


@dataclass(frozen=True, slots=True)
class Slip:
    """Where the grammar gave up: `word` stands at `start`, `expected` are the terminals it would have taken."""

    piece: Piece
    start: int
    word: str
    expected: frozenset[str]
    out: Diagnostics

    @property
    def end(self) -> int:
        return self.start + len(self.word)

    @property
    def before(self) -> str:
        return self.piece.text[: self.start]

    @property
    def after(self) -> str:
        return self.piece.text[self.end :]

    @property
    def line_after(self) -> str:
        return self.after.partition("\n")[0]

    def look_back(self, pattern: str) -> re.Match[str] | None:
        """The first match of a pattern in what stands before, not too far back; its offsets are those of the piece."""
        return re.compile(pattern).search(self.piece.text, max(0, self.start - REACH), self.start)

    def rewrite(
        self, code: str, text: str, start: int, end: int, by: str, help: str, label: str = "", *, safe: bool = True
    ) -> Mistake:
        """Reports that `by` belongs in place of what stands from `start` to `end`, and repairs it if it fits."""
        span = self.piece.span(start, end)
        blank = not by and self.piece.text[start - 1 : start] == self.piece.text[end : end + 1] == " "
        place = self.piece.span(start, end + blank)
        self.out.report(code, text, Label(span, label), helps=[help], fixes=[Fix.at(place, by, safe=safe)])
        by = by.strip()
        return Mistake(start, repair=Repair(start, by.ljust(end - start)) if len(by) <= end - start else None)


Guess = Callable[[Slip], "Mistake | None"]
"""Knows one way in which people go wrong: words the mistake if it is that one, else gives None."""

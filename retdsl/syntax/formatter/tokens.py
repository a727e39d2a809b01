"""The words of a text, each with the comments in front of it.

Enters: a text that the parser understands. Leaves: its tokens in order, and an empty one for the end. Guaranteed: every
comment hangs on exactly one token, the first one behind it, so whoever writes each token once writes each comment once,
between the same two tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum

from retdsl.diagnostics.measure import lay_out
from retdsl.records import dataclass, replace

WORD = re.compile(
    r"""
      (?P<comment> \#[^\n]* )
    | "[^"\\\n]*(?:\\.[^"\\\n]*)*"
    | [0-9]+(?:\.[0-9]+)?%
    | [0-9]+(?:\.[0-9]+)?(?:x|[ \t]+(?:batch(?:es)?|epochs?))(?![A-Za-z0-9_])(?!(?:\s|\#[^\n]*\n)*=)
    | [0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?
    | [A-Za-z_][A-Za-z0-9_]*
    | =>
    | ->
    | [<>=!]=
    | \.\.
    | [^ \t\r\n\f\uFEFF]
    """,
    re.VERBOSE,
)
"""Every word of a text, and every comment."""


class Place(Enum):
    """Where a comment stands."""

    OWN_LINE = "a line of its own"
    BEHIND = "behind a token, at the end of its line"
    BELOW = "on the line below a comment that is BEHIND, in its column and not that of the next word: it goes on there"


@dataclass(frozen=True, slots=True)
class Comment:
    """`text` starts with `#` and has no blanks at its end; `blank`: an empty line stands before it."""

    text: str
    place: Place
    blank: bool


@dataclass(frozen=True, slots=True)
class Token:
    """A word, and what stands between it and the word before.

    blank: an empty line stands right before it. line_break: it does not stand on the line of the word before.
    """

    text: str
    comments: tuple[Comment, ...] = ()
    blank: bool = False
    line_break: bool = False


def tokens(text: str) -> Iterator[Token]:
    """The tokens of a text; the last one is empty and stands at the end."""
    comments: list[Comment] = []
    end, column, line_break = 0, -1, True
    for found in WORD.finditer(text):
        breaks = text.count("\n", end, found.start())
        line_break = line_break or breaks > 0
        if found["comment"] is None:
            if comments and comments[-1].place is Place.BELOW and _column(text, found.start()) == column:
                comments = [
                    replace(each, place=Place.OWN_LINE) if each.place is Place.BELOW else each for each in comments
                ]
            word = found.group()
            # A number and its unit are one word, however far apart they stand.
            word = " ".join(word.split()) if word[0].isdigit() else word
            yield Token(word, tuple(comments), breaks > 1, line_break)
            comments, column, line_break = [], -1, False
        else:
            here = _column(text, found.start())
            place = Place.OWN_LINE if line_break else Place.BEHIND
            if line_break and breaks == 1 and comments and comments[-1].place is not Place.OWN_LINE and here == column:
                place = Place.BELOW
            comments.append(Comment(found.group().rstrip(), place, breaks > 1))
            column = here
        end = found.end()
    yield Token("", tuple(comments), line_break=True)


def _column(text: str, offset: int) -> int:
    return lay_out(text[text.rfind("\n", 0, offset) + 1 : offset]).columns[-1]


def essence(text: str) -> list[str]:
    """The words and comments of a text in order: what layout must not change. Commas are left out, as some may go."""
    return [
        word
        for token in tokens(text)
        for word in (*(comment.text for comment in token.comments), token.text)
        if word != ","
    ]

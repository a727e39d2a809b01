"""What each word of a text is, for whoever shows it in colours.

Enters: any text, a spec or what was meant to be one. Leaves: its pieces in order, each with what it is. Guaranteed: the
pieces joined are the text, to the last blank; nothing is raised, since a text with mistakes is worth showing, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from retdsl.records import dataclass
from retdsl.syntax.formatter.tokens import WORD
from retdsl.syntax.text import CLOSING, KEYWORDS, OPENING

BLANK, COMMENT, TEXT, NUMBER, SIGN = "blank", "comment", "text", "number", "sign"
KEYWORD, DECLARED, KEY, STEP, NAME = "keyword", "declared", "key", "step", "name"

_HEADS = {*KEYWORDS, "from"}
_BEFORE_STEP = {"=>", "|"}
_LITERALS = {"true": NUMBER, "false": NUMBER, "none": NUMBER}


@dataclass(frozen=True, slots=True)
class Piece:
    """kind: one of those above. A step is a layer, a policy or another name that is called or stands in a chain; a key
    is a name before `=`; declared is what a declaration names, there and wherever it is meant.
    """

    kind: str
    text: str


def coloured(text: str) -> Iterator[Piece]:
    """The pieces of a text."""
    words = list(WORD.finditer(text))
    plain = [found.group() for found in words if found["comment"] is None]
    declared = {name for head, name in pairwise(plain) if head in KEYWORDS and _is_name(name)}
    end, depth, at = 0, 0, 0
    for found in words:
        word = found.group()
        if found.start() > end:
            yield Piece(BLANK, text[end : found.start()])
        end = found.end()
        if found["comment"] is not None:
            yield Piece(COMMENT, word)
            continue
        before, behind = (plain[i] if 0 <= i < len(plain) else "" for i in (at - 1, at + 1))
        yield Piece(_kind(word, before, behind, depth, word in declared), word)
        depth += (word in OPENING.values()) - (word in CLOSING.values())
        at += 1
    if end < len(text):
        yield Piece(BLANK, text[end:])


def _kind(word: str, before: str, behind: str, depth: int, declared: bool) -> str:
    if word[0] == '"' and len(word) > 1:
        return TEXT
    if word[0].isdigit():
        return NUMBER
    if not _is_name(word):
        return SIGN
    if (depth == 0 and word in _HEADS and _is_name(behind)) or (word == "use" and behind[:1] == '"'):
        return KEYWORD
    if word == "as" and before == ")":
        return KEYWORD
    if behind == "=":
        return DECLARED if depth == 0 else KEY
    if declared:
        return DECLARED
    if behind == "(" or before in _BEFORE_STEP:
        return STEP
    return _LITERALS.get(word, NAME)


def _is_name(word: str) -> bool:
    return word.isidentifier()

"""Brackets, keys and declarations found in text alone, for places where the grammar has given up."""

from __future__ import annotations

import re
from collections.abc import Iterator

from retdsl.records import dataclass, replace
from retdsl.source import Source, Span

KEYWORDS = ("data", "backbone", "block", "model", "augment", "sampling", "train", "ensemble", "use")

KEYWORDS_ELSEWHERE = {
    **dict.fromkeys(("dataset", "images"), "data"),
    **dict.fromkeys(("pretrained", "encoder", "base"), "backbone"),
    **dict.fromkeys(("def", "function", "layer", "module", "macro"), "block"),
    **dict.fromkeys(("network", "net"), "model"),
    **dict.fromkeys(("augmentation", "transform", "transforms"), "augment"),
    **dict.fromkeys(("sampler", "sample"), "sampling"),
    **dict.fromkeys(("experiment", "training", "fit", "run"), "train"),
    **dict.fromkeys(("committee", "average", "bagging"), "ensemble"),
    **dict.fromkeys(("import", "include", "from", "require"), "use"),
}
"""What other languages start such a declaration with."""

CLOSING = {"(": ")", "[": "]", "{": "}"}
OPENING = {closing: opening for opening, closing in CLOSING.items()}

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_SKIPPED = r'"[^"\\\n]*(?:\\.[^"\\\n]*)*"|#[^\n]*'
_BRACKET = re.compile(rf"{_SKIPPED}|[][(){{}}]")
_BRACKET_OR_KEY = re.compile(rf"{_SKIPPED}|[][(){{}}]|(?<![\w.])(?P<key>{_NAME})[ \t]*(?:\([^()\n]*\)[ \t]*)?=(?!>)")
_KEYWORD = "|".join(KEYWORDS)
_START = re.compile(
    rf"^(?:(?P<indent>[ \t]*)(?:{_KEYWORD})[ \t]+(?:[^\W\d]|\")"
    rf"|{_NAME}[ \t]+{_NAME}[ \t]*[={{(]"
    rf"|(?:data|train|ensemble)[ \t]*\{{)",
    re.MULTILINE,
)
_SETTINGS = re.compile(r"\s*(?:data|train|ensemble)\b[^{]*\{")

DECLARATION_NAME = re.compile(rf"\s*{_NAME}\s+(?P<name>{_NAME})")
"""The head of a declaration, whatever its first word is."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a source that starts at offset `base`; `text` may have been repaired. Offsets count within it."""

    source: Source
    base: int
    text: str

    def span(self, start: int, end: int) -> Span:
        return Span(self.source, self.base + start, self.base + end)

    def patched(self, start: int, text: str) -> Piece:
        """The piece with `text` written over what stands at `start`; its length stays."""
        return replace(self, text=self.text[:start] + text + self.text[start + len(text) :])


def declaration_starts(text: str) -> Iterator[int]:
    """Where a declaration seems to begin: at the start of a line, or indented but outside of all brackets."""
    depth, at = 0, 0
    for found in _START.finditer(text):
        depth = max(0, depth + _depth(text, at, found.start()))
        at = found.start()
        if not found["indent"]:
            depth = 0
        if depth == 0:
            yield found.start()


def _depth(text: str, start: int, end: int) -> int:
    tokens = [found.group() for found in _BRACKET.finditer(text, start, end)]
    return sum(token in CLOSING for token in tokens) - sum(token in OPENING for token in tokens)


def settings_open(text: str) -> int | None:
    """The offset of the brace that opens a block's settings, None for a chain."""
    head = _SETTINGS.match(text)
    return None if head is None else head.end() - 1


def setting_starts(text: str) -> Iterator[int]:
    """Where the settings of a block begin, one after the other; nothing for a chain."""
    brace = settings_open(text)
    if brace is None:
        return
    depth = 0
    for found in _BRACKET_OR_KEY.finditer(text, brace):
        token = found.group()
        if token in CLOSING:
            depth += 1
        elif token in OPENING:
            depth -= 1
        elif found["key"] and depth == 1:
            yield found.start()


def open_brackets(text: str, end: int) -> list[int]:
    """The offsets of the brackets in `text[:end]` that nothing closes, outermost first."""
    stack: list[int] = []
    for found in _BRACKET.finditer(text, 0, end):
        token = found.group()
        if token in CLOSING:
            stack.append(found.start())
        elif token in OPENING and stack:
            stack.pop()
    return stack

"""Text in, what a builder makes of its parts out: Lark parses, and calls the builder while it does.

What the grammar does not take raises `Unexpected`, and brackets within brackets without end `TooDeep`. Guaranteed: no
recursion, and time proportional to the length of the text.

Lark would need longer to compute its tables than all the rest of a check takes, so `stored_grammar.py` keeps them as
Lark writes them. Another release of Lark than the one that wrote them reads grammar.lark instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import lark
from lark import Lark
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from retdsl.syntax import stored_grammar

Build = Callable[[str, "list[Any]"], Any]
"""Makes a part of a rule's name and its children: tokens, and parts made before. No sign or keyword is left out."""

OPTIONS: dict[str, Any] = {
    "parser": "lalr",
    "lexer": "basic",
    "start": ["start", "value"],
    "keep_all_tokens": True,
    "maybe_placeholders": False,
}
"""How Lark is to read the grammar."""

END = "$END"

_BRACKET = re.compile(r'"[^"\\\n]*(?:\\.[^"\\\n]*)*"|#[^\n]*|[][(){}]')
_DEPTH = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}


class Unexpected(Exception):
    """The grammar cannot go on at `start`.

    word: what stands there, empty at the end of the text; known: whether it is a word of the language, or else just a
    character that begins none. expected: the terminals that could stand there, one that is a fixed text by that text.
    """

    def __init__(self, start: int, word: str, known: bool, expected: frozenset[str]) -> None:
        super().__init__(f"{word!r} at {start}")
        self.start = start
        self.word = word
        self.known = known
        self.expected = expected


class TooDeep(Exception):
    """The bracket at `start` stands within too many others."""

    def __init__(self, start: int) -> None:
        super().__init__(f"too deep at {start}")
        self.start = start


class _Items:
    """What the rules that Lark makes for `*` and `+` have found so far."""

    __slots__ = ("children",)

    def __init__(self, children: list[Any]) -> None:
        self.children = children


class _Reader:
    """Lark, and who builds the parts of the text that it parses just now."""

    def __init__(self) -> None:
        self._builders: list[Build] = []
        self.lark = self._stored() if lark.__version__ == stored_grammar.VERSION else self._computed()

    def _stored(self) -> Lark:
        data = stored_grammar.DATA
        options = {**data["options"], "tree_class": self._made}
        return Lark.load({"data": {**data, "options": options}, "memo": stored_grammar.MEMO})

    def _computed(self) -> Lark:
        grammar = Path(__file__).with_name("grammar.lark").read_text("utf-8")
        return Lark(grammar, tree_class=self._made, **OPTIONS)

    def _made(self, rule: str, children: list[Any]) -> Any:
        return _Items(children) if rule[0] == "_" else self._builders[-1](rule, children)

    def parse(self, text: str, goal: str, build: Build) -> Any:
        self._builders.append(build)  # a text within the text is parsed while that is
        try:
            return self.lark.parse(text, start=goal)
        finally:
            self._builders.pop()


@cache
def _reader() -> _Reader:
    return _Reader()


def parse(text: str, goal: str, build: Build, deepest: int) -> Any:
    """What `build` makes of a text, which is a whole `goal` ("start" or "value") of the grammar.

    deepest: how many brackets within brackets there may be.
    """
    depth = 0
    for found in _BRACKET.finditer(text):
        depth = max(0, depth + _DEPTH.get(found.group(), 0))
        if depth > deepest:
            raise TooDeep(found.start())
    try:
        return _reader().parse(text, goal, build)
    except UnexpectedInput as error:
        raise _unexpected(error, text) from None


def _unexpected(error: UnexpectedInput, text: str) -> Unexpected:
    """Lark's error in the terms of the language."""
    parser: Any = error.interactive_parser
    expected = frozenset(map(_called, parser.accepts()))
    if "NAME" in expected:  # and so all words of the language, as names
        expected = frozenset(word for word in expected if not word.isidentifier() or word.isupper())
    if isinstance(error, UnexpectedCharacters):
        start = error.pos_in_stream or 0
        return Unexpected(start, text[start], False, expected)
    assert isinstance(error, UnexpectedToken)
    if error.token.type == END:
        return Unexpected(len(text), "", True, expected)
    return Unexpected(error.token.start_pos or 0, str(error.token), True, expected)


def _called(terminal: str) -> str:
    """What messages call a terminal: a sign or a word of the language by its text."""
    if terminal == END:
        return terminal
    pattern = _reader().lark.get_terminal(terminal).pattern
    return str(pattern.value) if pattern.type == "str" else terminal

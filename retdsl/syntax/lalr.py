"""Text in, what a builder makes of its parts out: a walk through the tables that were made of grammar.lark.

A word like `model` is a keyword where the grammar can go on with one, and a name elsewhere. What the grammar does not
take raises `Unexpected`, and brackets within brackets without end `TooDeep`. Guaranteed: no recursion, and time
proportional to the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeAlias

from retdsl.syntax.tables import IGNORED, PATTERNS, RULES, STARTS, STATES, WORDS

Token: TypeAlias = "tuple[str, int, int]"
"""A word, and from where to where it reaches."""

NAME = "NAME"
END = "$END"

_LEXER = re.compile(
    "|".join(
        [
            f"(?P<ignored>{'|'.join(IGNORED)})",
            *(f"(?P<{kind}>{pattern})" for kind, pattern in PATTERNS.items()),
            *(re.escape(word) for word in sorted(WORDS, reverse=True) if not word.isalpha()),
            r"\Z",
            r"(?P<unknown>[\s\S])",
        ]
    )
)
_WORDS = {word: word for word in WORDS}
_DEPTH = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}


class Unexpected(Exception):
    """The grammar cannot go on at `start`.

    word: what stands there, empty at the end of the text; known: whether it is a word of the language, or else just a
    character that begins none. expected: the terminals that could stand there.
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


def parse(text: str, goal: str, build: Any, deepest: int) -> Any:
    """What `build` makes of a text, which is a whole `goal` ("start" or "value") of the grammar.

    deepest: how many brackets within brackets there may be.
    build: has a method `rule_NAME` for every name in RULES. It gets what `build.span(first, last)` makes of the place,
    and the children: tokens, what other methods returned, and None for what has been left out.
    """
    states = [STARTS[goal]]
    things: list[tuple[Any, int, int]] = []  # what the states but the first stand for, each with its place
    depth = 0
    for found in _LEXER.finditer(text):
        kind = found.lastgroup or END
        if kind == "ignored":
            continue
        word = found.group()
        kind = _WORDS.get(word, kind)
        if word in _DEPTH:
            depth += _DEPTH[word]
            if depth > deepest:
                raise TooDeep(found.start())
        while True:
            do = STATES[states[-1]]
            if isinstance(do, dict):
                action = do.get(kind)
                if action is None:
                    if kind in WORDS and NAME in do and word.isidentifier():  # no keyword here
                        kind = NAME
                        continue
                    raise Unexpected(found.start(), word, kind != "unknown", _accepted(states))
                if action >= 0:
                    break
                do = action
            part, size, name, children = RULES[~do]
            if name is None:
                del states[-1]
            elif size:
                things[-size:] = [_made(build, name, things[-size:], children)]
                del states[-size:]
            else:
                things.append(_made(build, name, [("", found.start(), found.start())], children))
            states.append(STATES[states[-1]][part])  # type: ignore[index]
        states.append(action)
        first, last = found.span()
        things.append(((word, first, last), first, last))
    return things[0][0]


def _made(
    build: Any, name: str, things: Sequence[tuple[Any, int, int]], children: Sequence[int | None]
) -> tuple[Any, int, int]:
    """The part that a rule makes of the things on the stack, and its place."""
    first, last = things[0][1], things[-1][2]
    if name == "more":
        part = things[0][0]
        part.extend([things[i][0] for i in children[1:] if i is not None])
        return part, first, last
    taken: list[Any] = []
    for i in children:
        if i is None:
            taken.append(None)
        elif i >= 0:
            taken.append(things[i][0])
        else:
            taken += things[~i][0]
    return taken if name == "items" else getattr(build, f"rule_{name}")(build.span(first, last), *taken), first, last


def _accepted(states: Sequence[int]) -> frozenset[str]:
    """The terminals with which the grammar can go on, all that lies behind the rules to be applied first included."""
    row = STATES[states[-1]]
    assert isinstance(row, dict)
    return frozenset(kind for kind in row if not kind.startswith("<") and _leads_on(kind, list(states)))


def _leads_on(kind: str, states: list[int]) -> bool:
    while True:
        do = STATES[states[-1]]
        action = do.get(kind) if isinstance(do, dict) else do
        if action is None or action >= 0:
            return action is not None
        part, size, _, _ = RULES[~action]
        del states[len(states) - size :]
        states.append(STATES[states[-1]][part])  # type: ignore[index]

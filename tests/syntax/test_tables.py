"""The tables are those of the grammar, and the walk through them takes what Lark takes, and makes the same of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lark import Token, Tree
from lark.exceptions import UnexpectedInput
from make_tables import TABLES, grammar, tables
from mutations import SPECS, mutations, words_of_the_language

from retdsl.syntax.lalr import TooDeep, Unexpected, parse

LARK = grammar()


def test_the_tables_are_made_of_the_grammar() -> None:
    assert TABLES.read_text("utf-8") == tables(), "run `python tests/syntax/make_tables.py`"


class Shapes:
    """Makes of every part its name and what it is made of."""

    def span(self, first: int, last: int) -> tuple[int, int]:
        return first, last

    def __getattr__(self, name: str) -> Any:
        return lambda _, *children: (name.removeprefix("rule_"), *map(bare, children))


def bare(child: Any) -> Any:
    """A token without its place."""
    return child[0] if isinstance(child, tuple) and len(child) == 3 and isinstance(child[1], int) else child


def shape(tree: Any) -> Any:
    match tree:
        case Tree(data=name, children=children):
            return (str(name), *map(shape, children))
        case Token():
            return str(tree)
        case _:
            return tree


def same_as_lark(text: str) -> None:
    expected: object
    try:
        expected = shape(LARK.parse(text, start="start"))
    except UnexpectedInput as error:
        expected = error.pos_in_stream
    try:
        found = parse(text, "start", Shapes(), 10_000)
    except Unexpected as error:
        # Lark points at the word before the end, and where only `=` can stand it sees `=`, then `>`, in `=>`.
        found = expected if error.word in ("", "=>") and isinstance(expected, int) else error.start
    assert found == expected


@pytest.mark.parametrize("text", SPECS)
def test_shipped_specs_are_taken_apart_as_lark_does(text: str) -> None:
    same_as_lark(text)


@settings(max_examples=200, deadline=None)
@given(words_of_the_language())
def test_any_words_are_taken_or_refused_as_by_lark(text: str) -> None:
    same_as_lark(text)


@settings(max_examples=60, deadline=None)
@given(mutations())
def test_any_mutation_is_taken_or_refused_as_by_lark(text: str) -> None:
    same_as_lark(text)


@given(st.integers(1, 60))
def test_brackets_within_brackets_have_an_end(depth: int) -> None:
    text = "model m = " + "(" * depth + "1" + ")" * depth
    if depth <= 40:
        parse(text, "start", Shapes(), 40)
    else:
        with pytest.raises(TooDeep) as found:
            parse(text, "start", Shapes(), 40)
        assert found.value.start == text.index("(") + 40


def test_what_could_stand_there_is_told() -> None:
    with pytest.raises(Unexpected) as found:
        parse("train a = 1", "start", Shapes(), 40)
    assert (found.value.word, found.value.expected) == ("=", {"from", "{"})
    with pytest.raises(Unexpected) as found:
        parse("model a = F(1", "start", Shapes(), 40)
    assert (found.value.word, found.value.expected) == ("", {")", ","})

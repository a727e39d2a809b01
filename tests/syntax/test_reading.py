"""Lark's stored tables are those of the grammar, and a parser that is loaded from them does what a computed one does.

After every change of the grammar, and for another release of Lark: `RETDSL_REFRESH=1 pytest tests/syntax`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import lark
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lark import Lark
from lark.grammar import Rule
from lark.lexer import TerminalDef
from mutations import SPECS, mutations, words_of_the_language

from retdsl.syntax import reading, stored_grammar
from retdsl.syntax.reading import OPTIONS, TooDeep, Unexpected, parse

STORED = Path(stored_grammar.__file__)

TEXT = '''"""Lark's tables of grammar.lark, as Lark writes them; made by tests/syntax/test_reading.py, do not edit."""

# ruff: noqa: E501
# fmt: off
from typing import Any

VERSION = {version!r}
DATA: dict[str, Any] = {data!r}
MEMO: dict[int, Any] = {memo!r}
'''


def computed() -> tuple[dict[str, Any], dict[int, Any]]:
    """What Lark makes of the grammar today."""
    grammar = STORED.with_name("grammar.lark").read_text("utf-8")
    data, memo = Lark(grammar, **OPTIONS).memo_serialize([TerminalDef, Rule])
    return data, memo


def meaning(data: Mapping[str, Any], memo: Mapping[int, Any]) -> object:
    """The same for the same tables: how Lark numbers states and rules differs from run to run."""
    table = data["parser"]["parser"]
    words = table["tokens"]
    order = {state: i for i, state in enumerate(table["start_states"].values())}
    rows: list[dict[str, Any]] = []
    while len(rows) < len(order):
        row = {words[word]: action for word, action in table["states"][list(order)[len(rows)]].items()}
        rows.append({})
        for word, (reduces, to) in sorted(row.items()):
            rows[-1][word] = memo[to["@"]] if reduces else order.setdefault(to, len(order))
    ends = {goal: order[state] for goal, state in table["end_states"].items()}
    # What a pattern without a longest match is as long as differs from one Python to the other.
    terminals_and_rules = sorted(re.sub(r"\d{10,}\]", "endless]", repr(one)) for one in memo.values())
    return rows, ends, terminals_and_rules, {**data["options"]}, data["parser"]["lexer_conf"]["ignore"]


def test_the_stored_tables_are_those_of_the_grammar() -> None:
    data, memo = computed()
    stored = stored_grammar.VERSION, meaning(stored_grammar.DATA, stored_grammar.MEMO)
    made = lark.__version__, meaning(data, memo)
    if os.environ.get("RETDSL_REFRESH") and stored != made:
        STORED.write_text(TEXT.format(version=lark.__version__, data=data, memo=memo), "utf-8")
        return
    if stored[0] != made[0]:
        pytest.skip(f"the tables are those of Lark {stored[0]}")
    assert stored[1] == made[1], "RETDSL_REFRESH=1 pytest tests/syntax"


@pytest.fixture(scope="module")
def other_release() -> Callable[[str], object]:
    """What becomes of a text where another release of Lark is installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stored_grammar, "VERSION", "0")
        reader = reading._Reader()

    def read(text: str) -> object:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(reading, "_reader", lambda: reader)
            return outcome(text)

    return read


def shape(rule: str, children: list[Any]) -> tuple[Any, ...]:
    """Makes of every part its name and what it is made of."""
    return (rule, *children)


def outcome(text: str) -> object:
    """What a text is made of, or where and why not."""
    try:
        return parse(text, "start", shape, 10_000)
    except Unexpected as error:
        return error.start, error.word, error.known, error.expected


@pytest.mark.parametrize("text", SPECS)
def test_shipped_specs_mean_the_same_for_every_release(text: str, other_release: Callable[[str], object]) -> None:
    assert outcome(text) == other_release(text)


@settings(max_examples=100, deadline=None)
@given(text=words_of_the_language() | mutations())
def test_any_text_means_the_same_for_every_release(text: str, other_release: Callable[[str], object]) -> None:
    assert outcome(text) == other_release(text)


@given(st.integers(1, 60))
def test_brackets_within_brackets_have_an_end(depth: int) -> None:
    text = "model m = " + "(" * depth + "1" + ")" * depth
    if depth <= 40:
        parse(text, "start", shape, 40)
    else:
        with pytest.raises(TooDeep) as found:
            parse(text, "start", shape, 40)
        assert found.value.start == text.index("(") + 40


@pytest.mark.parametrize(
    ("text", "word", "known", "expected"),
    [
        ("train a = 1", "=", True, {"from", "{"}),
        ("model a = F(1", "", True, {")", ","}),
        ("model a => 1", "=>", True, {"="}),
        ("model = ", "=", True, {"NAME"}),
        ("use §", "§", False, {"NAME", "STRING"}),
    ],
)
def test_what_stands_there_and_what_could_is_told(text: str, word: str, known: bool, expected: set[str]) -> None:
    with pytest.raises(Unexpected) as found:
        parse(text, "start", shape, 40)
    error = found.value
    assert (error.word, error.known) == (word, known)
    assert error.expected == expected
    assert error.start == (text.index(word) if word else len(text))


def test_a_word_of_the_language_may_be_a_name() -> None:
    text = "model model = from.as(use = train) as block"
    found: list[str] = []
    parse(text, "start", lambda rule, children: found.append(children[0]) if rule == "name" else 0, 40)
    assert found == ["model", "from", "as", "use", "train", "block"]

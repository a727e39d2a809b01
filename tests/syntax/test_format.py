"""Canonical layout: golden pairs, and what must hold for every text whatsoever."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lark import Lark
from random_specs import specs, written

import retdsl.syntax
from retdsl.diagnostics import Diagnostics
from retdsl.source import Source
from retdsl.syntax import parse
from retdsl.syntax import tree as t
from retdsl.syntax.formatter import FormatDefect, format_source
from retdsl.syntax.formatter import format as format_module

ROOT = Path(__file__).resolve().parents[2]
CASES = sorted((Path(__file__).parent / "format").glob("*.txt"))
SHIPPED = sorted([*ROOT.glob("specs/**/*.retina"), *ROOT.glob("examples/**/*.retina")])
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]


def formatted(text: str) -> str:
    out = Diagnostics()
    found = format_source(Source("test.retina", text), out)
    assert found is not None, [item.message for item in out]
    return found


def tree(text: str) -> tuple[t.Declaration, ...]:
    return parse(Source("test.retina", text), Diagnostics()).declarations


@cache
def lexer() -> Lark:
    """The grammar's own lexer, which gives comments and white space, too."""
    grammar = Path(retdsl.syntax.__file__).with_name("grammar.lark").read_text("utf-8")
    return Lark(grammar, parser="lalr", lexer="basic", start=["start", "value"])


def words(text: str) -> list[str]:
    """Words and comments in order, without commas in front of a closing bracket."""
    found = [
        str(token) for token in lexer().lex(text, dont_ignore=True) if not re.fullmatch(r"[ \t\r\n\f\uFEFF]+", token)
    ]
    kept: list[str] = []
    for index, word in enumerate(found):
        behind = next((later for later in found[index + 1 :] if later[0] != "#"), "")
        if word != "," or behind not in (")", "]"):
            kept.append(word.rstrip() if word[0] == "#" else word)
    return kept


def examine(text: str) -> None:
    """Everything that formatting guarantees."""
    once = formatted(text)
    assert formatted(once) == once
    assert tree(once) == tree(text)
    assert words(once) == words(text)
    assert not re.search(r"[ \t]$|\n\n\n|^\n", once, re.MULTILINE) or "\n\n\n" not in once
    lines = once.split("\n")
    assert lines[-1] == ""
    assert all(line == line.rstrip() for line in lines)
    assert all(above or below for above, below in zip(["", *lines], lines[:-1], strict=False))


@settings(max_examples=400, deadline=None)
@given(specs())
def test_any_spec(text: str) -> None:
    examine(text)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(SHIPPED))
def test_a_shipped_spec_in_any_layout(data: st.DataObject, path: Path) -> None:
    found = [str(token) for token in lexer().lex(path.read_text("utf-8"))]
    start = data.draw(st.integers(0, max(0, len(found) - 1)))
    del start
    examine(data.draw(written(found)))

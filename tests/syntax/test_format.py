"""Canonical layout: golden pairs, and what must hold for every text whatsoever.

Each file of `format/` says what it is about, then how a text is written and how it is formatted.
"""

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
from retdsl.syntax.formatter.document import Printer, TextLine
from retdsl.syntax.parser import MAX_SIZE

ROOT = Path(__file__).resolve().parents[2]
CASES = sorted((Path(__file__).parent / "format").glob("*.txt"))
SHIPPED = sorted([*ROOT.glob("specs/**/*.retina"), *ROOT.glob("examples/**/*.retina")])
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("examples/*/README.md"))]


def formatted(text: str) -> str:
    out = Diagnostics()
    found = format_source(Source("test.retina", text), out)
    assert found is not None, [item.message for item in out]
    return found


def tree(text: str) -> tuple[t.Declaration, ...]:
    out = Diagnostics()
    found = parse(Source("test.retina", text), out).declarations
    assert not len(out), [item.message for item in out]
    return found


@cache
def lexer() -> Lark:
    """The grammar's own lexer, as Lark makes it; it gives comments and white space, too."""
    grammar = Path(retdsl.syntax.__file__).with_name("grammar.lark").read_text("utf-8")
    return Lark(grammar, parser="lalr", lexer="basic", start=["start", "value"])


def words(text: str) -> list[str]:
    """Words and comments in order, without a comma before a closing bracket."""
    found = [str(token) for token in lexer().lex(text, dont_ignore=True)]
    found = [
        word.rstrip() if word[0] == "#" else word for word in found if not re.fullmatch(r"[ \t\r\n\f\uFEFF]+", word)
    ]
    kept: list[str] = []
    following = ""  # the next word that is no comment
    for word in reversed(found):
        if word != "," or following not in (")", "]"):
            kept.append(word)
        following = following if word[0] == "#" else word
    return kept[::-1]


def examine(text: str) -> None:
    """Everything that is guaranteed of the layout of a text."""
    once = formatted(text)
    assert formatted(once) == once
    assert tree(once) == tree(text)
    assert words(once) == words(text)
    lines = once.split("\n")
    assert lines.pop() == ""
    assert [line for line in lines if line != line.rstrip() or "\t" in line.partition("#")[0].partition('"')[0]] == []
    assert re.search(r"\A\n|\n\n\n|\n\n\Z", once) is None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_layout(case: Path) -> None:
    _, before, after = re.split(r"^--- (?:written|formatted)\n", case.read_text("utf-8"), flags=re.MULTILINE)
    assert formatted(before) == after
    examine(before)


@settings(max_examples=300, deadline=None)
@given(specs())
def test_any_spec(text: str) -> None:
    examine(text)


@settings(max_examples=50, deadline=None)
@given(st.data(), st.sampled_from(SHIPPED))
def test_a_shipped_spec_in_any_layout(data: st.DataObject, path: Path) -> None:
    found = [str(token) for token in lexer().lex(path.read_text("utf-8"))]
    start = data.draw(st.integers(0, len(found)))
    text = " ".join(found[:start]) + "\n" + data.draw(written(found[start : start + 60])) + "\n"
    examine(text + " ".join(found[start + 60 :]))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_what_ships_is_formatted(path: Path) -> None:
    text = path.read_text("utf-8")
    assert formatted(text) == text, f"retdsl fmt {path.relative_to(ROOT)}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}/{page.name}")
def test_what_the_guides_show_is_formatted(page: Path) -> None:
    for text in re.findall(r"^```retina\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE):
        assert formatted(text) == text


@pytest.mark.parametrize("text", ["", "\n\n", "  \t\n", "\ufeff"])
def test_nothing_is_laid_out_as_nothing(text: str) -> None:
    assert formatted(text) == ""


@pytest.mark.parametrize("text", ["model a =", "model a = b c", "a", 'model a = "{b"', "[" * 100])
def test_a_text_with_mistakes_is_not_laid_out(text: str) -> None:
    out = Diagnostics()
    assert format_source(Source("test.retina", text), out) is None
    assert out.errors > 0


def test_a_layout_too_long_to_be_read_again_is_a_message() -> None:
    text = "train a{" + "a=1 b=2\n" * (MAX_SIZE // 8 - 10) + "}"
    tree(text)
    out = Diagnostics()
    assert format_source(Source("test.retina", text), out) is None
    assert [item.code for item in out] == ["R107"]


def test_one_very_long_text_is_laid_out() -> None:
    text = 'data a {\n  b = "' + "x" * 1_000_000 + '"\n}\n'
    assert format_source(Source("test.retina", text), Diagnostics()) == text


@pytest.mark.parametrize("lose", ["x", "# why"])
def test_a_layout_that_loses_something_is_never_given_out(monkeypatch: pytest.MonkeyPatch, lose: str) -> None:
    write = Printer.write

    def lossy(self: Printer, doc: object) -> None:
        write(self, doc)  # type: ignore[arg-type]
        self.lines = [
            TextLine(line.indent, line.text.replace(lose, ""), line.comments, line.tabs) for line in self.lines
        ]

    monkeypatch.setattr(Printer, "write", lossy)
    with pytest.raises(FormatDefect):
        formatted("# why\nmodel a = b(x, 2)\n")

"""Source in, `File` and diagnostics out. Never raises for any text, and reports every mistake it can separate.

A text without mistakes is parsed in one go. Otherwise it is cut where declarations begin (a word, a name and `=`, `{`
or `(` at the start of a line) and each piece is parsed alone; in a piece with settings, the broken setting is blanked
out and the rest is kept. So one slip hides neither the other slips nor the declarations around it.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Any

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput

from retdsl.diagnostics import Diagnostics, Label
from retdsl.source import Source, Span
from retdsl.syntax import tree as t
from retdsl.syntax.build import TreeBuilder
from retdsl.syntax.words import KEYWORDS, nesting, report_syntax_error

MAX_NESTING = 40
"""Brackets within brackets; real studies stay below 10. Keeps every walk of a tree far from Python's limit."""

MAX_SIZE = 1_000_000
"""Characters in a file; the largest shipped network has some thousand."""

_MAX_ERRORS_A_PIECE = 20
_DECLARATION = re.compile(
    rf"^(?:[ \t]*(?:{'|'.join(KEYWORDS)})[ \t]+[A-Za-z_\"]|[A-Za-z_]\w*[ \t]+[A-Za-z_]\w*[ \t]*[={{(])", re.MULTILINE
)
_SETTING = re.compile(r"(?:^|(?<=[\s{]))[A-Za-z_][A-Za-z0-9_]*[ \t]*=(?!>)", re.MULTILINE)


@cache
def _lark() -> Lark:
    grammar = resources.files("retdsl.syntax").joinpath("grammar.lark").read_text("utf-8")
    return Lark(grammar, parser="lalr", start=["start", "value"], propagate_positions=True, maybe_placeholders=True)


def parse(source: Source, out: Diagnostics) -> t.File:
    """The declarations of `source`; what cannot be understood is reported to `out` and left out."""
    if len(source.text) > MAX_SIZE:
        out.report("R105", f"the file has {len(source.text)} characters, more than {MAX_SIZE}", Span(source, 0, 0))
        return t.File(source, ())
    depth, where = nesting(source.text)
    if depth > MAX_NESTING:
        span = Span(source, where, where + 1)
        out.report("R105", f"brackets are nested {depth} deep", span, helps=[f"no study needs more than {MAX_NESTING}"])
        return t.File(source, ())
    try:
        return t.File(source, _build(_lark().parse(source.text, start="start"), source, 0, out))
    except UnexpectedInput:
        declarations: list[t.Declaration] = []
        starts = [found.start() for found in _DECLARATION.finditer(source.text)]
        edges = [0, *(start for start in starts if start > 0), len(source.text)]
        for start, end in pairwise(edges):
            declarations += _parse_piece(source, start, end, out)
        return t.File(source, tuple(declarations))


def parse_value(text: str, name: str, out: Diagnostics) -> t.Expr | None:
    """A single expression that is not in a file (`--set KEY=VALUE`); `name` is what messages call the text."""
    source = Source(name, text)
    depth, where = nesting(text)
    if depth > MAX_NESTING:
        out.report("R105", f"brackets are nested {depth} deep", Span(source, where, where + 1))
        return None
    try:
        tree = _lark().parse(text, start="value")
    except UnexpectedInput as error:
        report_syntax_error(error, source, 0, len(text), out)
        return None
    value: t.Expr = _build(tree, source, 0, out)
    return value


def _parse_piece(source: Source, start: int, end: int, out: Diagnostics) -> tuple[t.Declaration, ...]:
    text = source.text[start:end]
    for _ in range(_MAX_ERRORS_A_PIECE):
        try:
            built: tuple[t.Declaration, ...] = _build(_lark().parse(text, start="start"), source, start, out)
            return built
        except UnexpectedInput as error:
            blamed = report_syntax_error(error, source, start, end, out)
        blanked = _without_setting(text, blamed.start - start, blamed.stop - start)
        if blanked is None:
            break
        text = blanked
    return ()


def _without_setting(text: str, offset: int, end: int) -> str | None:
    """The piece with the setting around `offset` blanked out up to `end` at least, if it is a block of settings."""
    header = re.match(r"\s*(?:data|train)\b[^{]*\{", text)
    if header is None or offset < header.end():
        return None
    starts = [found.start() for found in _SETTING.finditer(text, header.end()) if _depth(text, found.start()) == 1]
    before = [start for start in starts if start <= offset]
    if not before:
        return None
    after = [start for start in starts if start >= end and start > before[-1]]
    stop = end if end > offset + 1 else after[0] if after else text.rfind("}")
    if stop <= before[-1]:
        return None
    hole = re.sub(r"\S", " ", text[before[-1] : stop])
    return text[: before[-1]] + hole + text[stop:]


def _depth(text: str, end: int) -> int:
    depth = 0
    for found in re.finditer(r'"(?:\\.|[^"\\\n])*"|#[^\n]*|[][(){}]', text[:end]):
        depth += {"{": 1, "(": 1, "[": 1, "}": -1, ")": -1, "]": -1}.get(found.group(), 0)
    return depth


def _build(tree: Tree[Token], source: Source, base: int, out: Diagnostics) -> Any:
    def interpolate(inner: str, offset: int) -> t.Expr | None:
        try:
            parsed = _lark().parse(inner, start="value")
        except UnexpectedInput:
            span = Span(source, offset, offset + len(inner))
            help_text = 'write a parameter\'s name or small arithmetic, as in "unit{i + 1}"; `{{` is a brace'
            out.report("R106", f"`{{{inner}}}` is not an expression", Label(span), helps=[help_text])
            return None
        built: t.Expr = _build(parsed, source, offset, out)
        return built

    return TreeBuilder(source, base, interpolate).transform(tree)

"""Source in, `File` and diagnostics out. Never raises for any text, and reports every mistake it can separate.

A text without mistakes is parsed in one go. Otherwise it is cut where declarations begin, and each piece is parsed
alone. In a piece, a mistake whose cure is plain (a missing comma, `->` for `=>`) is repaired and the piece parsed
again; else the setting around it becomes `Illegible`, or the whole declaration `IllegibleDeclaration`. So one slip
hides neither the other slips nor the declarations around it, and what refers to them is not blamed.

All repairs and holes are as long as what they replace, so that every offset stays true.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Any

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput

from retdsl.diagnostics import Diagnostics
from retdsl.source import Source, Span
from retdsl.syntax import tree as t
from retdsl.syntax.build import TreeBuilder
from retdsl.syntax.errors import report_syntax_error
from retdsl.syntax.slip import Mistake
from retdsl.syntax.text import DECLARATION_NAME, KEYWORDS, Piece, declaration_starts, nesting, setting_starts

MAX_NESTING = 40
"""Brackets within brackets; real studies stay below 10. Keeps every walk of a tree far from Python's limit."""

MAX_SIZE = 300_000
"""Characters in a file; the largest shipped network has some thousand."""

MAX_MISTAKES = 20
"""Mistakes of one declaration that are looked for."""


_STARTS_WITH_KEYWORD = re.compile(rf"\s*(?:{'|'.join(KEYWORDS)})\b")


@cache
def _lark() -> Lark:
    grammar = resources.files("retdsl.syntax").joinpath("grammar.lark").read_text("utf-8")
    return Lark(grammar, parser="lalr", start=["start", "value"], propagate_positions=True, maybe_placeholders=True)


def parse(source: Source, out: Diagnostics) -> t.File:
    """The declarations of `source`; what cannot be understood is reported to `out` and marked as illegible."""
    if len(source.text) > MAX_SIZE:
        out.report("R105", f"the file has {len(source.text)} characters, more than {MAX_SIZE}", Span(source, 0, 0))
        return t.File(source, ())
    if _too_deep(source, 0, source.text, out):
        return t.File(source, ())
    try:
        return t.File(source, _build(_lark().parse(source.text, start="start"), source, 0, out))
    except UnexpectedInput:
        edges = [0, *(start for start in declaration_starts(source.text) if start > 0), len(source.text)]
        pieces = (Piece(source, start, source.text[start:end]) for start, end in pairwise(edges))
        return t.File(source, tuple(found for piece in pieces for found in _declarations(piece, out)))


def parse_value(text: str, name: str, out: Diagnostics) -> t.Expr | None:
    """A single expression that is not in a file (`--set KEY=VALUE`); `name` is what messages call the text."""
    source = Source(name, text)
    if _too_deep(source, 0, text, out):
        return None
    try:
        tree = _lark().parse(text, start="value")
    except UnexpectedInput as error:
        report_syntax_error(error, Piece(source, 0, text), out)
        return None
    value: t.Expr = _build(tree, source, 0, out)
    return value


def _too_deep(source: Source, base: int, text: str, out: Diagnostics) -> bool:
    depth, where = nesting(text)
    if depth <= MAX_NESTING:
        return False
    span = Span(source, base + where, base + where + 1)
    out.report("R105", f"brackets are nested {depth} deep", span, helps=[f"no study needs more than {MAX_NESTING}"])
    return True


def _declarations(piece: Piece, out: Diagnostics) -> Sequence[t.Declaration]:
    """What a piece of a broken file declares."""
    whole = piece
    illegible: list[t.Setting] = []
    for _ in range(MAX_MISTAKES):
        try:
            declared: Sequence[t.Declaration] = _build(
                _lark().parse(piece.text, start="start"), piece.source, piece.base, out
            )
            return [_with_settings(declaration, illegible) for declaration in declared]
        except UnexpectedInput as error:
            mistake = report_syntax_error(error, piece, out)
        if mistake.repair is not None:
            piece = piece.patched(mistake.repair.start, mistake.repair.text)
            continue
        hole = _setting_around(piece, mistake)
        if hole is None:
            break
        start, end = hole
        illegible.append(_illegible(piece, start, end))
        piece = piece.patched(start, re.sub(r"\S", " ", piece.text[start:end]))
    named = DECLARATION_NAME.match(whole.text)
    if named is None:  # of a declaration without a name there may be anything
        nameless = t.Ident(whole.span(0, 0), "")
        return [t.IllegibleDeclaration(nameless.span, nameless)] if _STARTS_WITH_KEYWORD.match(whole.text) else []
    name = t.Ident(whole.span(*named.span("name")), named["name"])
    return [t.IllegibleDeclaration(name.span, name)]


def _with_settings(declaration: t.Declaration, more: Sequence[t.Setting]) -> t.Declaration:
    if isinstance(declaration, t.Data | t.Train):
        return replace(declaration, settings=(*declaration.settings, *more))
    return declaration


def _illegible(piece: Piece, start: int, end: int) -> t.Setting:
    key, _, _ = piece.text[start:end].partition("=")
    ident = t.Ident(piece.span(start, start + len(key.rstrip())), key.strip())
    return t.Setting(ident.span, ident, t.Illegible(ident.span))


def _setting_around(piece: Piece, mistake: Mistake) -> tuple[int, int] | None:
    """From where to where the setting with the mistake reaches, in a piece that is a block of settings."""
    starts = list(setting_starts(piece.text))
    before = [start for start in starts if start <= mistake.start]
    if not before:
        return None
    after = [start for start in starts if start > mistake.start]
    end = mistake.end if mistake.end is not None else after[0] if after else piece.text.rfind("}")
    return (before[-1], end) if end > before[-1] else None


def _build(tree: Tree[Token], source: Source, base: int, out: Diagnostics) -> Any:
    def interpolate(inner: str | None, start: int, end: int) -> t.Expr:
        illegible = t.Illegible(Span(source, start, end))
        if inner is None:
            span = Span(source, start - 1, start)
            out.report("R106", "`{` is not closed in this text", span, helps=["`}` closes it; `{{` is a brace"])
            return illegible
        if _too_deep(source, start, inner, out):
            return illegible
        try:
            parsed = _lark().parse(inner, start="value")
        except UnexpectedInput:
            helps = ['write a parameter\'s name or small arithmetic, as in "unit{i + 1}"; `{{` is a brace']
            out.report("R106", f"`{{{inner}}}` is not an expression", illegible.span, helps=helps)
            return illegible
        built: t.Expr = _build(parsed, source, start, out)
        return built

    return TreeBuilder(source, base, interpolate).transform(tree)

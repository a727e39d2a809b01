"""What is legible in a text with mistakes: every mistake that can be separated is told, and all else is parsed.

The text is cut where declarations begin, and each piece is parsed alone. In a piece, a mistake whose cure is plain (a
missing comma, `->` for `=>`) is repaired and the piece parsed again; else the setting around it becomes `Illegible`, or
the whole declaration `IllegibleDeclaration`. So one slip hides neither the other slips nor the declarations around it,
and what refers to them is not blamed.

All repairs and holes are as long as what they replace, so that every offset stays true.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from retdsl.diagnostics import Diagnostics
from retdsl.records import replace
from retdsl.source import Source
from retdsl.syntax import tree as t
from retdsl.syntax.build import TOO_DEEP, build
from retdsl.syntax.errors import report_syntax_error
from retdsl.syntax.reading import TooDeep, Unexpected
from retdsl.syntax.slip import Mistake
from retdsl.syntax.text import DECLARATION_NAME, KEYWORDS, Piece, declaration_starts, setting_starts

MAX_MISTAKES = 20
"""Mistakes of one declaration that are looked for."""

MAX_PARSED = 2_000_000
"""Characters that may be parsed again for the mistakes of one declaration: in a huge one, fewer mistakes are found."""

_STARTS_WITH_KEYWORD = re.compile(rf"\s*(?:{'|'.join(KEYWORDS)})\b")


def legible_declarations(source: Source, out: Diagnostics) -> tuple[t.Declaration, ...]:
    """The declarations of a text with mistakes, which are reported."""
    edges = [0, *(start for start in declaration_starts(source.text) if start > 0), len(source.text)]
    pieces = (Piece(source, start, source.text[start:end]) for start, end in pairwise(edges))
    return tuple(found for piece in pieces for found in _declarations(piece, out))


def _declarations(piece: Piece, out: Diagnostics) -> Sequence[t.Declaration]:
    """What a piece of a broken file declares."""
    whole = piece
    illegible: list[t.Setting] = []
    for _ in range(max(2, min(MAX_MISTAKES, MAX_PARSED // (len(piece.text) + 1)))):
        try:
            declared: Sequence[t.Declaration] = build(piece.source, piece.base, piece.text, "start", out)
            return [_with_settings(declaration, illegible) for declaration in declared]
        except TooDeep as error:
            message, help = TOO_DEEP
            out.report("R105", message, piece.span(error.start, error.start + 1), helps=[help])
            break
        except Unexpected as error:
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
    if isinstance(declaration, t.Data | t.Train | t.Ensemble):
        return replace(declaration, settings=(*declaration.settings, *more))
    return declaration


def _illegible(piece: Piece, start: int, end: int) -> t.Setting:
    key = re.split(r"[(=]", piece.text[start:end], maxsplit=1)[0]
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

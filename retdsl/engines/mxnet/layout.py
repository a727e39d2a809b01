"""Lines of Python with comments that lead back to the spec, laid out in two columns."""

from __future__ import annotations

import re
from collections.abc import Iterable

from retdsl.ir import Place
from retdsl.records import dataclass

COMMENT_COLUMN = 88
"""Where comments start, if the code before is not longer."""

WIDTH = 112
"""Columns of code, comments apart."""

_OPENS = re.compile(r"[\w.=]*\(")
"""How an argument begins that can be broken at its parentheses."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of code, and what its comment says; `gap` asks for an empty line before it."""

    code: str
    comment: str = ""
    gap: bool = False


class Places:
    """Comments that point to the spec: the file is named when it changes, later lines only by number."""

    def __init__(self) -> None:
        self._file = ""

    def __call__(self, place: Place | None, more: str = "") -> str:
        if place is None:
            return more.strip()
        name = "" if place.file == self._file else one_line(place.file)
        self._file = place.file
        return f"{name}:{place.line}" + (f"   {more}" if more else "")


def one_line(text: str) -> str:
    """`text` as it may stand in a comment or a docstring: names in specs and of files may hold anything."""
    plain = "".join(character if character.isprintable() else "?" for character in text)
    return plain.replace("\\", "/").replace('"', "'")


def laid_out(lines: Iterable[Line], indent: int) -> str:
    """Lines with their comments in one column; a call that reaches into that column is broken at its parentheses."""
    out: list[str] = []
    for line in lines:
        if line.gap and out:
            out.append("")
        margin = " " * (indent + len(line.code) - len(line.code.lstrip()))
        code = margin + line.code.lstrip()
        rest: list[str] = []
        opened, closed = code.find("("), max(code.rfind(")"), 0)
        if len(code) > COMMENT_COLUMN and 0 < opened < closed:
            inside = filled(code[opened + 1 : closed], WIDTH - len(margin) - 4)
            code, rest = code[: opened + 1], [*(f"{margin}    {row}" for row in inside), margin + code[closed:]]
        if not line.comment:
            out.append(code)
        elif not line.code:
            out.append(f"{margin}# {line.comment}")
        else:
            out.append(f"{code:<{COMMENT_COLUMN}}  # {line.comment}")
        out += rest
    return "\n".join(out)


def filled(arguments: str, width: int) -> list[str]:
    """Arguments of a call in rows of at most `width` characters, broken only between arguments, and those of a call or
    a list among them that is longer itself.
    """
    rows = [""]
    for piece in filter(None, _pieces(arguments)):
        opened = _OPENS.match(piece)
        if len(piece) > width and opened is not None:
            closed = piece.rindex(")")
            inside = (f"    {row}" for row in filled(piece[opened.end() : closed], width - 4))
            rows = [*filter(None, rows), piece[: opened.end()], *inside, piece[closed:]]
            continue
        if rows[-1] and len(rows[-1]) + 1 + len(piece) > width:
            rows.append("")
        rows[-1] = f"{rows[-1]} {piece}".lstrip()
    return [row for row in rows if row]


def _pieces(arguments: str) -> list[str]:
    """The arguments of a call one by one, each with its comma."""
    depth, quote, escaped, start = 0, "", False, 0
    pieces: list[str] = []
    for i, character in enumerate(arguments):
        if escaped:
            escaped = False
        elif quote:
            escaped = character == "\\"
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character == "," and depth == 0:
            pieces.append(arguments[start : i + 1].strip())
            start = i + 1
        else:
            depth += (character in "([{") - (character in ")]}")
    return [*pieces, arguments[start:].strip()]

"""Source in, `File` and diagnostics out. Never raises for any text, and reports every mistake it can separate.

A text without mistakes is parsed in one go. What becomes of any other is told in `retdsl.syntax.recovery`.
"""

from __future__ import annotations

from retdsl.diagnostics import Diagnostics
from retdsl.source import Source, Span
from retdsl.syntax import tree as t
from retdsl.syntax.build import MAX_NESTING as MAX_NESTING
from retdsl.syntax.build import TOO_DEEP, build
from retdsl.syntax.reading import TooDeep, Unexpected

MAX_SIZE = 2_000_000
"""Characters in a file, and in all files that one uses; the largest network of the zoo has some thousand. Text of this
length takes seconds, and a quarter of a gigabyte, to check.
"""


def parse(source: Source, out: Diagnostics) -> t.File:
    """The declarations of `source`; what cannot be understood is reported to `out` and marked as illegible."""
    if len(source.text) > MAX_SIZE:
        text = f"the file has {len(source.text):,} characters, more than {MAX_SIZE:,}"
        out.report("R107", text, Span(source, 0, 0), helps=["divide it: `use` brings other files in"])
        return t.File(source, ())
    try:
        return t.File(source, build(source, 0, source.text, "start", out))
    except (Unexpected, TooDeep):
        from retdsl.syntax.recovery import legible_declarations  # most texts need none of it

        return t.File(source, legible_declarations(source, out))


def parse_value(text: str, name: str, out: Diagnostics) -> t.Expr | None:
    """A single expression that is not in a file (`--set KEY=VALUE`); `name` is what messages call the text."""
    source = Source(name, text)
    try:
        value: t.Expr = build(source, 0, text, "value", out)
        return value
    except TooDeep as error:
        message, help = TOO_DEEP
        out.report("R105", message, Span(source, error.start, error.start + 1), helps=[help])
    except Unexpected as error:
        from retdsl.syntax.errors import report_syntax_error
        from retdsl.syntax.text import Piece

        report_syntax_error(error, Piece(source, 0, text), out)
    return None

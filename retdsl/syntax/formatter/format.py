"""A source in, its text in canonical layout out. Nothing is lost: words and comments are compared before it leaves."""

from __future__ import annotations

from retdsl.diagnostics import Diagnostics
from retdsl.source import Source, Span
from retdsl.syntax import tree as t
from retdsl.syntax.formatter.columns import Declared, align_comments, align_declarations, joined, set_apart
from retdsl.syntax.formatter.document import Printer
from retdsl.syntax.formatter.layout import Layout
from retdsl.syntax.formatter.tokens import essence, tokens
from retdsl.syntax.parser import MAX_SIZE, parse


class FormatDefect(Exception):
    """The formatter would have changed what a text says; the text is left as it is."""


def format_source(source: Source, out: Diagnostics) -> str | None:
    """The text of a source in canonical layout, with `\\n` at the end of every line.

    None if the source has syntax errors, which go to `out`. Raises FormatDefect if layout and source do not say the
    same, which is a defect of this package.
    """
    file = parse(source, out)
    if out.errors:
        return None
    text = _laid_out(file)
    if len(text) > MAX_SIZE:
        what = f"in canonical layout the file has {len(text):,} characters, more than {MAX_SIZE:,}"
        out.report("R107", what, Span(source, 0, 0), helps=["divide it: `use` brings other files in"])
        return None
    again = Diagnostics()
    if essence(text) != essence(source.text) or parse(Source(source.name, text), again) != file or again.errors:
        raise FormatDefect(f"the layout of {source.name} does not say what {source.name} says")
    return text


def _laid_out(file: t.File) -> str:
    layout = Layout(tokens(file.source.text))
    printer = Printer()
    declared: list[Declared] = []
    for declaration in file.declarations:
        first = len(printer.lines)
        printer.write(layout.declaration(declaration))
        while printer.lines[first].is_comment or not printer.lines[first].text:
            first += 1
        kind = type(declaration).__name__ + (" from" if isinstance(declaration, t.Train) and declaration.parent else "")
        declared.append(Declared(kind, first, len(printer.lines) - 1))
    printer.write(layout.end())
    align_declarations(printer.lines, declared)
    set_apart(printer.lines, declared)
    align_comments(printer.lines)
    return joined(printer.lines)

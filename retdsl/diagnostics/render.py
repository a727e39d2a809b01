"""Messages for people: where, what, why and what to do, with the source line at hand.

Enters: diagnostics. Leaves: text like this, and one line at the end that counts errors and warnings and names the codes
that `retdsl explain` tells more about.

    error[R302]: `Convolution` has no option `strde`
     --> screening.retina:14:58
       |
    14 |     => Convolution(num_filter = 64, kernel = (7, 7), strde = (2, 2))
       |                                                      ^^^^^ not an option of `Convolution`
       |
       = note: `Convolution` takes num_filter, kernel, stride, pad, dilate, num_group, no_bias, name
       = help: did you mean `stride`?

Guaranteed: never raises, whatever the spans and texts are; no row ends in blanks; without colour nothing but the
standard library is needed.
"""

from __future__ import annotations

from collections.abc import Iterable

from retdsl.diagnostics.measure import ELLIPSIS, printable, printable_lines, text_width
from retdsl.diagnostics.model import Diagnostic, Label
from retdsl.diagnostics.snippet import LEAST_ROOM, Row, bare, draw, gutter_width
from retdsl.source import Source

MOST_CODES = 4
"""Codes that the last line names; who has more of them reads one after the other."""

STYLES = {
    "error": "bold red",
    "warning": "yellow",
    "message": "bold",
    "gutter": "bright_blue",
    "secondary": "bright_blue",
    "note": "bold",
    "help": "cyan",
    "title": "bold",
    "dim": "dim",
    "a": "red",
    "b": "green",
    "right": "bold green",
}
"""What each style name looks like, in rich's words."""


def render_text(
    diagnostics: Iterable[Diagnostic], colour: bool = False, columns: int | None = None, most: int | None = None
) -> str:
    """All messages and the count, without a line break at the end; empty for no messages.

    colour: ANSI colours for a terminal. columns: its width, so that source lines are cut and sentences wrapped to fit.
    Whether there is one, and whether its user wants colour, the caller knows. most: how many messages are shown in
    full, all without it; the others are counted.
    """
    return paint(render_rows(diagnostics, columns, most), colour)


def render_one(item: Diagnostic) -> str:
    """One message alone, without colour and count."""
    return paint([_stripped(row) for row in _diagnostic(item)])


def paint(rows: Iterable[Row], colour: bool = False) -> str:
    """Rows of `(text, style name)` as text."""
    if colour:
        return "\n".join(_ansi(row) for row in rows)
    return "\n".join("".join(text for text, _ in row) for row in rows)


def render_rows(diagnostics: Iterable[Diagnostic], columns: int | None = None, most: int | None = None) -> list[Row]:
    """The same as rows of `(text, style name)`; the names are the keys of `STYLES`, or empty for plain text."""
    items = list(diagnostics)
    rows: list[Row] = []
    for item in items[:most]:
        rows += [*_diagnostic(item, columns), []]
    if most is not None and len(items) > most:
        rows += [[(f"{ELLIPSIS} and {len(items) - most} more, which `--format json` lists", "")], []]
    if items:
        rows.append(_summary(items))
    return [_stripped(row) for row in rows]


def _diagnostic(item: Diagnostic, columns: int | None = None) -> list[Row]:
    gutter = gutter_width(item.labels)
    rows = _paragraph(
        [(f"{item.severity}[{item.code}]", item.severity), (": ", "message")], item.message, "message", columns
    )
    subject = item.labels[0] if item.labels else None
    for source, labels in _by_source(item.labels):
        arrow = "-->" if source is item.labels[0].span.source else ":::"
        if arrow == ":::":
            rows.append(bare(gutter))
        line, column = source.position(labels[0].span.start)
        rows.append([(" " * (gutter - 1) + arrow, "gutter"), (f" {printable(source.name)}:{line}:{column}", "")])
        rows += [bare(gutter), *draw(source, labels, subject, item.severity, gutter, columns)]
    if item.labels and (item.notes or item.helps):
        rows.append(bare(gutter))
    for kind, texts in (("note", item.notes), ("help", item.helps)):
        for text in texts:
            rows += _paragraph([(" " * gutter + " = ", "gutter"), (kind, kind), (": ", "")], text, "", columns)
    return rows


def _by_source(labels: Iterable[Label]) -> list[tuple[Source, list[Label]]]:
    """The labels of each source, sources in order of first mention."""
    groups: list[tuple[Source, list[Label]]] = []
    for label in labels:
        for source, group in groups:
            if source == label.span.source:
                group.append(label)
                break
        else:
            groups.append((label.span.source, [label]))
    return groups


def _paragraph(head: Row, text: str, style: str, columns: int | None) -> list[Row]:
    """A text after its head; its further lines are indented to stand under the first."""
    indent = sum(len(piece) for piece, _ in head)
    room = None if columns is None else max(LEAST_ROOM, columns - indent)
    first, *others = [part for line in printable_lines(text) for part in _wrapped(line, room)]
    return [[*head, (first, style)], *([(" " * indent + line, style)] for line in others)]


def _wrapped(line: str, room: int | None) -> list[str]:
    """A line in parts that fit, broken at blanks; one word that is too long stays whole."""
    if room is None or text_width(line) <= room:
        return [line]
    parts: list[str] = [""]
    for word in line.split(" "):
        longer = f"{parts[-1]} {word}" if parts[-1] else word
        if parts[-1] and text_width(longer) > room:
            parts.append(word)
        else:
            parts[-1] = longer
    return parts


def _summary(items: list[Diagnostic]) -> Row:
    row: Row = []
    for severity in ("error", "warning"):
        count = sum(item.severity == severity for item in items)
        if count:
            row += [(", ", "")] if row else []
            row.append((f"{count} {severity}{'s' if count > 1 else ''}", severity))
    codes = sorted({item.code for item in items})
    asked = " ".join(codes) if len(codes) <= MOST_CODES else "CODE"
    return [*row, (f"; `retdsl explain {asked}` tells more", "")]


def _stripped(row: Row) -> Row:
    """The row without blanks at its end."""
    while row and not row[-1][0].rstrip():
        row = row[:-1]
    return [*row[:-1], (row[-1][0].rstrip(), row[-1][1])] if row else row


def _ansi(row: Row) -> str:
    from rich.color import ColorSystem  # costs more than all the rest, and most output is read by programs
    from rich.style import Style

    return "".join(
        Style.parse(STYLES[style]).render(text, color_system=ColorSystem.STANDARD) if style else text
        for text, style in row
    )

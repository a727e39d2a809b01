"""What commands say to people, and the exit codes they leave with."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TextIO

from retdsl.diagnostics import Diagnostic

SHOWN = 100
"""Messages that are printed as text at once."""

DONE, WRONG, USAGE, DEFECT, INTERRUPTED = 0, 1, 2, 70, 130


def say(text: str) -> None:
    """Prints for people."""
    print(text, file=sys.stderr, flush=True)


def say_wrapped(text: str) -> None:
    """Prints for people, on a terminal with lines broken between words, and what goes on below where its line began."""
    if not sys.stderr.isatty():
        say(text)
        return
    import re
    import textwrap
    from shutil import get_terminal_size

    columns, lines = get_terminal_size().columns, []
    for line in text.splitlines():
        begins = re.match(r"\s*(error: |- |= \w+: )?", line)
        indent = " " * (begins.end() if begins and begins.end() < columns // 2 else 0)
        path = line.lstrip().startswith("--> ")  # stays whole: people copy it
        within = textwrap.TextWrapper(columns, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
        lines += [line] if path or not line else within.wrap(line)
    say("\n".join(lines))


def say_diagnostics(messages: Iterable[Diagnostic]) -> None:
    """Prints messages as text, in colour where a terminal shows it and its user has nothing against it, and as wide as
    the terminal is.

    Of very many only the first are shown: whoever has made that many mends some and checks again.
    """
    from retdsl.diagnostics.render import render_text

    columns = None
    if sys.stderr.isatty():
        from shutil import get_terminal_size

        columns = get_terminal_size().columns
    say(render_text(messages, colour_wanted(), columns, most=SHOWN))


def colour_wanted(stream: TextIO | None = None) -> bool:
    """Whether a stream (stderr unless said) is a terminal with colours. NO_COLOR (https://no-color.org) goes before
    FORCE_COLOR.
    """
    if os.environ.get("NO_COLOR"):
        return False
    forced = os.environ.get("FORCE_COLOR", "0") not in ("", "0")
    return forced or ((stream or sys.stderr).isatty() and os.environ.get("TERM") != "dumb")


def print_table(title: str, rows: Sequence[dict[str, str]], *, heads: bool = True) -> None:
    """A table for people; all rows have the keys of the first."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=heads, title=title or None, title_justify="left")
    for column in rows[0]:
        table.add_column(column.replace("_", " "))
    for row in rows:
        table.add_row(*row.values())
    console = Console(stderr=True)
    with console.capture() as printed:
        console.print(table)
    say("\n".join(line.rstrip() for line in printed.get().splitlines()))

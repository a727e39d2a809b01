"""What `check --verbose` adds: every experiment written out, with the origin of each key, and what its network sees."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from retdsl.account.classes import measured_section, seen_section
from retdsl.account.ensembles import ensemble_lines
from retdsl.account.epochs import epochs_section
from retdsl.account.inputs import input_section
from retdsl.account.keys import as_json, written_out
from retdsl.account.section import Section
from retdsl.account.trained import trained_section
from retdsl.commands.terminal import colour_wanted, say
from retdsl.compiler import Checked
from retdsl.diagnostics.measure import printable, width
from retdsl.diagnostics.render import paint
from retdsl.diagnostics.snippet import Row
from retdsl.ir import Experiment, to_json

WIDTH = 80
"""Columns of what is said."""


def say_accounts(specs: Sequence[Checked]) -> None:
    """Prints the experiments of checked specs, an empty line before each. A table that an earlier experiment of its
    spec has already is only referred to.
    """
    for spec in specs:
        told: dict[Section, str] = {}
        for experiment in _experiments(spec):
            rows: list[Row] = [[(code, ""), (comment, "dim")] for code, comment in written_out(experiment)]
            for section in _sections(experiment, spec):
                first = told.setdefault(section, experiment.name)
                rows += section_rows(section, None if first == experiment.name else first)
            say("\n" + paint(rows, colour_wanted()))
        for code, comment in ensemble_lines(spec.program) if spec.program else ():
            say("\n" + paint([[(code, ""), (comment, "dim")]], colour_wanted()))


def accounts_json(specs: Sequence[Checked]) -> list[dict[str, Any]]:
    """The same for a program to read: `file` and `name` of each experiment, its `keys`, and each table's numbers."""
    return [
        {
            "file": spec.program.file,
            **as_json(experiment),
            **{s.key: to_json(s.data) for s in _sections(experiment, spec)},
        }
        for spec in specs
        if spec.program is not None
        for experiment in spec.program.experiments
    ]


def _sections(experiment: Experiment, spec: Checked) -> tuple[Section, ...]:
    """All that is told of an experiment besides its keys, in the order in which it is shown."""
    counts = spec.counts.get(experiment.data.name)
    return (
        trained_section(experiment),
        input_section(experiment),
        seen_section(experiment, counts),
        epochs_section(experiment, counts),
        measured_section(experiment, counts),
    )


def section_rows(section: Section, like: str | None = None) -> Iterator[Row]:
    """A titled table, names at its left, numbers at its right, its notes below; nothing if there are neither rows nor
    notes. like: the experiment that has the same table, if it was shown.
    """
    if not section.rows and not section.notes:
        return
    yield []
    if like is not None:
        yield [(f"  {section.title}", "message"), (f": as for {like}", "")]
        return
    yield [(f"  {section.title}", "message")]
    table = [[printable(cell) for cell in cells] for cells in (section.columns, *section.rows) if section.rows]
    widths = [max(_width(cells[at]) for cells in table) for at in range(len(section.columns))] if table else []
    for number, (name, *cells) in enumerate(table):
        padded = [name + " " * (widths[0] - _width(name))]
        padded += [" " * (room - _width(cell)) + cell for cell, room in zip(cells, widths[1:], strict=True)]
        yield [(("    " + "   ".join(padded)).rstrip(), "" if number else "dim")]
    for note in section.notes:
        yield from (
            [(line, "")] for line in textwrap.wrap(note, WIDTH, initial_indent="    ", subsequent_indent="    ")
        )


def _width(text: str) -> int:
    return sum(map(width, text))


def _experiments(spec: Checked) -> tuple[Experiment, ...]:
    return spec.program.experiments if spec.program else ()

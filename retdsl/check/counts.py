"""What is wrong with the photographs of a data block, and with what the spec says of their number.

Enters: the plan of a data block, and what reading its labels and photographs found, if they were read. Leaves: R605,
R606, R607 and R617, at the block's source and at its counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from retdsl.balance.counts import SIDES, Reading, known_counts, shares_of
from retdsl.diagnostics import Diagnostics, Fix, Label
from retdsl.ir import DataPlan, Value
from retdsl.source import Span

SHOWN_ITEMS = 10
"""How many cases of one problem with the data are written out; the rest is counted."""

MOST_EYES = 2
"""Photographs that a patient may have of one class, for all that is known without reading the labels."""


def check_counts(
    data: DataPlan, source: Span, counts: Span, files: Mapping[str, Span], reading: Reading | None, out: Diagnostics
) -> None:
    """Reports what is wrong with the photographs, and with what the spec says of their number.

    source, counts: where the data block says them. files: where it names each of its tables and folders.
    """
    for problem in reading.problems if reading else ():
        shown = [*problem.items[:SHOWN_ITEMS]]
        if len(problem.items) > SHOWN_ITEMS:
            shown.append(f"... and {len(problem.items) - SHOWN_ITEMS} more")
        notes = ["\n".join(shown)] if shown else []
        span = files.get(re.sub(r":\d+$", "", problem.where or ""), source)
        place = Label(span, f"in {problem.where}" if problem.where else "")
        code = "R617" if problem.severity == "warning" else "R605"
        out.report(code, problem.message, place, notes=notes, helps=problem.helps)
    if data.counts is None:
        return
    known = known_counts(data, reading)
    if known is None:  # nobody knows on which sides they are
        return
    if known.origin == "given":
        _check_rare(data, counts, out)
    elif known.total != data.counts:
        told, found = _ratio(data.counts), _ratio(known.total)
        who = "the labels have" if known.exact else "`synthetic_fundus` paints"
        text = f"{who} {found} photographs, the spec says {told}"
        notes = [f"the classes are {', '.join(data.classes)}; messages go by {found}"]
        fix = Fix.at(counts, found, safe=True)
        helps = [f"write `counts = {found}`, or leave `counts` out"]
        out.report("R607", text, Label(counts, "given here"), Label(source), notes=notes, helps=helps, fixes=[fix])


def _check_rare(data: DataPlan, counts: Span, out: Diagnostics) -> None:
    """A class whose patients may be too few for the sides of the split."""
    shares = shares_of(data.split)
    assert data.counts is not None, "they are given"
    assert shares is not None, "their sides are known"
    sides = sum(share > 0 for share in shares)
    all_sides = "all three sides" if sides == len(SIDES) else "both sides"
    for name, number in zip(data.classes, data.counts, strict=True):
        if number > MOST_EYES * (sides - 1):
            continue
        have = "1 photograph" if number == 1 else f"{number} photographs"
        text = f"{have} of `{name}` cannot be on {all_sides} of the split"
        notes = ["every side needs every class: training, validation and test mean nothing without it"]
        if number >= sides:
            text = f"{have} of `{name}` may not be on {all_sides} of the split"
            notes = ["they may be the eyes of two patients, who cannot be on three sides; every side needs every class"]
            if sides < len(SIDES):
                notes = ["they may be the eyes of one patient, who is on one side; every side needs every class"]
        out.report("R606", text, Label(counts), notes=notes, helps=[f"add patients of the class `{name}`"])


def _ratio(counts: Iterable[Value]) -> str:
    """Counts as the language writes them: `315 : 5`."""
    return " : ".join(str(count) for count in counts)

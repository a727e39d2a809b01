"""What can be known of the sources of a data block from the spec alone: patients, expressions, painted classes, and
sources that are given twice.

Enters: the checked value of `source`, one call or a list of them, and what was written for it. Leaves: one call, that
of the source, or `joined` for several; messages stand at the source they are about.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import cast

from retdsl.check.options import Context, place_of
from retdsl.diagnostics import Label
from retdsl.ir import Call, Value
from retdsl.schema.sources import JOINED
from retdsl.source import Span
from retdsl.syntax import tree as t

BY_NUMBER = "id2"
"""What `patient` of `recordio` may be besides a regular expression."""

_EXAMPLES = {"csv": "patient = COLUMN", "folder": 'patient = "(p[0-9]+)_"', "recordio": "patient = id2"}


def check_sources(value: Value, written: t.Expr, classes: Sequence[str], named: Span, ctx: Context) -> Call:
    """The source of a data block. named: where the classes stand."""
    sources = cast("tuple[Call, ...]", value if isinstance(value, tuple) else (value,))
    items = _items(written)
    places = items if len(items) == len(sources) else [written] * len(sources)
    for source, place in zip(sources, places, strict=True):
        _check_patients(source, place, ctx)
        if source.name == "synthetic_fundus":
            _check_painted(source, place, classes, named, ctx)
    _check_once(sources, places, ctx)
    if len(sources) == 1:
        return sources[0]
    return Call(JOINED, (("sources", sources),), place_of(written.span))


def places_of_files(source: Call, written: t.Expr) -> dict[str, Span]:
    """Where the files and folders of a data block's sources are named. source: as `check_sources` gave it."""
    sources = cast("tuple[Call, ...]", source["sources"]) if source.name == JOINED else (source,)
    items = _items(written)
    places = items if len(items) == len(sources) else [written] * len(sources)
    named = (dict(each.options).get("path") for each in sources)
    return {path: place.span for path, place in zip(named, places, strict=True) if isinstance(path, str)}


def _items(written: t.Expr) -> Sequence[t.Expr]:
    while isinstance(written, t.Group):
        written = written.inner
    return written.items if isinstance(written, t.Listing) else [written]


def _option(written: t.Expr, name: str) -> Span:
    """Where an option stands in a call; the whole call if it is not written."""
    arguments = written.arguments if isinstance(written, t.Apply) else ()
    spans = [argument.value.span for argument in arguments if argument.name is not None and argument.name.name == name]
    return spans[0] if spans else written.span


def _check_patients(source: Call, written: t.Expr, ctx: Context) -> None:
    patient = dict(source.options).get("patient", BY_NUMBER)
    if patient is None:
        label = Label(written.span, "no `patient`")
        notes = ["two eyes of one patient look alike; on both sides of a split they make the figures too good"]
        helps = [f"name what tells patients apart, as in `{source.name}(..., {_EXAMPLES[source.name]})`"]
        ctx.out.report("R602", "photographs are split without knowing the patients", label, notes=notes, helps=helps)
    elif source.name == "folder" or (source.name == "recordio" and patient != BY_NUMBER):
        for problem, note in _faults(str(patient)):
            helps = ['the first group is the patient, as in `"(.+)_(left|right)"`']
            label = Label(_option(written, "patient"), problem)
            text = "`patient` does not say which part of a name is the patient"
            ctx.out.report("R609", text, label, notes=note, helps=helps)


def _faults(expression: str) -> Iterator[tuple[str, list[str]]]:
    """What is wrong with a regular expression that tells patients: in a word, and more about it."""
    try:
        if re.compile(expression).groups == 0:
            yield "has no group", []
    except re.error as error:
        where = "" if error.pos is None else f", at character {error.pos + 1}"
        yield "no regular expression", [f"{error.msg}{where}"]


def _check_painted(source: Call, written: t.Expr, classes: Sequence[str], named: Span, ctx: Context) -> None:
    """`synthetic_fundus` paints healthy and infected eyes, and nothing else."""
    if len(classes) > 2:
        text = f"`synthetic_fundus` paints two classes, and there are {len(classes)}"
        ctx.out.report("R603", text, Label(named), Label(written.span, "paints two"))
    if len(cast("tuple[Value, ...]", source["ratio"])) != 2:
        place = Label(_option(written, "ratio"))
        ctx.out.report("R303", "the ratio of `synthetic_fundus` has two parts, as `200 : 3`", place)


def _check_once(sources: Sequence[Call], places: Sequence[t.Expr], ctx: Context) -> None:
    """Two sources that list the same photographs, by the same path or by the same painter."""
    first: dict[tuple[str, Value], Span] = {}
    for source, place in zip(sources, places, strict=True):
        painted = source.name == "synthetic_fundus"
        known = source.name, None if painted else source["path"]
        if known in first:
            labels = Label(place.span, "given again"), Label(first[known], "first given here")
            notes = ["its patients are numbered from 0 each time: they would be the same persons"] if painted else []
            ctx.out.report("R610", "the same photographs are given twice", *labels, notes=notes)
        first.setdefault(known, place.span)

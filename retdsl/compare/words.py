"""A comparison in words, for people: what differs, under the experiments that have it, with the lines that say so.

    three_answers.retina and strict.retina: 3 differences

    in all 3 experiments
      split      seed 2016 -> 2017                                      :14 -> :12
      network    fc1: num_hidden 128 -> 256                             :24 -> :22
                 Dropout(p = 0.5) added between fc1 and relu1                  :23
                 165,250 -> 329,218 parameters

Enters: a comparison. Leaves: rows of `(text, style name)`. The numbers at the right are lines, of a's file and of b's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from retdsl.compare.model import Change, Comparison, Difference, Part, Sides
from retdsl.schema.data import DATA_KEYS
from retdsl.schema.ensembles import ENSEMBLE_KEYS
from retdsl.schema.training import TRAINING_SETTINGS

Segment: TypeAlias = "tuple[str, str]"
Row: TypeAlias = "list[Segment]"

MOST_SHOWN = 12
"""Differences of one key that are shown; of more, the first, and how many are left out."""

MOST_BESIDE = 24
"""Characters of places that stand beside the text; longer ones get a row of their own."""

MOST_NAMED = 3
"""Layers that are named one by one."""

KEYS = (
    *(option.name for option in DATA_KEYS.options if option.name != "counts"),
    *("sampling", "augment"),
    *("input", "network", "loss", "weights", "freeze", "names"),
    *("optimizer", "schedule", "epochs", "batch", *TRAINING_SETTINGS, "metrics", "checkpoint", "seed"),
    *(option.name for option in ENSEMBLE_KEYS.options),
)
"""In which order differences are told: the photographs, the network, the training, ensembles."""

WITH_ITS_CALL = frozenset({"image", "augment", "metrics", "loss"})
"""Keys of which it is not plain which call an option belongs to."""


def rows(comparison: Comparison, names: Sides, width: int = 80) -> list[Row]:
    """What differs, in rows of `width` columns, unless a single word is longer. names: what the sides are called."""
    return [*_head(comparison, names), *(row for part in comparison.parts for row in _part(part, comparison, width))]


def _head(comparison: Comparison, names: Sides) -> Iterator[Row]:
    both: Row = [(f"{names[0]} and {names[1]}: ", "title")]
    only_names = [d for part in comparison.parts for d in part.differences] if len(comparison.parts) == 1 else []
    if comparison.same:
        yield [*both, ("same program", "b")]
    elif comparison.count == 1 and only_names and only_names[0].kind == "renamed":
        yield [*both, (f"same network, {_renamed(only_names[0])}", "b")]
    else:
        yield [*both, (f"{comparison.count} difference{'s' * (comparison.count > 1)}", "")]
    if comparison.only_a or comparison.only_b or comparison.renamed:
        yield []
    for name, found, style in (names[0], comparison.only_a, "a"), (names[1], comparison.only_b, "b"):
        if found:
            what = f"experiment{'s' * (len(found) > 1)} " if comparison.of == "experiments" else ""
            yield [(f"only in {name}: {what}", ""), (_listed(found), style)]
    for pair in comparison.renamed:
        yield [("another name: experiment ", ""), *_arrow(*pair)]


def _part(part: Part, comparison: Comparison, width: int) -> Iterator[Row]:
    yield []
    compared = {*comparison.alike, *(pair for other in comparison.parts for pair in other.pairs)}
    if len(compared) > 1:
        everywhere = len(part.pairs) == len(compared)
        pairs = [x if x == y else f"{x} ({y})" for x, y in part.pairs]
        what = "experiments" if comparison.of == "experiments" else "declarations"
        yield [(f"in all {len(compared)} {what}" if everywhere else f"in {_listed(pairs)}", "title")]
    by_key: dict[str, list[Difference]] = {}
    for difference in sorted(part.differences, key=lambda found: KEYS.index(found.key)):
        by_key.setdefault(difference.key, []).append(difference)
    margin = max(10, *(len(key) for key in by_key)) + 4
    for key, found in by_key.items():
        head = f"  {key}".ljust(margin)
        for difference in found[:MOST_SHOWN]:
            yield from _laid_out(head, _said(difference), _places(difference, comparison), width)
            head = " " * margin
        if len(found) > MOST_SHOWN:
            more = f"and {len(found) - MOST_SHOWN} more; `--format json` has them all"
            yield [(head, ""), (more, "dim")]
        if key == "network" and part.parameters is not None:
            a, b = part.parameters
            yield [(" " * margin, ""), (f"{a:,} -> {b:,} parameters", "dim")]


def _said(difference: Difference) -> Row:
    """A difference in words."""
    layers = [one.b or one.a for one in difference.layers]
    names = _layers([names[0] for names in layers])
    match difference.kind:
        case "added" | "removed":
            [change] = difference.changes
            style, text = ("b", change.b) if difference.kind == "added" else ("a", change.a)
            return [(text or "", style), (f" {difference.kind}", ""), (_where(difference), "")]
        case "replaced":
            [change] = difference.changes
            return [*_changed(change), (_where(difference), "")]
        case "rewired" if not difference.what:
            return [("the layers are connected in another way", "")]
        case "renamed":
            return [(f"{_renamed(difference)}: ", ""), *_new_names(difference)]
        case "reordered":
            return [("in another order: ", ""), *_changed(difference.changes[0])]
        case _ if difference.key in ("weights", "freeze") and not difference.what:
            return _changed(difference.changes[0])
    what = names if layers else difference.what if difference.key in WITH_ITS_CALL else ""
    said: Row = [(f"{what}: ", "")] if what else []
    for at, change in enumerate(difference.changes):
        said += [(", ", "")] if at else []
        said += _changed(change)
    return said


def _changed(change: Change) -> Row:
    option = [(f"{change.option} ", "")] if change.option else []
    return [*option, *_arrow(change.a or "none", change.b or "none")]


def _arrow(a: str, b: str) -> Row:
    return [(a, "a"), (" -> ", ""), (b, "b")]


def _renamed(difference: Difference) -> str:
    count = len(difference.layers)
    return "1 layer has another name" if count == 1 else f"{count} layers have other names"


def _new_names(difference: Difference) -> Row:
    row: Row = []
    for at, one in enumerate(difference.layers[:MOST_NAMED]):
        same = one.a[0] == one.b[0]  # a checkpoint may call the parameters of a layer what it likes
        row += [(", ", "")] * (at > 0) + ([(f"parameters of {one.a[0]}", "")] if same else _arrow(one.a[0], one.b[0]))
    return [*row, (", ...", "")] if len(difference.layers) > MOST_NAMED else row


def _where(difference: Difference) -> str:
    """Where layers came or went: ` between fc1 and relu1`; empty for what is no layer."""
    if not difference.layers:
        return ""
    first = difference.layers[0]
    side = 1 if first.b else 0
    after, before = first.after[side], first.before[side]
    if not before or " " in before:
        where = f"after {after}"
    elif " " in after:
        where = f"before {before}"
    else:
        where = f"between {after} and {before}"
    count = len(difference.layers)
    return f" {where}" if count == 1 else f" in {count} places, the first {where}"


def _layers(names: Sequence[str]) -> str:
    """Layers by name; many by what their names have in common: `stage*_conv1 (16 layers)`."""
    if len(names) <= MOST_NAMED:
        return _listed(names)
    patterns = list(dict.fromkeys(re.sub(r"\d+", "*", name) for name in names))
    if len(patterns) > MOST_NAMED or any(pattern.endswith("*") for pattern in patterns):
        patterns = [f"{names[0]}, {names[1]} ... {names[-1]}"]
    return f"{', '.join(patterns)} ({len(names)} layers)"


def _listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else ""


def _places(difference: Difference, comparison: Comparison) -> str:
    """The lines: `:12 -> :14`, or one alone; with the file where it is not the one that was asked for."""
    shown = [
        "" if place is None else f":{place.line}" if place.file == file else str(place)
        for place, file in ((difference.place_a, comparison.a), (difference.place_b, comparison.b))
    ]
    return " -> ".join(dict.fromkeys(text for text in shown if text))


def _laid_out(head: str, said: Row, places: str, width: int) -> Iterator[Row]:
    """A head, what is said, broken between words, and the places at the right of the first row."""
    room = width - len(head)
    lines: list[Row] = [[]]
    beside = places if len(places) <= MOST_BESIDE else ""
    left = room - (len(beside) + 2 if beside else 0)
    for text, style in said:
        for piece in re.findall(r"\S+\s*|\s+", text):
            used = sum(len(old) for old, _ in lines[-1])
            if lines[-1] and used + len(piece.rstrip()) > left:
                lines.append([])
                left = room - 2
            lines[-1].append((piece, style))
    for at, line in enumerate(lines):
        line[-1] = line[-1][0].rstrip(), line[-1][1]
        begin = head if at == 0 else " " * (len(head) + 2)
        used = sum(len(text) for text, _ in line)
        end = [(" " * max(2, room - used - len(beside)), ""), (beside, "dim")] if beside and at == 0 else []
        yield [(begin, ""), *line, *end]
    if places and not beside:
        yield [(" " * max(len(head) + 2, width - len(places)), ""), (places, "dim")]

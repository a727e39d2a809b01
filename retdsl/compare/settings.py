"""Differences of values: of a call, of its options, of the steps of a chain, of a list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from retdsl.compare.align import align
from retdsl.compare.meaning import meant
from retdsl.compare.model import Change, Difference
from retdsl.ir import Call, Place, Value
from retdsl.schema import ENTRIES
from retdsl.schema.spelling import option_type, spell, spell_call
from retdsl.schema.types import Type


def call_difference(
    key: str, a: Call, b: Call, category: str, classes: tuple[int, int] = (2, 2)
) -> Iterator[Difference]:
    """How two calls of one category differ: in some options, or altogether. classes: how many each side has."""
    meant_a, meant_b = meant(a, classes[0]), meant(b, classes[1])
    if meant_a == meant_b:
        return
    if a.name != b.name:
        change = Change("", spell_call(a, category), spell_call(b, category))
        yield Difference(key, "", "changed", (change,), (), a.place, b.place)
        return
    entry = ENTRIES.get(category, {}).get(a.name)
    changes = []
    for option, value in meant_a.options:
        if meant_b[option] != value:
            kind = option_type(entry, option)
            changes.append(Change(option, spell(a[option], kind), spell(b[option], kind)))
    yield Difference(key, a.name, "changed", tuple(changes), (), a.place, b.place)


def optional_difference(
    key: str, what: str, a: Call | None, b: Call | None, category: str, classes: tuple[int, int] = (2, 2)
) -> Iterator[Difference]:
    """The same for calls that may be missing. what: says which one came or went."""
    if a is not None and b is not None:
        yield from call_difference(key, a, b, category, classes)
    elif a is not None:
        yield Difference(key, what, "removed", (Change("", spell_call(a, category), None),), (), a.place)
    elif b is not None:
        yield Difference(key, what, "added", (Change("", None, spell_call(b, category)),), (), None, b.place)


def value_difference(
    key: str, a: Value, b: Value, kind: Type | None, places: tuple[Place | None, Place | None]
) -> Iterator[Difference]:
    """How two values differ that are nothing but themselves."""
    if a != b:
        yield Difference(key, "", "changed", (Change("", spell(a, kind), spell(b, kind)),), (), *places)


def step_differences(
    key: str,
    a: Sequence[Call],
    b: Sequence[Call],
    category: str,
    between: str,
    places: tuple[Place | None, Place | None],
) -> Iterator[Difference]:
    """How two chains of steps, or two lists of calls, differ: in options, in steps, or in their order alone.

    between: what stands between the steps, as ` => `.
    """
    if tuple(a) == tuple(b):
        return
    written = [[spell_call(step, category) for step in steps] for steps in (a, b)]
    if sorted(written[0]) == sorted(written[1]):
        change = Change("", between.join(written[0]), between.join(written[1]))
        yield Difference(key, "", "reordered", (change,), (), *places)
        return
    pairs = dict(align(a, b, lambda step: spell_call(step, category), lambda step: step.name))
    for i, step in enumerate(a):
        if i in pairs:
            yield from call_difference(key, step, b[pairs[i]], category)
        else:
            yield Difference(key, step.name, "removed", (Change("", spell_call(step, category), None),), (), step.place)
    for j, step in enumerate(b):
        if j not in pairs.values():
            change = Change("", None, spell_call(step, category))
            yield Difference(key, step.name, "added", (change,), (), None, step.place)

"""Declarations that need each other in a circle: each circle is reported once, before anything is built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeAlias

from retdsl.check.scope import Scope
from retdsl.diagnostics import Diagnostics, Label
from retdsl.source import Span
from retdsl.syntax import tree as t

Needs: TypeAlias = Mapping[str, Sequence[tuple[str, Span]]]
"""For each declaration the others that it needs, and where it says so."""


MOST_CIRCLES = 100
"""Circles of one kind that are told."""

MOST_SHOWN = 20
"""Links of a circle that a message shows."""


def report_circles(scope: Scope, out: Diagnostics) -> None:
    """Reports blocks and models that are made of themselves, and experiments that descend from themselves."""
    blocks = {d.name.name: _needed(d.value, scope, "block") for d in scope.of_kind("block") if isinstance(d, t.Block)}
    models = {d.name.name: _needed(d.value, scope, "model") for d in scope.of_kind("model") if isinstance(d, t.Model)}
    trains = {
        d.name.name: [(d.parent.name, d.parent.span)] if d.parent else []
        for d in scope.of_kind("train")
        if isinstance(d, t.Train)
    }
    again = "to write a part several times, use `repeat(n, i) { chain }`"
    _report(blocks, "the block `{}` is made of itself", again, out)
    start = "let one of them start with a backbone, with `NAME.image` of a data block, or with `input(3, 224, 224)`"
    _report(models, "the model `{}` is made of itself", start, out)
    _report(trains, "the experiment `{}` descends from itself", "let one of them stand without `from`", out)


def _needed(value: t.Expr, scope: Scope, kind: str) -> list[tuple[str, Span]]:
    called = (step.function if isinstance(step, t.Apply) else step for step in t.steps_of(value))
    return [(ref.name, ref.span) for ref in called if isinstance(ref, t.Ref) and scope.find(kind, ref.name)]


def _report(needs: Needs, text: str, help: str, out: Diagnostics) -> None:
    for circle in islice(circles(needs), MOST_CIRCLES):
        (name, span), *others = circle
        labels = [Label(other, "through here") for _, other in others[:MOST_SHOWN]]
        notes = [f"and through {len(others) - MOST_SHOWN} more"] if len(others) > MOST_SHOWN else []
        out.report("R203", text.format(name), Label(span, "closes the circle"), *labels, notes=notes, helps=[help])


def circles(needs: Needs) -> Iterator[list[tuple[str, Span]]]:
    """The circles that a walk in depth meets, each as its links, the one that closes it first."""
    done: set[str] = set()
    for start in needs:
        if start in done:
            continue
        path: dict[str, Span | None] = {start: None}
        pending = [iter(needs[start])]
        while pending:
            link = next(pending[-1], None)
            if link is None:
                pending.pop()
                done.add(path.popitem()[0])
                continue
            name, span = link
            if name in path:
                inside = list(path.items())[list(path).index(name) + 1 :]
                yield [(name, span), *((passed, place) for passed, place in inside if place is not None)]
            elif name not in done and name in needs:
                path[name] = span
                pending.append(iter(needs[name]))

"""Comparisons without the order in which they tell things."""

from __future__ import annotations

from dataclasses import replace

from retdsl.compare import Comparison, Difference


def orderless(comparison: Comparison) -> tuple[object, ...]:
    """All that a comparison says, for another one that says the same in another order."""
    parts = {
        (frozenset(part.pairs), frozenset(orderless_difference(d) for d in part.differences), part.parameters)
        for part in comparison.parts
    }
    sets = (frozenset(getattr(comparison, name)) for name in ("alike", "only_a", "only_b", "renamed"))
    return comparison.a, comparison.b, comparison.of, comparison.same, parts, *sets


def orderless_difference(difference: Difference) -> tuple[Difference, frozenset[object]]:
    return replace(difference, layers=()), frozenset(difference.layers)

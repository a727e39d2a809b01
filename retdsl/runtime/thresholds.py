"""From which value of a measure on a photograph is flagged.

Enters: the measures of a whole collection. Leaves: a `Threshold` for each rule. What is usual differs between cameras
and clinics, so a threshold lies where a photograph stands out of its own collection: some deviations from the median,
by the median of absolute deviations (Iglewicz and Hoaglin 1993), which a few bad photographs do not move. A collection
that is bad as a whole has no outliers, and a very even one has nothing but outliers; so each rule has two bounds:
beyond one a photograph is bad in whatever company, before the other in none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.measures import Measures

DEVIATIONS = 2.5
"""How far from the median a photograph stands out."""

NORMAL = 1.4826
"""The standard deviation of a normal distribution whose absolute deviations have the median 1."""

FEWEST = 20
"""Photographs that tell what is usual; of fewer only the bound `always` counts."""


class Rule(NamedTuple):
    """A photograph has `flag` if its `measure` is `below`, or else above, a threshold between `never` and `always`."""

    flag: str
    measure: str
    below: bool
    always: float
    never: float
    words: str

    @property
    def place(self) -> int:
        """Of the measure among all."""
        return Measures._fields.index(self.measure)


RULES = (
    Rule("blurred", "sharpness", True, 0.05, 0.075, "fine detail"),
    Rule("dark", "brightness", True, 0.12, 0.2, "median lightness of the retina"),
    Rule("dark", "clipped_dark", False, 0.3, 0.05, "share of the retina that is black"),
    Rule("bright", "brightness", False, 0.8, 0.65, "median lightness of the retina"),
    Rule("bright", "clipped_bright", False, 0.2, 0.03, "share of the retina that is white"),
    Rule("low_contrast", "contrast", True, 0.07, 0.1, "how far vessels stand out"),
    Rule("small_field", "field", True, 0.2, 0.4, "share of the picture that is retina"),
    Rule("small_field", "roundness", True, 0.5, 0.8, "share of the disc that is there"),
)
"""The bounds come from looking at 945 photographs of a screening programme, as they are and blurred on purpose."""


class Threshold(NamedTuple):
    """Where a rule draws its line, and the median of the collection."""

    rule: Rule
    value: float
    median: float

    def beyond(self, measure: float) -> float:
        """How far beyond the line a measure is, as a share of what lies between it and the median; 0 if it is not."""
        past = self.value - measure if self.rule.below else measure - self.value
        return past / max(abs(self.value - self.median), 1e-3) if past > 0 else 0.0


def thresholds(measures: Sequence[Measures], deviations: float = DEVIATIONS) -> tuple[Threshold, ...]:
    """A threshold for every rule. measures: of the photographs of a collection that have a field; deviations: how far
    from their median a photograph stands out.
    """
    return tuple(_threshold(rule, np.array([m[rule.place] for m in measures]), deviations) for rule in RULES)


def beyond(measures: Measures, lines: Sequence[Threshold]) -> dict[str, float]:
    """The flags that a photograph with a field has for its measures, each with how far it is beyond the line."""
    found: dict[str, float] = {}
    for line in lines:
        past = line.beyond(measures[line.rule.place])
        if past > 0:
            found[line.rule.flag] = max(found.get(line.rule.flag, 0.0), past)
    return found


def _threshold(rule: Rule, values: NDArray[np.float64], deviations: float) -> Threshold:
    if len(values) == 0:
        return Threshold(rule, rule.always, rule.never)
    median = float(np.median(values))
    deviation = NORMAL * float(np.median(abs(values - median)))
    usual = median - deviations * deviation if rule.below else median + deviations * deviation
    low, high = sorted((rule.always, rule.never))
    return Threshold(rule, rule.always if len(values) < FEWEST else min(max(usual, low), high), median)

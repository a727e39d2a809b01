"""Whether two runs differ by a figure: both measured on the same resamples of the same patients.

Enters: answers of two runs about the same photographs, metrics. Leaves: the differences, each with its 95 % interval
and a p-value. Guaranteed: resample b consists of the same patients for every run and metric (see `runtime.bootstrap`),
so that what makes a sample of patients hard or easy cancels out.

The interval is from the 2.5 % to the 97.5 % point of the differences; p is twice the share of resamples on the rarer
side of 0 (B. Efron and R. Tibshirani, "An Introduction to the Bootstrap", 1993), never below 2 / (B + 1). Of many
comparisons some differ by chance: `holm` makes up for it (S. Holm, Scandinavian Journal of Statistics 1979).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retdsl.records import dataclass
from retdsl.runtime.bootstrap import LEVEL, MOST_UNDEFINED

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Difference:
    """value: the second run's figure less the first's; low, high: the ends of its 95 % interval; p: of the two-sided
    test that it is 0; NaN where there is none. higher_is_better: whether a positive difference is a better figure.
    """

    value: float
    low: float
    high: float
    p: float
    higher_is_better: bool = True

    @property
    def told_apart(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.low > 0 or self.high < 0

    @property
    def better(self) -> bool:
        """Whether the second run is the better one, if they are told apart."""
        return self.told_apart and (self.value > 0) == self.higher_is_better


def difference(first: float, second: float, drawn_first: Values, drawn_second: Values, *, higher: bool) -> Difference:
    """Of two figures, and of what they are in each resample [B], NaN where they mean nothing."""
    value = second - first
    drawn = drawn_second - drawn_first
    known = drawn[~np.isnan(drawn)]
    if math.isnan(value) or len(drawn) - len(known) > MOST_UNDEFINED * len(drawn) or not len(known):
        return Difference(value, math.nan, math.nan, math.nan, higher)
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    rarer = min(int((known <= 0).sum()), int((known >= 0).sum()))
    p = min(1.0, 2 * (rarer + 1) / (len(known) + 1))
    return Difference(value, float(low), float(high), p, higher)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted so that the chance of any false alarm among them all stays what it would be of one; NaN stays NaN."""
    known = sorted((p, at) for at, p in enumerate(p_values) if not math.isnan(p))
    adjusted: list[Any] = [math.nan] * len(p_values)
    highest = 0.0
    for rank, (p, at) in enumerate(known):
        highest = max(highest, min(1.0, (len(known) - rank) * p))
        adjusted[at] = highest
    return adjusted

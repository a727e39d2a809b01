"""Labels and probabilities under many weightings at once: what every metric makes its intervals from.

Enters: labels [N], probabilities [N, C], and weights [B, N]: how often each photograph counts, in each of B resamples.
Leaves: sums, tables of labels and answers, and ROC curves, each for all B. Guaranteed: a weight of 2 is the same as the
photograph twice, a weight of 0 as without it; what several metrics need is worked out once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """One class against the rest, at every threshold from the highest score down, of which there are T.

    found, alarms: [B, T], how many images of the class, and of the others, score at least the threshold;
    positives, negatives: [B], how many there are.
    """

    found: Values
    alarms: Values
    positives: Values
    negatives: Values

    @property
    def defined(self) -> NDArray[np.bool_]:
        """Where there are images of both kinds."""
        both: NDArray[np.bool_] = (self.positives > 0) & (self.negatives > 0)
        return both


class Weighed:
    """labels: int [N]; probabilities: [N, C]; weights: float64 [B, N], whole numbers from 0 on."""

    def __init__(self, labels: NDArray[Any], probabilities: NDArray[Any], weights: Values) -> None:
        self.labels = labels
        self.probabilities = probabilities
        self.weights = weights
        self._curves: dict[int, Curve] = {}

    @property
    def classes(self) -> int:
        return int(self.probabilities.shape[1])

    def total(self, of: NDArray[Any]) -> Values:
        """The weighted sums [B] of a number for every image [N], or [B, K] of K numbers [N, K]."""
        sums: Values = self.weights @ of.astype(np.float64)
        return sums

    @cached_property
    def images(self) -> Values:
        """How many images there are, [B]."""
        count: Values = self.weights.sum(axis=1)
        return count

    @cached_property
    def confusion(self) -> Values:
        """How many images of each class (rows) are answered by each (columns): [B, C, C]."""
        cells = self.labels * self.classes + self.probabilities.argmax(axis=1)
        which = np.arange(self.classes**2)
        return self.total(cells[:, None] == which).reshape(-1, self.classes, self.classes)

    @cached_property
    def of_class(self) -> Values:
        """How many images each class has: [B, C]."""
        return self.total(self.labels[:, None] == np.arange(self.classes))

    def where_complete(self, values: Values) -> Values:
        """The values, NaN where a class has no image."""
        return np.where((self.of_class > 0).all(axis=1), values, np.nan)

    def curve(self, label: int) -> Curve:
        """The class `label` against the rest."""
        if label not in self._curves:
            scores = self.probabilities[:, label]
            order = np.argsort(-scores, kind="stable")
            last_of_equals = np.flatnonzero(np.diff(scores[order], append=np.inf))
            positive = (self.labels == label)[order]
            weights = self.weights[:, order]
            found = np.cumsum(weights * positive, axis=1)[:, last_of_equals]
            alarms = np.cumsum(weights * ~positive, axis=1)[:, last_of_equals]
            self._curves[label] = Curve(found, alarms, found[:, -1], alarms[:, -1])
        return self._curves[label]


def share(part: NDArray[Any], whole: NDArray[Any]) -> Values:
    """`part / whole`, NaN where there is no whole; broadcast."""
    part, whole = np.broadcast_arrays(np.asarray(part, np.float64), np.asarray(whole, np.float64))
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)


def mean(values: Sequence[Values]) -> Values:
    """The mean of several figures in every resample, [B]; NaN where one of them is."""
    found: Values = np.mean(values, axis=0)
    return found

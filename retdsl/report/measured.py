"""The numbers behind the pictures: curves with bands, reliability, shares by score.

Enters: truth, scores, patients. Leaves: points to draw. Guaranteed: equal scores are one threshold; the same answers
give the same numbers; patients, not photographs, are drawn anew for a band, since the two eyes of one are alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Values: TypeAlias = NDArray[np.float64]
Truth: TypeAlias = NDArray[np.bool_]

RESAMPLES, SEED = 500, 2016
"""Of a band: enough for its look; the intervals of figures come from test.json."""

GRID = np.linspace(0, 1, 101)
"""Where bands are measured along the horizontal axis."""

BINS = 10
"""Of reliability."""


@dataclass(frozen=True)
class Curve:
    """x, y: the points; low, high: a 95 % band over `GRID`, None where it cannot be had."""

    x: Values
    y: Values
    low: Values | None = None
    high: Values | None = None


def roc(truth: Truth, scores: Values, patients: Sequence[str]) -> Curve:
    """Share of false alarms and share found, at every threshold from none to all."""
    return _with_band(_roc_points, truth, scores, patients)


def precision_recall(truth: Truth, scores: Values, patients: Sequence[str]) -> Curve:
    """Share found, and the share of alarms that are right, at every threshold; without any alarm, all are."""
    return _with_band(_pr_points, truth, scores, patients)


def _roc_points(found: Values, alarms: Values) -> tuple[Values, Values]:
    return np.r_[0, alarms / alarms[-1]], np.r_[0, found / found[-1]]


def _pr_points(found: Values, alarms: Values) -> tuple[Values, Values]:
    called = found + alarms
    right = np.divide(found, called, out=np.ones_like(found), where=called > 0)
    return np.r_[0, found / found[-1]], np.r_[right[0], right]


def _with_band(
    points: Callable[[Values, Values], tuple[Values, Values]], truth: Truth, scores: Values, patients: Sequence[str]
) -> Curve:
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.r_[np.diff(scores[order]) != 0, True])

    def at(weights: Values) -> tuple[Values, Values]:
        return np.cumsum(weights * truth[order])[ends], np.cumsum(weights * ~truth[order])[ends]

    x, y = points(*at(np.ones(len(order))))
    names, whose = np.unique(np.asarray(patients, dtype=str), return_inverse=True)
    random = np.random.default_rng(SEED)
    rows = []
    for _ in range(RESAMPLES):
        times = np.bincount(random.integers(len(names), size=len(names)), minlength=len(names))
        found, alarms = at(times[whose][order].astype(np.float64))
        if found[-1] > 0 and alarms[-1] > 0:
            rows.append(np.interp(GRID, *points(found, alarms)))
    if len(rows) < RESAMPLES // 2:
        return Curve(x, y)
    low, high = np.percentile(rows, (2.5, 97.5), axis=0)
    return Curve(x, y, low, high)


@dataclass(frozen=True)
class Reliability:
    """Bins of scores that hold any: their mean score, the share that is positive, its 95 % interval, their count."""

    score: Values
    share: Values
    low: Values
    high: Values
    count: NDArray[np.int64]


def reliability(truth: Truth, scores: Values) -> Reliability:
    """In ten bins of equal width. The interval of a share is Wilson's (1927)."""
    bins = np.minimum((scores * BINS).astype(int), BINS - 1)
    count = np.bincount(bins, minlength=BINS)
    held = count > 0
    n = count[held]
    share = np.bincount(bins, truth, BINS)[held] / n
    score = np.bincount(bins, scores, BINS)[held] / n
    z = 1.959964
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return Reliability(score, share, np.maximum(0, middle - half), np.minimum(1, middle + half), n)


def shares(scores: Values, edges: Values) -> Values:
    """The share of the scores between each two edges."""
    counts: Values = np.histogram(scores, edges)[0] / max(1, len(scores))
    return counts

"""DeLong's test: whether the areas under two ROC curves differ that were measured on the same photographs.

Enters: which photographs are positive, the scores of several networks, and the patients. Leaves: the areas, their
covariance, and for a pair the difference with its standard error and p-value. The covariance is that of E. R. DeLong,
D. M. DeLong and D. L. Clarke-Pearson, Biometrics 1988, worked out from ranks (X. Sun and W. Xu, IEEE Signal Processing
Letters 2014). Two eyes of a patient are no two pieces of evidence: with patients of several photographs, the terms of
one patient are summed first (N. A. Obuchowski, Biometrics 1997). With one photograph a patient that is the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retdsl.records import dataclass

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Test:
    """difference: of the areas, the second less the first; error: its standard error; z, p: of the two-sided test that
    it is 0; NaN where there is nothing to test.
    """

    difference: float
    error: float
    z: float
    p: float


def areas(positive: NDArray[np.bool_], scores: Values) -> Values:
    """The area under each ROC curve, [K]. positive: [N], some of them and not all; scores: [K, N]."""
    found, _ = _components(positive, scores)
    area: Values = found.mean(axis=1)
    return area


def covariance(positive: NDArray[np.bool_], scores: Values, patients: Sequence[str] | None = None) -> Values:
    """The covariance of the areas, [K, K]. patients: of the photographs; None where each is a patient of its own.

    NaN with fewer than two patients who have positive photographs, or negative ones.
    """
    found, spared = _components(positive, scores)
    area = found.mean(axis=1, keepdims=True)
    owner = np.arange(len(positive)) if patients is None else np.unique(np.asarray(patients), return_inverse=True)[1]
    number = int(owner.max()) + 1
    ten, zero = _summed(found - area, owner[positive], number), _summed(spared - area, owner[~positive], number)
    with_positive, with_negative = len(set(owner[positive])), len(set(owner[~positive]))
    if min(with_positive, with_negative) < 2:
        return np.full((len(scores), len(scores)), np.nan)
    m, n = found.shape[1], spared.shape[1]
    across = number / (number - 1) * (ten @ zero.T)
    result: Values = (
        with_positive / (with_positive - 1) * (ten @ ten.T) / m**2
        + with_negative / (with_negative - 1) * (zero @ zero.T) / n**2
        + (across + across.T) / (m * n)
    )
    return result


def delong(positive: NDArray[np.bool_], first: Any, second: Any, patients: Sequence[str] | None = None) -> Test:
    """Whether the area of the second scores [N] differs from that of the first. positive, patients: as above."""
    nothing = Test(math.nan, math.nan, math.nan, math.nan)
    if positive.all() or not positive.any():
        return nothing
    scores = np.stack([first, second]).astype(np.float64)
    one, other = areas(positive, scores)
    spread = covariance(positive, scores, patients)
    variance = float(spread[0, 0] + spread[1, 1] - 2 * spread[0, 1])
    difference = float(other - one)
    if math.isnan(variance):
        return Test(difference, math.nan, math.nan, math.nan)
    if variance <= 1e-15:  # the same order of photographs, or two perfect ones
        return Test(difference, 0.0, math.nan, 1.0 if abs(difference) < 1e-12 else math.nan)
    error = math.sqrt(variance)
    z = difference / error
    return Test(difference, error, z, math.erfc(abs(z) / math.sqrt(2)))


def _components(positive: NDArray[np.bool_], scores: Values) -> tuple[Values, Values]:
    """For each positive photograph the share of negative ones that score below it, [K, m], and for each negative one
    the share of positive ones that score above it, [K, n]; equal scores count half.
    """
    m, n = int(positive.sum()), int((~positive).sum())
    found, spared = np.empty((len(scores), m)), np.empty((len(scores), n))
    for k, row in enumerate(scores):
        whole, of_positive, of_negative = _ranks(row), _ranks(row[positive]), _ranks(row[~positive])
        found[k] = (whole[positive] - of_positive) / n
        spared[k] = 1 - (whole[~positive] - of_negative) / m
    return found, spared


def _ranks(values: Values) -> Values:
    """Ranks from 1 on; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: Values = (last - (counts - 1) / 2)[inverse]
    return ranks


def _summed(terms: Values, owner: NDArray[np.int64], number: int) -> Values:
    """The terms [K, n] of each patient together, [K, patients]."""
    return np.stack([np.bincount(owner, row, minlength=number) for row in terms])

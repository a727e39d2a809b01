"""Metrics of the order that probabilities put images in, at all thresholds or at one of them.

Enters and leaves: see `metric.Metric`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.metric import (
    ROUNDING,
    Usual,
    all_classes,
    key_at,
    one_kind,
    positive_images,
    ranked_classes,
)
from retdsl.runtime.weighing import Curve, Values, Weighed, mean, share


@dataclass(frozen=True)
class auc(Usual):
    """The area under the ROC curve: how often a positive image scores above a negative one.

    With more than two classes the mean over the classes, each against the rest.
    """

    def value(self, labels: NDArray[Any], probabilities: NDArray[Any]) -> float:
        if not all_classes(labels, probabilities):
            return math.nan
        ranked = ranked_classes(probabilities.shape[1])
        return float(np.mean([_area_of(labels == label, probabilities[:, label]) for label in ranked]))

    def values(self, weighed: Weighed) -> Values:
        return mean([_area(weighed.curve(label)) for label in ranked_classes(weighed.classes)])


@dataclass(frozen=True)
class pr_auc(Usual):
    """The average precision: precision at each threshold, weighted by the share that is newly found there.

    It sums the curve's steps, without lines between them, which would flatter (J. Davis and M. Goadrich, ICML 2006).
    What chance reaches is the share of positive images. With more than two classes the mean over the classes.
    """

    def value(self, labels: NDArray[Any], probabilities: NDArray[Any]) -> float:
        if not all_classes(labels, probabilities):
            return math.nan
        from sklearn.metrics import average_precision_score

        ranked = ranked_classes(probabilities.shape[1])
        return float(np.mean([average_precision_score(labels == label, probabilities[:, label]) for label in ranked]))

    def values(self, weighed: Weighed) -> Values:
        return mean([_precision(weighed.curve(label)) for label in ranked_classes(weighed.classes)])


@dataclass(frozen=True)
class sensitivity(Usual):
    """The share of positive images that are found.

    at_specificity: None takes the most probable class as the answer; a share in (0, 1] asks for the best sensitivity
    among the thresholds that leave at least this share of the negative images alone.
    """

    at_specificity: float | None = None

    @property
    def key(self) -> str:
        return key_at("sensitivity", "specificity", self.at_specificity)

    @property
    def rankable(self) -> bool:
        # Alone, calling every image positive would be best.
        return self.at_specificity is not None

    def value(self, labels: NDArray[Any], probabilities: NDArray[Any]) -> float:
        positive = positive_images(labels, probabilities)
        if self.at_specificity is None:
            return float(np.mean(_answered(probabilities)[positive])) if positive.any() else math.nan
        if one_kind(positive):
            return math.nan
        false_alarms, found = _roc(positive, probabilities[:, -1])
        return float(found[1 - false_alarms >= self.at_specificity - ROUNDING].max())

    def values(self, weighed: Weighed) -> Values:
        curve = weighed.curve(weighed.classes - 1)
        if self.at_specificity is None:
            return share(weighed.confusion[:, -1, -1], curve.positives)
        allowed = share(curve.alarms, curve.negatives[:, None]) <= 1 - self.at_specificity + ROUNDING
        found = share(np.where(allowed, curve.found, 0).max(axis=1), curve.positives)
        return np.where(curve.defined, found, np.nan)

    def cases(self, labels: NDArray[Any], probabilities: NDArray[Any]) -> NDArray[np.bool_] | None:
        return positive_images(labels, probabilities)

    def threshold(self, labels: NDArray[Any], probabilities: NDArray[Any]) -> float | None:
        """The lowest score that spares the asked share of the negative images: those alone decide."""
        if self.at_specificity is None:
            return None
        scores = probabilities[:, -1]
        negative = np.sort(scores[~positive_images(labels, probabilities)])
        if not len(negative):
            return math.nan
        levels = np.unique(scores)
        spared = np.searchsorted(negative, levels, side="left") / len(negative)
        enough = levels[spared >= self.at_specificity - ROUNDING]
        # Where only a score above all others will do, nothing is called positive.
        return float(enough[0] if len(enough) else np.nextafter(levels[-1], np.inf, dtype=levels.dtype))


@dataclass(frozen=True)
class specificity(Usual):
    """The share of negative images that are left alone.

    at_sensitivity: None takes the most probable class as the answer; a share in (0, 1] asks for the best specificity
    among the thresholds that find at least this share of the positive images.
    """

    at_sensitivity: float | None = None

    @property
    def key(self) -> str:
        return key_at("specificity", "sensitivity", self.at_sensitivity)

    @property
    def rankable(self) -> bool:
        return self.at_sensitivity is not None

    def value(self, labels: NDArray[Any], probabilities: NDArray[Any]) -> float:
        positive = positive_images(labels, probabilities)
        if self.at_sensitivity is None:
            return float(np.mean(~_answered(probabilities)[~positive])) if not positive.all() else math.nan
        if one_kind(positive):
            return math.nan
        false_alarms, found = _roc(positive, probabilities[:, -1])
        return float((1 - false_alarms[found >= self.at_sensitivity - ROUNDING]).max())

    def values(self, weighed: Weighed) -> Values:
        curve = weighed.curve(weighed.classes - 1)
        if self.at_sensitivity is None:
            return 1 - share(weighed.confusion[:, :-1, -1].sum(axis=1), curve.negatives)
        enough = share(curve.found, curve.positives[:, None]) >= self.at_sensitivity - ROUNDING
        alarms = np.where(enough, curve.alarms, curve.negatives[:, None]).min(axis=1)
        return np.where(curve.defined, 1 - share(alarms, curve.negatives), np.nan)

    def cases(self, labels: NDArray[Any], probabilities: NDArray[Any]) -> NDArray[np.bool_] | None:
        return ~positive_images(labels, probabilities)

    def threshold(self, labels: NDArray[Any], probabilities: NDArray[Any]) -> float | None:
        """The highest score that finds the asked share of the positive images: those alone decide."""
        if self.at_sensitivity is None:
            return None
        positive = np.sort(probabilities[positive_images(labels, probabilities), -1])[::-1]
        needed = max(1, math.ceil(self.at_sensitivity * len(positive) - ROUNDING * max(1, len(positive))))
        return float(positive[needed - 1]) if len(positive) else math.nan


def _answered(probabilities: NDArray[Any]) -> NDArray[np.bool_]:
    """Which images are answered by the last class."""
    return positive_images(probabilities.argmax(axis=1), probabilities)


def _roc(positive: NDArray[np.bool_], scores: NDArray[Any]) -> tuple[Values, Values]:
    """Share of false alarms and share found, at every threshold, from one that calls nothing positive."""
    alarms, found = _counts(positive, scores)
    return alarms / alarms[-1], found / found[-1]


def _counts(positive: NDArray[np.bool_], scores: NDArray[Any]) -> tuple[Values, Values]:
    """How many negative and how many positive images score at least as high, for every threshold from the highest."""
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.diff(scores[order], append=np.nan))  # of those that score the same
    found = np.cumsum(positive[order], dtype=float)[last]
    return np.concatenate([[0.0], last + 1 - found]), np.concatenate([[0.0], found])


def _area_of(positive: NDArray[np.bool_], scores: NDArray[Any]) -> float:
    """Under one ROC curve; exact but for the last division: sums of halves are."""
    alarms, found = _counts(positive, scores)
    return float((np.diff(alarms) * (found[1:] + found[:-1])).sum() / (2 * alarms[-1] * found[-1]))


def _area(curve: Curve) -> Values:
    """Under each ROC curve; images with one score are joined by a straight line, which counts them half."""
    steps = np.diff(curve.alarms, axis=1, prepend=0)
    before = np.concatenate([np.zeros((len(curve.found), 1)), curve.found[:, :-1]], axis=1)
    area = np.einsum("bt,bt->b", steps, (before + curve.found) / 2)
    return share(area, curve.positives * curve.negatives)


def _precision(curve: Curve) -> Values:
    """The average precision of each."""
    newly = np.diff(curve.found, axis=1, prepend=0)
    precision = np.nan_to_num(share(curve.found, curve.found + curve.alarms))
    area = np.einsum("bt,bt->b", newly, precision)
    return np.where(curve.defined, share(area, curve.positives), np.nan)

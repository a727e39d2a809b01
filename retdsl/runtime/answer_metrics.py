"""Metrics of the answers: an image's answer is the class that is the most probable, the first of equals.

Enters and leaves: see `metric.Metric`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.metric import Usual, all_classes, key_at, one_kind, positive_images
from retdsl.runtime.weighing import Values, Weighed, share


@dataclass(frozen=True)
class accuracy(Usual):
    """The share of images whose most probable class is theirs."""

    def value(self, labels: NDArray[Any], probabilities: NDArray[Any]) -> float:
        return float(np.mean(probabilities.argmax(axis=1) == labels)) if len(labels) else math.nan

    def values(self, weighed: Weighed) -> Values:
        return share(np.trace(weighed.confusion, axis1=1, axis2=2), weighed.images)

    def cases(self, labels: NDArray[Any], probabilities: NDArray[Any]) -> NDArray[np.bool_] | None:  # noqa: ARG002
        return np.ones(len(labels), bool)


@dataclass(frozen=True)
class balanced_accuracy(Usual):
    """The share of images recognised in each class, averaged over the classes."""

    def value(self, labels: NDArray[Any], probabilities: NDArray[Any]) -> float:
        if not all_classes(labels, probabilities):
            return math.nan
        from sklearn.metrics import balanced_accuracy_score

        return float(balanced_accuracy_score(labels, probabilities.argmax(axis=1)))

    def values(self, weighed: Weighed) -> Values:
        recognised = np.diagonal(weighed.confusion, axis1=1, axis2=2)
        return weighed.where_complete(share(recognised, weighed.of_class).mean(axis=1))


@dataclass(frozen=True)
class f1(Usual):
    """The harmonic mean of sensitivity and positive predictive value: 2 TP / (2 TP + FP + FN).

    Of the last of two classes; of more than two the mean over the classes (macro F1).
    """

    def value(self, labels: NDArray[Any], probabilities: NDArray[Any]) -> float:
        if not all_classes(labels, probabilities):
            return math.nan
        from sklearn.metrics import f1_score

        average = "binary" if probabilities.shape[1] == 2 else "macro"
        return float(f1_score(labels, probabilities.argmax(axis=1), average=average, zero_division=0.0))

    def values(self, weighed: Weighed) -> Values:
        right = np.diagonal(weighed.confusion, axis1=1, axis2=2)
        each = share(2 * right, weighed.of_class + weighed.confusion.sum(axis=1))
        return weighed.where_complete(each[:, -1] if weighed.classes == 2 else each.mean(axis=1))


@dataclass(frozen=True)
class quadratic_kappa(Usual):
    """Agreement of answers and labels beyond chance, where being wrong by two grades is four times as bad as by one.

    Cohen's kappa with quadratic weights: J. Cohen, "Weighted kappa", Psychological Bulletin 1968. The classes are
    grades, in order. NaN where all labels are one grade: nothing could agree by other than chance.
    """

    def value(self, labels: NDArray[Any], probabilities: NDArray[Any]) -> float:
        if len(np.unique(labels)) < 2:
            return math.nan
        from sklearn.metrics import cohen_kappa_score

        grades = list(range(probabilities.shape[1]))
        return float(cohen_kappa_score(labels, probabilities.argmax(axis=1), labels=grades, weights="quadratic"))

    def values(self, weighed: Weighed) -> Values:
        grades = np.arange(weighed.classes)
        apart = (grades[:, None] - grades) ** 2
        labels, answers = weighed.confusion.sum(axis=2), weighed.confusion.sum(axis=1)
        found = (weighed.confusion * apart).sum(axis=(1, 2)) * weighed.images
        by_chance = (labels[:, :, None] * answers[:, None, :] * apart).sum(axis=(1, 2))
        several = (labels > 0).sum(axis=1) > 1
        return np.where(several, 1 - share(found, by_chance), np.nan)


@dataclass(frozen=True)
class ppv(Usual):
    """The positive predictive value: how likely an image with a positive answer is positive.

    at_prevalence: None counts, TP / (TP + FP), which holds for the share of positive images among these; a share in
    (0, 1) asks what it were where so many are positive, by Bayes' rule from sensitivity S and specificity R:
    S p / (S p + (1 - R) (1 - p)). NaN where no answer is positive.
    """

    at_prevalence: float | None = None

    @property
    def key(self) -> str:
        return key_at("ppv", "prevalence", self.at_prevalence)

    @property
    def rankable(self) -> bool:
        # Alone, calling nothing but the surest image positive would be best.
        return False

    def value(self, labels: NDArray[Any], probabilities: NDArray[Any]) -> float:
        return _predictive(labels, probabilities, self.at_prevalence, of_positive=True)

    def values(self, weighed: Weighed) -> Values:
        return _predictive_values(weighed, self.at_prevalence, of_positive=True)

    def cases(self, labels: NDArray[Any], probabilities: NDArray[Any]) -> NDArray[np.bool_] | None:
        answered = positive_images(probabilities.argmax(axis=1), probabilities)
        return answered if self.at_prevalence is None and not one_kind(positive_images(labels, probabilities)) else None


@dataclass(frozen=True)
class npv(Usual):
    """The negative predictive value: how likely an image with a negative answer is negative.

    at_prevalence: None counts, TN / (TN + FN); a share in (0, 1) asks what it were where so many are positive:
    R (1 - p) / (R (1 - p) + (1 - S) p), with S and R as in `ppv`. NaN where no answer is negative.
    """

    at_prevalence: float | None = None

    @property
    def key(self) -> str:
        return key_at("npv", "prevalence", self.at_prevalence)

    @property
    def rankable(self) -> bool:
        return False

    def value(self, labels: NDArray[Any], probabilities: NDArray[Any]) -> float:
        return _predictive(labels, probabilities, self.at_prevalence, of_positive=False)

    def values(self, weighed: Weighed) -> Values:
        return _predictive_values(weighed, self.at_prevalence, of_positive=False)

    def cases(self, labels: NDArray[Any], probabilities: NDArray[Any]) -> NDArray[np.bool_] | None:
        answered = positive_images(probabilities.argmax(axis=1), probabilities)
        known = self.at_prevalence is None and not one_kind(positive_images(labels, probabilities))
        return ~answered if known else None


def _predictive(
    labels: NDArray[Any], probabilities: NDArray[Any], prevalence: float | None, *, of_positive: bool
) -> float:
    """The share of positive answers that are right, or of negative ones, at a prevalence."""
    positive = positive_images(labels, probabilities)
    answered = positive_images(probabilities.argmax(axis=1), probabilities)
    if one_kind(positive):
        return math.nan
    if prevalence is None:
        right = (positive == of_positive)[answered == of_positive]
        return float(right.mean()) if len(right) else math.nan
    of_ill, of_well = np.mean(answered[positive] == of_positive), np.mean(answered[~positive] == of_positive)
    return float(_bayes(of_ill, of_well, prevalence, of_positive=of_positive))


def _predictive_values(weighed: Weighed, prevalence: float | None, *, of_positive: bool) -> Values:
    last = weighed.classes - 1
    answer = np.arange(weighed.classes) == last
    with_answer = weighed.confusion[:, :, answer == of_positive].sum(axis=2)
    ill, well = with_answer[:, last], with_answer[:, :last].sum(axis=1)
    positives = weighed.of_class[:, last]
    negatives = weighed.images - positives
    if prevalence is None:
        found = share(ill if of_positive else well, ill + well)
    else:
        found = _bayes(share(ill, positives), share(well, negatives), prevalence, of_positive=of_positive)
    return np.where((positives > 0) & (negatives > 0), found, np.nan)


def _bayes(of_ill: Any, of_well: Any, prevalence: float, *, of_positive: bool) -> Values:
    """How likely an answer is right that this share of the ill and this share of the well get."""
    ill, well = of_ill * prevalence, of_well * (1 - prevalence)
    return share(np.asarray(ill if of_positive else well), np.asarray(ill + well))

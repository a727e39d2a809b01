"""The figures a study is judged by, from probabilities and labels.

Enters: labels [N], integers, or of several findings [N, C], and probabilities [N, C], float. Leaves: one number, or NaN
where the metric means nothing because a class has no image among the labels. Guaranteed: no warning, whatever is
missing.

The last class is the positive one: `sensitivity` is the share of its images that are found, `specificity` the share of
all others that are left alone. scikit-learn computes what it has, and is imported only then: it takes 0.8 s.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

SMALLEST_PROBABILITY = 1e-8
"""What `multi_ace` takes for any smaller probability, as MXNet.jl's metric does against log 0."""

ROUNDING = 1e-12
"""1 - 0.1 and the 0.9 of a spec should count as the same operating point."""


class Metric(Protocol):
    """A metric. key: its name in files; higher_is_better; rankable: whether it alone can say which epoch is best."""

    @property
    def key(self) -> str: ...

    @property
    def higher_is_better(self) -> bool: ...

    @property
    def rankable(self) -> bool: ...

    def value(self, labels: NDArray[Any], probabilities: NDArray[Any]) -> float: ...


class _Higher:
    """What most metrics have in common."""

    __slots__ = ()

    @property
    def key(self) -> str:
        return type(self).__name__

    @property
    def higher_is_better(self) -> bool:
        return True

    @property
    def rankable(self) -> bool:
        return True


@dataclass(frozen=True)
class accuracy(_Higher):
    """The share of images whose most probable class is theirs."""

    def value(self, labels: NDArray[Any], probabilities: NDArray[Any]) -> float:
        return float(np.mean(probabilities.argmax(axis=1) == labels)) if len(labels) else math.nan


@dataclass(frozen=True)
class balanced_accuracy(_Higher):
    """The share of images recognised in each class, averaged over the classes."""

    def value(self, labels: NDArray[Any], probabilities: NDArray[Any]) -> float:
        if not _all_classes(labels, probabilities):
            return math.nan
        from sklearn.metrics import balanced_accuracy_score

        return float(balanced_accuracy_score(labels, probabilities.argmax(axis=1)))


@dataclass(frozen=True)
class multi_ace(_Higher):
    """The mean cross-entropy of each class, averaged over the classes: a loss that imbalance does not reach.

    Probabilities below 1e-8 count as 1e-8. As the metric MultiACE of MXNet.jl; lower is better.
    """

    @property
    def higher_is_better(self) -> bool:
        return False

    def value(self, labels: NDArray[Any], probabilities: NDArray[Any]) -> float:
        if not _all_classes(labels, probabilities):
            return math.nan
        known = probabilities[np.arange(len(labels)), labels].astype(np.float64)
        entropy = -np.log(np.maximum(known, SMALLEST_PROBABILITY))
        return float(np.mean([entropy[labels == label].mean() for label in range(probabilities.shape[1])]))


@dataclass(frozen=True)
class auc(_Higher):
    """The area under the ROC curve: how often a positive image scores above a negative one.

    With more than two classes the mean over the classes, each against the rest.
    """

    def value(self, labels: NDArray[Any], probabilities: NDArray[Any]) -> float:
        if not _all_classes(labels, probabilities):
            return math.nan
        from sklearn.metrics import roc_auc_score

        classes = probabilities.shape[1]
        ranked = [classes - 1] if classes == 2 else range(classes)
        return float(np.mean([roc_auc_score(labels == label, probabilities[:, label]) for label in ranked]))


@dataclass(frozen=True)
class sensitivity(_Higher):
    """The share of positive images that are found.

    at_specificity: None takes the most probable class as the answer; a share in (0, 1] asks for the best sensitivity
    among the thresholds that leave at least this share of the negative images alone.
    """

    at_specificity: float | None = None

    @property
    def key(self) -> str:
        return "sensitivity" + _operating_point("specificity", self.at_specificity)

    @property
    def rankable(self) -> bool:
        # Alone, calling every image positive would be best.
        return self.at_specificity is not None

    def value(self, labels: NDArray[Any], probabilities: NDArray[Any]) -> float:
        positive, scores = _positive(labels, probabilities)
        if positive.all() or not positive.any():
            return math.nan
        if self.at_specificity is None:
            return float(np.mean(_answers(probabilities)[positive]))
        false_alarms, found = _roc(positive, scores)
        return float(found[1 - false_alarms >= self.at_specificity - ROUNDING].max())


@dataclass(frozen=True)
class specificity(_Higher):
    """The share of negative images that are left alone.

    at_sensitivity: None takes the most probable class as the answer; a share in (0, 1] asks for the best specificity
    among the thresholds that find at least this share of the positive images.
    """

    at_sensitivity: float | None = None

    @property
    def key(self) -> str:
        return "specificity" + _operating_point("sensitivity", self.at_sensitivity)

    @property
    def rankable(self) -> bool:
        return self.at_sensitivity is not None

    def value(self, labels: NDArray[Any], probabilities: NDArray[Any]) -> float:
        positive, scores = _positive(labels, probabilities)
        if positive.all() or not positive.any():
            return math.nan
        if self.at_sensitivity is None:
            return float(np.mean(~_answers(probabilities)[~positive]))
        false_alarms, found = _roc(positive, scores)
        return float((1 - false_alarms[found >= self.at_sensitivity - ROUNDING]).max())


def measure(metrics: Sequence[Metric], labels: NDArray[Any], probabilities: NDArray[Any]) -> dict[str, float]:
    """Every metric's value by its key, in the order of `metrics`. labels: of any number type.

    Labels [N, C] are of findings, each of them a question of its own, whose answer is yes or no: the mean over them.
    """
    whole = labels.astype(np.int64)
    if whole.ndim == 1:
        return {metric.key: metric.value(whole, probabilities) for metric in metrics}
    answers = [np.stack([1 - of_one, of_one], axis=1) for of_one in probabilities.T]
    pairs = list(zip(whole.T, answers, strict=True))
    return {metric.key: float(np.mean([metric.value(one, p) for one, p in pairs])) for metric in metrics}


def undefined(figures: Mapping[str, float]) -> list[str]:
    """The keys of figures that mean nothing on these labels."""
    return [key for key, value in figures.items() if math.isnan(value)]


def _all_classes(labels: NDArray[Any], probabilities: NDArray[Any]) -> bool:
    return len(np.unique(labels)) == probabilities.shape[1]


def _positive(labels: NDArray[Any], probabilities: NDArray[Any]) -> tuple[NDArray[np.bool_], NDArray[Any]]:
    return labels == probabilities.shape[1] - 1, probabilities[:, -1]


def _answers(probabilities: NDArray[Any]) -> NDArray[np.bool_]:
    answers: NDArray[np.bool_] = probabilities.argmax(axis=1) == probabilities.shape[1] - 1
    return answers


def _roc(positive: NDArray[np.bool_], scores: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Share of false alarms and share found, at every threshold."""
    from sklearn.metrics import roc_curve

    false_alarms, found, _ = roc_curve(positive, scores, drop_intermediate=False)
    return false_alarms, found


def _operating_point(other: str, value: float | None) -> str:
    return "" if value is None else f"_at_{other}_{round(100 * value, 6):g}"

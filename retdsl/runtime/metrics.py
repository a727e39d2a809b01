"""The figures a study is judged by, from probabilities and labels.

Enters: labels [N], integers, or of several findings [N, C], and probabilities [N, C], float. Leaves: one number, or NaN
where the metric means nothing because a class has no image among the labels. Guaranteed: no warning, whatever is
missing.

scikit-learn computes what it has, and is imported only then: it takes 0.8 s.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.answer_metrics import accuracy, balanced_accuracy, f1, npv, ppv, quadratic_kappa
from retdsl.runtime.metric import Metric
from retdsl.runtime.probability_metrics import brier, calibration_error, multi_ace
from retdsl.runtime.ranking_metrics import auc, pr_auc, sensitivity, specificity

__all__ = [
    "Metric",
    "accuracy",
    "auc",
    "balanced_accuracy",
    "brier",
    "calibration_error",
    "f1",
    "measure",
    "multi_ace",
    "npv",
    "ppv",
    "pr_auc",
    "quadratic_kappa",
    "questions",
    "sensitivity",
    "specificity",
    "undefined",
]


def measure(metrics: Sequence[Metric], labels: NDArray[Any], probabilities: NDArray[Any]) -> dict[str, float]:
    """Every metric's value by its key, in the order of `metrics`. labels: of any number type.

    Labels [N, C] are of findings, each of them a question of its own, whose answer is yes or no: the mean over those
    findings for which the metric means something, NaN if there is none. Probabilities that are no numbers make all NaN.
    """
    if not np.isfinite(probabilities).all():
        return {metric.key: math.nan for metric in metrics}
    asked = questions(labels, probabilities)
    return {metric.key: mean_of_defined([metric.value(*each) for each in asked]) for metric in metrics}


def questions(labels: NDArray[Any], probabilities: NDArray[Any]) -> list[tuple[NDArray[np.int64], NDArray[Any]]]:
    """Labels [N] and probabilities [N, C] of each question that the labels answer: one, or one for each finding."""
    whole = labels.astype(np.int64)
    if whole.ndim == 1:
        return [(whole, probabilities)]
    answers = [np.stack([1 - of_one, of_one], axis=1) for of_one in probabilities.T]
    return list(zip(whole.T, answers, strict=True))


def mean_of_defined(values: Sequence[float]) -> float:
    """The mean of those that are numbers, NaN without any."""
    defined = [value for value in values if not math.isnan(value)]
    return float(np.mean(defined)) if defined else math.nan


def undefined(figures: Mapping[str, float]) -> list[str]:
    """The keys of figures that mean nothing on these labels."""
    return [key for key, value in figures.items() if math.isnan(value)]

"""Operating points: thresholds chosen on validation images, frozen, and then applied to others.

Enters: the metrics of an experiment, answers about the validation side, answers about another. Leaves: what every
threshold does there, ready for JSON. Guaranteed: no answer about the other side has a say in a threshold.

A figure such as `sensitivity(at_specificity = 90%)` of a side is that of the best threshold *on this very side*, which
nobody knows who screens the next patient. Whoever has few negative eyes there finds a flattering one. Here the
threshold is what the validation side makes it: a photograph is positive whose probability is the threshold or more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.answers import Answers
from retdsl.runtime.metric import Metric
from retdsl.runtime.metrics import measure, npv, ppv, questions, sensitivity, specificity

Judged = Callable[[Sequence[Metric], Answers], dict[str, Any]]
"""What judges answers by metrics: their figures and intervals by their keys."""


def operating_points(
    metrics: Sequence[Metric], answers: Answers, validation: Answers | None, judged: Judged
) -> list[dict[str, Any]]:
    """One for each metric that asks for an operating point, and of findings one for each finding.

    `threshold` is null where the validation side lacks the class that it hangs on, and so are the figures then.
    """
    if validation is None or not len(validation) or not np.isfinite(validation.probabilities).all():
        return []
    asked = questions(validation.labels, validation.probabilities)
    points = []
    for metric in metrics:
        for at, (labels, probabilities) in enumerate(asked):
            threshold = metric.threshold(labels, probabilities)
            if threshold is None:
                continue
            known = _of_finding(validation, at, threshold)
            points.append(
                {
                    "metric": metric.key,
                    **({"finding": answers.classes[at]} if answers.labels.ndim > 1 else {}),
                    "threshold": threshold,
                    "chosen_on": "validation",
                    "on_validation": measure(SHOWN[:2], known.labels, known.probabilities),
                    **judged(_figures(metrics), _of_finding(answers, at, threshold)),
                }
            )
    return points


SHOWN: tuple[Metric, ...] = (sensitivity(), specificity(), ppv(), npv())
"""What is said of every operating point."""


def by_threshold(probabilities: NDArray[Any], threshold: float) -> NDArray[np.float32]:
    """Probabilities [N, C] as answers: 1 for the last of two classes where its probability is the threshold or more,
    else 1 for the first. NaN for all without a threshold.
    """
    if math.isnan(threshold):
        return np.full((len(probabilities), 2), np.nan, np.float32)
    positive = probabilities[:, -1].astype(np.float64) >= threshold
    answered: NDArray[np.float32] = np.stack([~positive, positive], axis=1).astype(np.float32)
    return answered


def _figures(metrics: Sequence[Metric]) -> list[Metric]:
    """What is always said, and the predictive values at the prevalences that are asked for."""
    return list(dict.fromkeys([*SHOWN, *(metric for metric in metrics if isinstance(metric, ppv | npv))]))


def _of_finding(answers: Answers, at: int, threshold: float) -> Answers:
    """The answers that a threshold gives to one question, of two classes: not the last one, or the last one."""
    labels, probabilities = questions(answers.labels, answers.probabilities)[at]
    positive = (labels == probabilities.shape[1] - 1).astype(np.int64)
    answered = by_threshold(probabilities, threshold)
    return Answers(answers.images, answers.patients, answers.classes[-2:], positive, answered)

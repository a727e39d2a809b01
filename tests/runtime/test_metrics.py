"""Every metric against scikit-learn or against the arithmetic written out."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from sklearn import metrics as reference

from retdsl.runtime.metrics import (
    accuracy,
    auc,
    balanced_accuracy,
    measure,
    multi_ace,
    sensitivity,
    specificity,
    undefined,
)

ALL = (
    accuracy(),
    balanced_accuracy(),
    multi_ace(),
    auc(),
    sensitivity(),
    sensitivity(at_specificity=0.9),
    specificity(),
    specificity(at_sensitivity=0.8),
)


def answers(classes=2, n=200):
    random = np.random.RandomState(0)
    labels = random.randint(0, classes, n)
    scores = random.normal(0, 1, (n, classes)) + 1.5 * np.eye(classes)[labels]
    p = np.exp(scores)
    return labels, (p / p.sum(axis=1, keepdims=True)).astype(np.float32)


def test_keys_for_files():
    assert [metric.key for metric in ALL] == [
        "accuracy",
        "balanced_accuracy",
        "multi_ace",
        "auc",
        "sensitivity",
        "sensitivity_at_specificity_90",
        "specificity",
        "specificity_at_sensitivity_80",
    ]
    assert sensitivity(at_specificity=0.975).key == "sensitivity_at_specificity_97.5"


@pytest.mark.parametrize("classes", [2, 5])
def test_what_scikit_learn_has(classes):
    labels, p = answers(classes)
    answer = p.argmax(axis=1)
    found = measure(ALL, labels.astype(np.float32), p)
    assert found["accuracy"] == pytest.approx(reference.accuracy_score(labels, answer))
    assert found["balanced_accuracy"] == pytest.approx(reference.balanced_accuracy_score(labels, answer))
    expected = (
        reference.roc_auc_score(labels, p[:, 1])
        if classes == 2
        else np.mean([reference.roc_auc_score(labels == c, p[:, c]) for c in range(classes)])
    )
    assert found["auc"] == pytest.approx(expected)
    last = classes - 1
    assert found["sensitivity"] == pytest.approx(reference.recall_score(labels == last, answer == last))
    assert found["specificity"] == pytest.approx(reference.recall_score(labels != last, answer != last))


def test_multi_ace_is_the_mean_over_classes_of_the_mean_cross_entropy():
    labels, p = answers(3)
    entropy = [-np.log(p[labels == c, c].astype(float)).mean() for c in range(3)]
    assert multi_ace().value(labels, p) == pytest.approx(np.mean(entropy))
    certain = np.array([[1.0, 0.0], [1.0, 0.0]], np.float32)
    assert multi_ace().value(np.array([0, 1]), certain) == pytest.approx(-math.log(1e-8) / 2)


@pytest.mark.parametrize("asked", [0.5, 0.8, 0.9, 1.0])
def test_operating_points_by_trying_every_threshold(asked):
    labels, p = answers()
    scores = np.round(p[:, 1], 2)
    p = np.stack([1 - scores, scores], axis=1)
    thresholds = [*np.unique(scores), 2.0]
    caught = [(scores[labels == 1] >= t).mean() for t in thresholds]
    spared = [(scores[labels == 0] < t).mean() for t in thresholds]
    best = max(c for c, s in zip(caught, spared, strict=True) if s >= asked - 1e-9)
    assert sensitivity(at_specificity=asked).value(labels, p) == pytest.approx(best)
    best = max(s for c, s in zip(caught, spared, strict=True) if c >= asked - 1e-9)
    assert specificity(at_sensitivity=asked).value(labels, p) == pytest.approx(best)


def test_an_operating_point_that_is_met_exactly_counts():
    labels = np.array([0] * 10 + [1] * 2)
    scores = np.array([0.1] * 9 + [0.8, 0.7, 0.9])
    p = np.stack([1 - scores, scores], axis=1)
    # At the threshold 0.7 nine of ten are spared (1 - 0.1 = 0.9) and both are found.
    assert sensitivity(at_specificity=0.9).value(labels, p) == 1.0


@pytest.mark.parametrize("only", [0, 1])
def test_a_missing_class_gives_nan_without_a_warning(only):
    p = np.array([[0.4, 0.6], [0.7, 0.3]], np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figures = measure(ALL, np.array([only, only]), p)
    assert figures["accuracy"] == 0.5
    assert len(undefined(figures)) == len(ALL) - 1


def test_only_what_can_rank_alone_ranks():
    assert [metric.key for metric in ALL if not metric.rankable] == ["sensitivity", "specificity"]
    assert [metric.key for metric in ALL if not metric.higher_is_better] == ["multi_ace"]

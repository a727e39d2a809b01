"""Every metric against scikit-learn or against the arithmetic written out."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference
from sklearn.calibration import calibration_curve

from retdsl.runtime.metrics import (
    accuracy,
    auc,
    balanced_accuracy,
    brier,
    calibration_error,
    f1,
    measure,
    multi_ace,
    npv,
    ppv,
    pr_auc,
    quadratic_kappa,
    sensitivity,
    specificity,
    undefined,
)
from retdsl.runtime.weighing import Weighed

ALL = (
    accuracy(),
    balanced_accuracy(),
    multi_ace(),
    auc(),
    sensitivity(),
    sensitivity(at_specificity=0.9),
    specificity(),
    specificity(at_sensitivity=0.8),
    pr_auc(),
    ppv(),
    ppv(at_prevalence=0.02),
    npv(),
    npv(at_prevalence=0.02),
    f1(),
    quadratic_kappa(),
    brier(),
    calibration_error(),
    calibration_error(bins=4, equal="width"),
)

CALIBRATION = {"calibration_error", "calibration_error_4_bins_equal_width"}

DEFINED_FOR_ONE_CLASS = {"accuracy", "brier", *CALIBRATION}


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
        "pr_auc",
        "ppv",
        "ppv_at_prevalence_2",
        "npv",
        "npv_at_prevalence_2",
        "f1",
        "quadratic_kappa",
        "brier",
        "calibration_error",
        "calibration_error_4_bins_equal_width",
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
    own = ("specificity", "sensitivity")[only]  # where all are ill, how many of them are found is known all the same
    assert figures[own] == 0.5
    assert set(figures) - set(undefined(figures)) == DEFINED_FOR_ONE_CLASS | {own}


def test_only_what_can_rank_alone_ranks():
    assert {metric.key for metric in ALL if not metric.rankable} == {
        *("sensitivity", "specificity", "ppv", "ppv_at_prevalence_2", "npv", "npv_at_prevalence_2"),
        *CALIBRATION,
    }
    assert {metric.key for metric in ALL if not metric.higher_is_better} == {"multi_ace", "brier", *CALIBRATION}


def random_answers(seed, classes, ties=True):
    """Labels of all classes, and probabilities, with many ties if so asked."""
    random = np.random.default_rng(seed)
    n = int(random.integers(3 * classes, 80))
    labels = np.concatenate([np.arange(classes), random.integers(0, classes, n - classes)])
    scores = random.normal(0, 1, (n, classes)) + random.uniform(0, 2) * np.eye(classes)[labels]
    p = np.exp(scores)
    p = (p / p.sum(axis=1, keepdims=True)).astype(np.float32)
    return labels, np.round(p, 1).astype(np.float32) if ties else p


def expected_of(labels, p, weights=None):
    """Every metric as scikit-learn has it, or by its formula, written another way than in the runtime."""
    classes, answer = p.shape[1], p.argmax(axis=1)
    w = np.ones(len(labels)) if weights is None else weights
    binary = classes == 2
    rest = [classes - 1] if binary else range(classes)
    average = "binary" if binary else "macro"
    found = {
        "accuracy": reference.accuracy_score(labels, answer, sample_weight=w),
        "balanced_accuracy": reference.balanced_accuracy_score(labels, answer, sample_weight=w),
        "auc": np.mean([reference.roc_auc_score(labels == c, p[:, c], sample_weight=w) for c in rest]),
        "pr_auc": np.mean([reference.average_precision_score(labels == c, p[:, c], sample_weight=w) for c in rest]),
        "f1": reference.f1_score(labels, answer, average=average, sample_weight=w, zero_division=0),
        "quadratic_kappa": reference.cohen_kappa_score(
            labels, answer, weights="quadratic", labels=range(classes), sample_weight=w
        ),
        "brier": reference.brier_score_loss(labels, p[:, 1].astype(float), sample_weight=w)
        if binary
        else np.average(((p.astype(float) - np.eye(classes)[labels]) ** 2).sum(axis=1), weights=w),
    }
    if not binary:
        return found
    ill, called = labels == 1, answer == 1
    tp, fn = w[ill & called].sum(), w[ill & ~called].sum()
    fp, tn = w[~ill & called].sum(), w[~ill & ~called].sum()
    # Of 100,000 people 2,000 are ill.
    right, wrong = 2000 * tp / (tp + fn), 98000 * fp / (fp + tn)
    spared, missed = 98000 * tn / (fp + tn), 2000 * fn / (tp + fn)
    nan = math.nan
    found |= {
        "sensitivity": reference.recall_score(labels, answer, sample_weight=w),
        "specificity": reference.recall_score(labels == 0, answer == 0, sample_weight=w),
        "ppv": reference.precision_score(labels, answer, sample_weight=w, zero_division=nan),
        "npv": reference.precision_score(labels == 0, answer == 0, sample_weight=w, zero_division=nan),
        "ppv_at_prevalence_2": right / (right + wrong) if right + wrong else nan,
        "npv_at_prevalence_2": spared / (spared + missed) if spared + missed else nan,
    }
    return found


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("ties", [True, False])
def test_every_metric_on_many_random_answers(classes, ties):
    for seed in range(40):
        labels, p = random_answers(seed, classes, ties)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = measure(ALL, labels, p)
        for key, value in expected_of(labels, p).items():
            assert found[key] == pytest.approx(value, abs=1e-6, nan_ok=True), (seed, key)


@pytest.mark.parametrize("equal", ["mass", "width"])
def test_calibration_error_is_the_area_of_scikit_learns_curve(equal):
    strategy = {"mass": "quantile", "width": "uniform"}[equal]
    for seed in range(40):
        labels, p = random_answers(seed, 2, ties=False)
        scores = p[:, 1].astype(np.float64)
        true, said = calibration_curve(labels, scores, n_bins=5, strategy=strategy)
        cuts = np.quantile(scores, np.linspace(0, 1, 6)) if equal == "mass" else np.linspace(0, 1, 6)
        count = np.bincount([sum(score > cut for cut in cuts[1:-1]) for score in scores], minlength=5)
        expected = (np.abs(true - said) * count[count > 0]).sum() / len(labels)
        assert calibration_error(bins=5, equal=equal).value(labels, p) == pytest.approx(expected)


def test_an_honest_forecast_is_calibrated_and_a_boastful_one_is_not():
    random = np.random.default_rng(0)
    honest = random.uniform(0, 1, 100_000)
    labels = (random.uniform(0, 1, len(honest)) < honest).astype(int)
    for equal in ("mass", "width"):
        metric = calibration_error(equal=equal)
        assert metric.value(labels, np.stack([1 - honest, honest], axis=1)) < 0.01
        # Calling p what happens with sqrt(p) is off by the integral of sqrt(p) - p, 1/6.
        rash = np.sqrt(honest)
        assert metric.value(labels, np.stack([1 - rash, rash], axis=1)) == pytest.approx(1 / 6, abs=0.01)


def test_equal_probabilities_share_a_bin():
    labels = np.array([0, 1] * 20)
    p = np.full((40, 2), 0.5)
    assert calibration_error().value(labels, p) == 0


@pytest.mark.parametrize("metric", ALL, ids=repr)
@pytest.mark.parametrize("classes", [2, 3])
def test_weights_are_the_same_as_repeated_images(metric, classes):
    """What intervals are made of: a resample's figure is the figure of the images that were drawn."""
    for seed in range(15):
        labels, p = random_answers(seed, classes, ties=seed % 2 == 0)
        weights = np.random.default_rng(seed).integers(0, 4, (6, len(labels))).astype(np.float64)
        weights[0], weights[1, labels == classes - 1] = 1, 0
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = metric.values(Weighed(labels, p, weights))
        for value, row in zip(found, weights.astype(int), strict=True):
            drawn = np.repeat(np.arange(len(labels)), row)
            if isinstance(metric, calibration_error) and (row != 1).any():
                continue  # its bins are those of the whole
            assert value == pytest.approx(metric.value(labels[drawn], p[drawn]), abs=1e-9, nan_ok=True), seed


@given(
    labels=st.lists(st.integers(0, 1), min_size=0, max_size=12),
    scores=st.lists(st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]), min_size=12, max_size=12),
)
@settings(max_examples=300, deadline=None)
def test_no_answers_are_too_odd(labels, scores):
    p = np.array([[1 - score, score] for score in scores[: len(labels)]], np.float32).reshape(-1, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figures = measure(ALL, np.array(labels, np.int64), p)
    for key, value in figures.items():
        assert math.isnan(value) or -1 <= value <= (19 if key == "multi_ace" else 1)
    if not labels:
        assert all(map(math.isnan, figures.values()))


def test_findings_without_a_case_are_left_out_of_the_mean():
    labels, p = random_answers(3, 2, ties=False)
    scores = p[:, 1]
    findings = np.stack([labels, np.zeros_like(labels), 1 - labels], axis=1)
    figures = measure(ALL, findings, np.stack([scores, scores, scores], axis=1))
    one, other = (measure(ALL, y, np.stack([1 - scores, scores], axis=1)) for y in (labels, 1 - labels))
    assert figures["auc"] == pytest.approx((one["auc"] + other["auc"]) / 2)
    assert figures["pr_auc"] == pytest.approx((one["pr_auc"] + other["pr_auc"]) / 2)
    assert math.isnan(measure(ALL, np.zeros_like(findings), findings.astype(np.float32))["auc"])


def test_probabilities_that_are_no_numbers_give_no_figure():
    assert undefined(measure(ALL, np.array([0, 1]), np.array([[0.5, 0.5], [np.nan, 0.1]]))) == [
        *dict.fromkeys(metric.key for metric in ALL)
    ]


@pytest.mark.parametrize("at", [0.0, 0.5, 0.9, 0.95, 1.0])
def test_thresholds_do_on_their_own_side_what_the_figure_says(at):
    for seed in range(40):
        labels, p = random_answers(seed, 2, ties=seed % 2 == 0)
        for metric in (sensitivity(at_specificity=at), specificity(at_sensitivity=at)):
            called = p[:, 1].astype(np.float64) >= metric.threshold(labels, p)
            se, sp = called[labels == 1].mean(), (~called)[labels == 0].mean()
            kept, won = (sp, se) if isinstance(metric, sensitivity) else (se, sp)
            assert kept >= at - 1e-12
            if at or isinstance(metric, sensitivity):
                assert won == pytest.approx(metric.value(labels, p))


def test_a_threshold_hangs_on_the_class_alone_whose_share_it_keeps():
    healthy, ill = np.linspace(0, 0.6, 10), np.array([0.55, 0.9])
    scores = np.concatenate([healthy, ill])
    labels, p = np.array([0] * 10 + [1] * 2), np.stack([1 - scores, scores], axis=1)
    at = sensitivity(at_specificity=0.8).threshold(labels, p)
    assert (healthy < at).sum() == 8
    alone = sensitivity(at_specificity=0.8).threshold(labels[:10], p[:10])
    assert (healthy < alone).sum() == 8
    assert math.isnan(sensitivity(at_specificity=0.8).threshold(labels[10:], p[10:]))
    assert specificity(at_sensitivity=0.5).threshold(labels[10:], p[10:]) == 0.9
    assert math.isnan(specificity(at_sensitivity=0.5).threshold(labels[:10], p[:10]))
    assert sensitivity().threshold(labels, p) is None
    # The highest score is a healthy eye's: only above it are all of them spared.
    assert sensitivity(at_specificity=1.0).threshold(labels[:10], p[:10]) > 0.6

"""Intervals: against scipy's bootstrap, and against the truth in simulated screening."""

from __future__ import annotations

import math
import warnings
from statistics import NormalDist

import numpy as np
import pytest
from clustered import eyes
from scipy import stats

from retdsl.balance import precision
from retdsl.runtime.bootstrap import RESAMPLES, Interval, bca, draws, intervals, resampled, wilson
from retdsl.runtime.metrics import (
    accuracy,
    auc,
    balanced_accuracy,
    brier,
    calibration_error,
    f1,
    multi_ace,
    npv,
    ppv,
    pr_auc,
    quadratic_kappa,
    sensitivity,
    specificity,
)

METRICS = (
    *(accuracy(), balanced_accuracy(), auc(), pr_auc(), sensitivity(), sensitivity(at_specificity=0.9), specificity()),
    *(specificity(at_sensitivity=0.8), ppv(), ppv(at_prevalence=0.02), npv(), f1(), quadratic_kappa(), brier()),
    *(multi_ace(), calibration_error()),
)


def test_each_resample_has_as_many_patients_as_there_are():
    counts = np.concatenate([*draws(7, 14, 5000, seed=1)])
    assert counts.shape == (5000, 7)
    assert (counts.sum(axis=1) == 7).all()
    # Multinomial: each patient once on average, with variance 1 - 1/7, and the less the more others there are.
    assert np.allclose(counts.mean(axis=0), 1, atol=0.06)
    assert np.allclose(np.cov(counts.T), np.eye(7) - 1 / 7, atol=0.08)


def test_drawing_in_parts_changes_nothing(monkeypatch):
    labels, p, patients = eyes(np.random.default_rng(0), 30)
    whole = resampled(METRICS, labels, p, patients, 100, seed=3)
    monkeypatch.setattr("retdsl.runtime.bootstrap.CELLS", 60 * 7)
    for key, values in resampled(METRICS, labels, p, patients, 100, seed=3).items():
        np.testing.assert_allclose(values, whole[key], equal_nan=True, atol=1e-12)


def test_resamples_are_what_scikit_learn_says_of_the_drawn_eyes():
    labels, p, patients = eyes(np.random.default_rng(1), 25)
    number = np.unique(patients, return_inverse=True)[1]
    counts = np.concatenate([*draws(25, 50, 30, seed=5)]).astype(int)
    found = resampled(METRICS[:-1], labels, p, patients, 30, seed=5)
    for at, row in enumerate(counts):
        drawn = np.repeat(np.arange(50), row[number])
        for metric in METRICS[:-1]:
            assert found[metric.key][at] == pytest.approx(metric.value(labels[drawn], p[drawn]), nan_ok=True)


def test_the_same_seed_gives_the_same_interval_and_the_order_of_eyes_does_not_matter():
    labels, p, patients = eyes(np.random.default_rng(2), 40)
    first = intervals(METRICS, labels, p, patients)
    assert intervals(METRICS, labels, p, patients) == first
    assert intervals(METRICS, labels, p, patients, seed=1) != first
    order = np.random.default_rng(0).permutation(len(labels))
    again = intervals(METRICS, labels[order], p[order], [patients[at] for at in order])
    for key, interval in first.items():
        assert (again[key].low, again[key].high) == pytest.approx((interval.low, interval.high), nan_ok=True)


def test_bca_is_scipys():
    """Scipy draws by itself, so only nearly: of a mean of skewed numbers, one a patient."""
    values = np.random.default_rng(3).exponential(1, 40)
    truth = stats.bootstrap((values,), np.mean, n_resamples=50_000, method="BCa", random_state=1).confidence_interval
    counts = np.concatenate([*draws(40, 40, 50_000, seed=2)])
    left_out = (values.sum() - values) / 39
    found = bca(float(values.mean()), counts @ values / 40, left_out)
    assert (found.low, found.high) == pytest.approx((truth.low, truth.high), abs=0.012)
    plain = np.quantile(counts @ values / 40, [0.025, 0.975])
    assert found.high - plain[1] > 0.03  # what the skewness changes is more than what chance does


def test_wilson_is_that_of_what_check_says():
    for found, of in ((0, 5), (3, 7), (9, 10), (12, 12)):
        assert wilson(found, of) == pytest.approx(precision.wilson(found, of))
        exact = stats.binomtest(found, of).proportion_ci(method="wilson")
        assert wilson(found, of) == pytest.approx((exact.low, exact.high))


def test_a_share_of_few_cases_is_known_about_as_well_as_wilson_says():
    """One eye a patient, 16 of 20 found: both intervals are of about the same length and place."""
    labels = np.ones(40, np.int64)
    labels[20:] = 0
    scores = np.where(np.arange(40) < 16, 0.9, 0.1)
    found = intervals((sensitivity(),), labels, np.stack([1 - scores, scores], axis=1), [str(n) for n in range(40)])
    low, high = wilson(16, 20)
    assert found["sensitivity"].method == "bootstrap"
    assert (found["sensitivity"].low, found["sensitivity"].high) == pytest.approx((low, high), abs=0.08)


def test_where_all_resamples_agree_the_patients_are_counted():
    labels = np.repeat([1, 1, 1, 0, 0, 0, 0], 2)
    scores = np.where(labels == 1, 0.9, 0.1)
    patients = [f"p{at // 2}" for at in range(14)]
    found = intervals(METRICS, labels, np.stack([1 - scores, scores], axis=1), patients)
    of_three = Interval(*wilson(3, 3), found["sensitivity"].undefined, "wilson")
    assert found["sensitivity"] == of_three
    assert (found["specificity"].low, found["specificity"].high) == pytest.approx(wilson(4, 4))
    assert (found["accuracy"].low, found["accuracy"].undefined) == (pytest.approx(wilson(7, 7)[0]), 0)
    assert math.isnan(found["auc"].low)  # perfect, and nobody knows how nearly
    # Three of seven, or four, are not drawn at all in (4/7)^7 + (3/7)^7 of the resamples.
    assert found["auc"].undefined / RESAMPLES == pytest.approx((4 / 7) ** 7 + (3 / 7) ** 7, abs=0.01)


@pytest.mark.parametrize(
    ("labels", "patients"),
    [
        ([], []),
        ([1], ["a"]),
        ([0, 1], ["a", "a"]),
        ([0, 1], ["a", "b"]),
        ([1, 1, 1], ["a", "b", "c"]),
        ([0, 0, 0, 0, 0, 1], list("abcdef")),
    ],
)
def test_sides_that_are_next_to_nothing_give_no_warning(labels, patients):
    scores = np.linspace(0.2, 0.7, len(labels))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = intervals(METRICS, np.array(labels, np.int64), np.stack([1 - scores, scores], axis=1), patients, 200)
    assert set(found) == {metric.key for metric in METRICS}
    for interval in found.values():
        assert math.isnan(interval.low) == math.isnan(interval.high)


def test_what_mostly_means_nothing_has_no_interval():
    """Of two ill patients among forty each resample lacks both with a probability of e^-2: that is counted."""
    labels = np.zeros(40, np.int64)
    labels[:1] = 1
    scores = np.linspace(0.9, 0.1, 40)
    p, patients = np.stack([1 - scores, scores], axis=1), [str(number) for number in range(40)]
    assert intervals((auc(),), labels, p, patients)["auc"].undefined == pytest.approx(RESAMPLES / math.e, rel=0.06)
    labels[1] = 1
    assert intervals((auc(),), labels, p, patients)["auc"].undefined == pytest.approx(RESAMPLES / math.e**2, rel=0.15)


def test_findings_are_drawn_together():
    random = np.random.default_rng(4)
    labels, p, patients = eyes(random, 60)
    other, q, _ = eyes(random, 60)
    none = np.zeros_like(labels)
    findings, scores = np.stack([labels, none, other], axis=1), np.stack([p[:, 1], p[:, 1], q[:, 1]], axis=1)
    found = resampled((auc(),), findings, scores, patients, 50)["auc"]
    alone = [resampled((auc(),), y, each, patients, 50)["auc"] for y, each in ((labels, p), (other, q))]
    np.testing.assert_allclose(found, np.mean(alone, axis=0))
    assert not math.isnan(intervals((auc(),), findings, scores, patients)["auc"].low)


TRUTH = {
    # The difference of two eyes of different patients has the variance 2 (1 + 0.36).
    "auc": NormalDist().cdf(1.8 / math.sqrt(2 * 1.36)),
    "sensitivity": NormalDist().cdf(0.3 / math.sqrt(1.36)),
    "specificity": NormalDist().cdf(1.5 / math.sqrt(1.36)),
}


@pytest.mark.slow
def test_intervals_cover_the_truth_as_often_as_they_say():
    """Of 1200 sides, 95 % intervals over patients cover the truth of 93 to 97 %; over eyes they do not."""
    random, metrics, sides = np.random.default_rng(2016), (auc(), sensitivity(), specificity()), 1200
    covered = {unit: dict.fromkeys(TRUTH, 0) for unit in ("patients", "eyes")}
    for side in range(sides):
        labels, p, names = eyes(random, 100)
        for unit, groups in (("patients", names), ("eyes", [str(at) for at in range(len(labels))])):
            for key, found in intervals(metrics, labels, p, groups, 1000, side).items():
                covered[unit][key] += found.low <= TRUTH[key] <= found.high
    shares = {unit: {key: count / sides for key, count in by_key.items()} for unit, by_key in covered.items()}
    print(shares)
    assert all(0.93 <= share <= 0.97 for share in shares["patients"].values()), shares
    assert all(share < 0.93 for share in shares["eyes"].values()), shares

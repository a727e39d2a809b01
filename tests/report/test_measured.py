"""Curves and reliability against scikit-learn, bands against what is known of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from retdsl.report import measured

TRUTH = np.arange(200) % 3 == 0
SCORES = np.round(np.clip(np.random.RandomState(2).normal(0.4, 0.2, 200) + 0.25 * TRUTH, 0, 1), 2)  # with ties
PATIENTS = [f"p{at // 2}" for at in range(200)]


def test_roc() -> None:
    curve = measured.roc(TRUTH, SCORES, PATIENTS)
    x, y, _ = roc_curve(TRUTH, SCORES, drop_intermediate=False)
    np.testing.assert_allclose(curve.x, x)
    np.testing.assert_allclose(curve.y, y)
    assert auc(curve.x, curve.y) == pytest.approx(roc_auc_score(TRUTH, SCORES))


def test_precision_and_recall() -> None:
    curve = measured.precision_recall(TRUTH, SCORES, PATIENTS)
    precision, recall, _ = precision_recall_curve(TRUTH, SCORES)
    np.testing.assert_allclose(curve.x[1:], recall[:-1][::-1])
    np.testing.assert_allclose(curve.y[1:], precision[:-1][::-1])
    steps = float(np.sum(np.diff(curve.x) * curve.y[1:]))
    assert steps == pytest.approx(average_precision_score(TRUTH, SCORES))


def test_a_band_holds_its_curve_and_is_wider_with_fewer_patients() -> None:
    many = measured.roc(TRUTH, SCORES, PATIENTS)
    assert many.low is not None
    assert many.high is not None
    at = np.interp(measured.GRID, many.x, many.y)
    assert (many.low <= at + 1e-9).all()
    assert (many.high >= at - 1e-9).all()
    alike = np.repeat(np.arange(20), 10)  # ten equal photographs a patient are no more than one
    together = measured.roc(TRUTH[alike], SCORES[alike], [f"p{at}" for at in alike])
    assert together.low is not None
    assert together.high is not None
    assert np.mean(together.high - together.low) > 2 * np.mean(many.high - many.low)


def test_no_band_where_most_patients_drawn_anew_lack_a_class() -> None:
    curve = measured.roc(np.array([True, False]), np.array([0.9, 0.1]), ["a", "b"])
    assert curve.y.tolist() == [0, 1, 1]


def test_reliability() -> None:
    keep = (SCORES * 100).round() % 10 != 0  # scikit-learn has the edges on the other side
    found = measured.reliability(TRUTH[keep], SCORES[keep])
    share, score = calibration_curve(TRUTH[keep], SCORES[keep], n_bins=10)
    np.testing.assert_allclose(found.share, share)
    np.testing.assert_allclose(found.score, score)
    assert found.count.sum() == keep.sum()


@settings(max_examples=50)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.5, 1.0])), min_size=1, max_size=30))
def test_reliability_of_anything(rows: list[tuple[bool, float]]) -> None:
    truth, scores = np.array([t for t, _ in rows]), np.array([s for _, s in rows])
    found = measured.reliability(truth, scores)
    assert found.count.sum() == len(rows)
    assert ((found.low <= found.share + 1e-12) & (found.share <= found.high + 1e-12)).all()
    assert found.low.min() >= 0
    assert found.high.max() <= 1


def test_wilson_as_in_the_literature() -> None:
    """Newcombe 1998, Statistics in Medicine 17, table I, method 3: 81 of 263, and 0 of 20."""
    for positive, n, low, high in ((81, 263, 0.2553, 0.3662), (0, 20, 0.0, 0.1611)):
        found = measured.reliability(np.arange(n) < positive, np.full(n, 0.5))
        assert (round(float(found.low[0]), 4), round(float(found.high[0]), 4)) == (low, high)

"""Differences of paired resamples, and what many comparisons do to them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from sklearn.metrics import accuracy_score

from retdsl.evaluation.paired import difference, holm
from retdsl.runtime.bootstrap import resampled
from retdsl.runtime.metrics import accuracy


def answers(seed: int, skill: float, labels: np.ndarray) -> np.ndarray:
    random = np.random.default_rng(seed)
    right = random.random(len(labels)) < skill
    p = np.where(right == (labels == 1), 0.9, 0.1)
    return np.stack([1 - p, p], axis=1).astype(np.float32)


def test_a_run_and_itself_cannot_be_told_apart() -> None:
    drawn = np.random.default_rng(0).random(100)
    found = difference(0.5, 0.5, drawn, drawn, higher=True)
    assert (found.value, found.low, found.high, found.p) == (0, 0, 0, 1)
    assert not found.told_apart


def test_it_is_what_drawing_the_patients_one_by_one_gives() -> None:
    """The 95 % interval of a difference in accuracy, from resamples made with plain loops and scikit-learn."""
    labels = np.arange(80) % 2
    patients = [f"p{at // 2}" for at in range(80)]
    one, other = answers(1, 0.7, labels), answers(2, 0.9, labels)
    drawn = [resampled([accuracy()], labels, p, patients)["accuracy"] for p in (one, other)]
    exact = [accuracy().value(labels, p) for p in (one, other)]
    found = difference(*exact, *drawn, higher=True)
    random = np.random.default_rng(99)
    values = []
    for _ in range(3000):
        rows = [2 * at + eye for at in random.integers(40, size=40) for eye in (0, 1)]
        values.append(
            accuracy_score(labels[rows], other[rows].argmax(axis=1))
            - accuracy_score(labels[rows], one[rows].argmax(axis=1))
        )
    assert (found.low, found.high) == pytest.approx(np.quantile(values, [0.025, 0.975]), abs=0.03)
    assert found.value == pytest.approx(exact[1] - exact[0])
    assert found.told_apart == (found.p < 0.05)


def test_pairing_is_what_makes_a_small_difference_certain() -> None:
    """One more right answer for every other patient, whoever is drawn: alone, the intervals overlap."""
    labels = np.ones(60, int)
    labels[:20] = 0
    patients = [f"p{at}" for at in range(60)]
    one = answers(3, 0.6, labels)
    other = one.copy()
    wrong = np.flatnonzero(one.argmax(axis=1) != labels)[::2]
    other[wrong] = one[wrong][:, ::-1]
    drawn = [resampled([accuracy()], labels, p, patients)["accuracy"] for p in (one, other)]
    found = difference(*(accuracy().value(labels, p) for p in (one, other)), *drawn, higher=True)
    assert found.low > 0
    assert np.quantile(drawn[0], 0.975) > np.quantile(drawn[1], 0.025), "the runs by themselves"
    assert found.better
    assert not difference(found.value, 0.0, drawn[1], drawn[0], higher=True).better


def test_a_figure_that_mostly_means_nothing_has_no_interval() -> None:
    drawn = np.where(np.arange(100) < 60, np.nan, 0.5)
    found = difference(0.4, 0.6, drawn, drawn, higher=True)
    assert found.value == pytest.approx(0.2)
    assert math.isnan(found.low)
    assert not found.told_apart


def test_lower_is_better_for_some() -> None:
    drawn = np.linspace(0, 0.1, 100)
    assert difference(1.0, 0.5, drawn + 1, drawn + 0.5, higher=False).better


def test_holm_by_hand() -> None:
    """0.01 of four is 0.04, 0.02 of three 0.06; 0.03 of two is 0.06 again, and what is sorted later is never less."""
    assert holm([0.03, 0.01, 0.8, 0.02]) == pytest.approx([0.06, 0.04, 0.8, 0.06])
    assert holm([0.02, math.nan]) == pytest.approx([0.02, math.nan], nan_ok=True)


@given(some.lists(some.floats(0, 1), max_size=8))
def test_holm_lies_between_the_p_value_and_bonferroni(p_values: list[float]) -> None:
    for p, adjusted in zip(p_values, holm(p_values), strict=True):
        assert p <= adjusted <= min(1.0, p * len(p_values)) + 1e-12

"""DeLong's test against its definition by pairs, an example worked by hand, scikit-learn, and resampling."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from retdsl.evaluation.delong import areas, covariance, delong


def by_pairs(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> tuple[NDArray, NDArray]:
    """Areas and their covariance as the paper of 1988 defines them: every positive beside every negative photograph."""
    kernels = []
    for row in scores:
        difference = row[positive][:, None] - row[~positive][None]
        kernels.append(np.where(difference > 0, 1.0, np.where(difference == 0, 0.5, 0.0)))
    found = np.array([kernel.mean(axis=1) for kernel in kernels])
    spared = np.array([kernel.mean(axis=0) for kernel in kernels])
    m, n = found.shape[1], spared.shape[1]
    return found.mean(axis=1), np.cov(found) / m + np.cov(spared) / n


@given(some.integers(0, 10_000), some.integers(2, 12), some.integers(2, 12), some.sampled_from([2, 5, 1000]))
def test_it_is_what_the_definition_says(seed: int, m: int, n: int, levels: int) -> None:
    random = np.random.default_rng(seed)
    positive = random.permutation(np.arange(m + n) < m)
    scores = random.integers(levels, size=(3, m + n)) / levels
    area, spread = by_pairs(positive, scores)
    assert areas(positive, scores) == pytest.approx(area)
    assert areas(positive, scores) == pytest.approx([roc_auc_score(positive, row) for row in scores])
    assert covariance(positive, scores) == pytest.approx(spread, abs=1e-12)
    named = [f"p{at}" for at in random.permutation(m + n)]
    assert covariance(positive, scores, named) == pytest.approx(spread, abs=1e-12), "one photograph a patient"


def test_an_example_worked_by_hand() -> None:
    """Positive 0.9, 0.6, 0.4, negative 0.5, 0.3: shares of pairs 1, 1, 1/2 and 2/3, 1, so the area is 5/6 and its
    variance (1/12) / 3 + (1/18) / 2 = 1/18. The other scores order the pairs perfectly: area 1, variance 0.
    """
    positive = np.array([True, True, True, False, False])
    first, second = [0.9, 0.6, 0.4, 0.5, 0.3], [0.9, 0.8, 0.7, 0.2, 0.1]
    assert covariance(positive, np.array([first, second])) == pytest.approx(np.array([[1 / 18, 0], [0, 0]]))
    test = delong(positive, first, second)
    assert (test.difference, test.error) == pytest.approx((1 / 6, math.sqrt(1 / 18)))
    assert test.z == pytest.approx(1 / math.sqrt(2))
    assert test.p == pytest.approx(0.4795, abs=1e-4)


def test_two_eyes_of_a_patient_are_one_piece_of_evidence() -> None:
    """Every photograph twice: to DeLong twice the evidence, over patients as much as once."""
    random = np.random.default_rng(5)
    positive = np.arange(60) < 20
    scores = random.normal(positive * 1.0, 1, (2, 60))
    once = delong(positive, *scores)
    doubled = [np.tile(positive, 2), *np.tile(scores, 2)]
    patients = [f"p{at}" for at in range(60)] * 2
    assert delong(*doubled).error == pytest.approx(once.error / math.sqrt(2), rel=0.03)
    assert delong(*doubled, patients).error == pytest.approx(once.error)


def test_over_patients_with_eyes_of_both_kinds_it_agrees_with_resampling_them() -> None:
    random = np.random.default_rng(11)
    people = 300
    ill = random.normal(size=people)[:, None]
    eyes = ill + random.normal(scale=0.5, size=(people, 2))
    positive = (eyes > 0.5).ravel()
    scores = np.array([(eyes + random.normal(scale=s, size=eyes.shape)).ravel() for s in (1.0, 1.3)])
    patients = np.repeat(np.arange(people), 2)
    test = delong(positive, *scores, patients=patients.astype(str).tolist())
    differences = []
    for _ in range(600):
        drawn = random.integers(people, size=people)
        rows = (drawn[:, None] * 2 + [0, 1]).ravel()
        one, other = (roc_auc_score(positive[rows], row[rows]) for row in scores)
        differences.append(other - one)
    assert test.error == pytest.approx(np.std(differences), rel=0.12)


@pytest.mark.parametrize(
    ("positive", "first", "second", "p"),
    [
        ([True, True], [0.1, 0.2], [0.2, 0.3], math.nan),
        ([True, False, False], [0.1, 0.2, 0.3], [0.2, 0.3, 0.1], math.nan),
        ([True, True, False, False], [0.9, 0.4, 0.6, 0.1], [9, 4, 6, 1], 1.0),
    ],
    ids=["one kind alone", "a single positive one", "the same order"],
)
def test_where_there_is_nothing_to_test(positive: list[bool], first: list, second: list, p: float) -> None:
    assert delong(np.array(positive), first, second).p == pytest.approx(p, nan_ok=True)

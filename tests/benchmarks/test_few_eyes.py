"""The arithmetic of the table, against scikit-learn."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

sys.path += [str(Path(__file__).parent)]
from few_eyes import Sides, markdown, row_of, spread, threshold

from retdsl.runtime.answers import Answers


def answers(random: np.random.Generator, names: str, ill: int, healthy: int) -> Answers:
    labels = np.repeat([1, 0], [ill, healthy])
    p = 1 / (1 + np.exp(-random.normal(labels * 1.5, 1)))
    images = tuple(f"{names}{at}" for at in range(len(labels)))
    patients = tuple(f"{names}{at // 2}" for at in range(len(labels)))
    return Answers(images, patients, ("healthy", "infected"), labels, np.stack([1 - p, p], 1).astype(np.float32))


def networks(seed: int) -> Sides:
    random = np.random.default_rng(seed)
    test = answers(random, "t", 30, 40)
    noise = (random.uniform(0, 0.3, 70) for _ in range(2))
    tests = [test.probabilities * (1 - share[:, None]) + share[:, None] / 2 for share in noise]
    return {
        f"fold{fold}": (
            Answers(test.images, test.patients, test.classes, test.labels, p.astype(np.float32)),
            answers(random, f"f{fold}-", 5, 20),
        )
        for fold, p in enumerate(tests)
    }


DRAWS = [networks(seed) for seed in range(3)]


def test_one_network_is_the_mean_of_those_alone() -> None:
    row = row_of("some", DRAWS, joined=False)
    of_draws = [
        np.mean([roc_auc_score(test.labels, test.probabilities[:, 1]) for test, _ in draw.values()]) for draw in DRAWS
    ]
    assert row.auc.mean == pytest.approx(np.mean(of_draws))
    assert row.auc.deviation == pytest.approx(np.std(of_draws, ddof=1))
    assert (row.auc.least, row.auc.most) == pytest.approx((min(of_draws), max(of_draws)))


def test_several_together_answer_by_their_mean_and_are_held_out_by_all_folds() -> None:
    row = row_of("some", DRAWS, joined=True)
    tested, held_out = [], []
    for draw in DRAWS:
        sides = list(draw.values())
        mean = np.mean([test.probabilities[:, 1] for test, _ in sides], axis=0, dtype=float)
        tested.append(roc_auc_score(sides[0][0].labels, mean))
        labels, p = (np.concatenate([getattr(valid, key) for _, valid in sides]) for key in ("labels", "probabilities"))
        held_out.append(roc_auc_score(labels, p[:, 1]))
    assert row.auc.mean == pytest.approx(np.mean(tested), abs=1e-6)
    assert row.held_out.mean == pytest.approx(np.mean(held_out), abs=1e-6)


def test_the_frozen_threshold_comes_from_validation_alone() -> None:
    row = row_of("some", DRAWS[:1], joined=True)
    sides = list(DRAWS[0].values())
    valid = np.concatenate([valid.probabilities[valid.labels == 0, 1] for _, valid in sides])
    labels = sides[0][0].labels
    mean = np.mean([test.probabilities[:, 1] for test, _ in sides], axis=0, dtype=float)
    above = threshold(sides[0][1])
    assert np.mean(sides[0][1].probabilities[sides[0][1].labels == 0, 1] < above) >= 0.9
    found = [edge for edge in np.unique(valid) if np.mean(valid < edge) >= 0.9]
    assert row.frozen_specificity.mean >= np.mean(mean[labels == 0] < min(found)) - 1e-9


def test_an_interval_holds_its_mean_and_narrows_with_nothing_but_patients() -> None:
    row = row_of("some", DRAWS, joined=False)
    for one in (row.auc, row.found, row.frozen_sensitivity, row.frozen_specificity):
        assert one.interval is not None
        assert one.interval[0] < one.mean < one.interval[1]
    assert row.held_out.interval is None
    assert row == row_of("some", DRAWS, joined=False)


def test_one_draw_has_no_deviation() -> None:
    (line,) = markdown([row_of("some", DRAWS[:1], joined=False)])[2:]
    assert "nan" not in line
    assert "+-" not in line


def test_resamples_become_percentiles() -> None:
    found = spread([0.2, 0.4], np.linspace(0, 1, 1001))
    assert (found.mean, found.least, found.most) == pytest.approx((0.3, 0.2, 0.4))
    assert found.interval == pytest.approx((0.025, 0.975))


def test_the_table_has_a_line_for_each_row() -> None:
    lines = markdown([row_of("some", DRAWS, joined=joined) for joined in (False, True)])
    assert len(lines) == 4
    assert "1 of 2, 3 draws" in lines[2]
    assert "2 together" in lines[3]
    assert {line.count(" | ") for line in lines if not line.startswith("|---")} == {lines[0].count(" | ")}

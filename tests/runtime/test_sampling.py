"""Which images an epoch sees, exactly."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retdsl.runtime.errors import RunError
from retdsl.runtime.sampling import (
    Labels,
    Pool,
    Positions,
    Sampling,
    balanced_subset,
    largest_remainder,
    natural,
    resample,
)

POOL = np.array([0, 0, 0, 0, 0, 0, 0, 1, 1, 0])  # eight healthy, and infected at 7 and 8

pools = st.lists(st.integers(1, 40), min_size=2, max_size=4).map(
    lambda sizes: np.random.default_rng(0).permutation(np.repeat(np.arange(len(sizes)), sizes))
)


def by_class(labels: Labels, positions: Positions) -> tuple[int, ...]:
    return tuple(np.bincount(labels[positions], minlength=labels.max() + 1).tolist())


EPOCHS: list[tuple[Sampling, list[list[int]]]] = [
    (
        natural(),
        [[9, 0, 7, 2, 8, 1, 5, 4, 3, 6], [9, 4, 2, 1, 5, 6, 8, 7, 3, 0], [6, 5, 1, 8, 7, 9, 2, 3, 4, 0]],
    ),
    (balanced_subset(seed=1), [[8, 5, 0, 7], [7, 8, 5, 0], [5, 8, 7, 0]]),
    (resample(ratio=(1, 1)), [[8, 6, 2, 7], [7, 8, 0, 9], [5, 8, 7, 4]]),
    (
        resample(ratio=(2, 1), size=12),
        [
            [9, 5, 1, 8, 0, 2, 7, 8, 7, 4, 3, 6],
            [2, 8, 4, 5, 1, 6, 7, 7, 8, 9, 3, 0],
            [6, 5, 1, 7, 9, 8, 2, 3, 4, 8, 7, 0],
        ],
    ),
]


@pytest.mark.parametrize(("policy", "epochs"), EPOCHS)
def test_the_very_images_of_three_epochs(policy: Sampling, epochs: list[list[int]]) -> None:
    """With seed 7. These lists must not change: a run that is resumed sees what it would have seen."""
    assert [policy.epoch(Pool(POOL), 7, epoch).tolist() for epoch in (1, 2, 3)] == epochs


@given(pool=pools, seed=st.integers(0, 2**40), epoch=st.integers(0, 500))
def test_natural_is_everything_once(pool: Labels, seed: int, epoch: int) -> None:
    assert sorted(natural().epoch(Pool(pool), seed, epoch)) == list(range(len(pool)))


@given(pool=pools, seed=st.integers(0, 99), size=st.none() | st.integers(8, 200))
def test_the_balanced_subset_is_one_set(pool: Labels, seed: int, size: int | None) -> None:
    policy = balanced_subset(seed=seed, size=size)
    epochs = [policy.epoch(Pool(pool), 7, epoch) for epoch in range(3)]
    assert all(sorted(seen) == sorted(epochs[0]) for seen in epochs)
    counts = by_class(pool, epochs[0])
    if size is None:
        assert set(counts) == {np.bincount(pool).min()}
    else:
        assert sum(counts) == size
        assert max(counts) - min(counts) <= 1


def test_the_subset_comes_in_another_order_every_epoch() -> None:
    pool = np.repeat([0, 1], 50)
    assert balanced_subset().epoch(Pool(pool), 7, 1).tolist() != balanced_subset().epoch(Pool(pool), 7, 2).tolist()


def test_the_subset_hangs_on_its_own_seed_only() -> None:
    pool = np.repeat([0, 1], (200, 3))
    assert sorted(balanced_subset(1).epoch(Pool(pool), 7, 1)) == sorted(balanced_subset(1).epoch(Pool(pool), 8, 1))
    assert sorted(balanced_subset(1).epoch(Pool(pool), 7, 1)) != sorted(balanced_subset(2).epoch(Pool(pool), 7, 1))


@given(pool=pools, seed=st.integers(0, 99), epoch=st.integers(0, 99), data=st.data())
def test_resample_keeps_the_ratio_and_draws_evenly(pool: Labels, seed: int, epoch: int, data: st.DataObject) -> None:
    classes = int(pool.max()) + 1
    ratio = tuple(data.draw(st.lists(st.integers(1, 5), min_size=classes, max_size=classes)))
    size = data.draw(st.none() | st.integers(20, 300))
    positions = resample(ratio=ratio, size=size).epoch(Pool(pool), seed, epoch)
    counts, sizes = by_class(pool, positions), np.bincount(pool)
    if size is None:
        unit = min(sizes[label] / ratio[label] for label in range(classes))
        assert counts == tuple(max(1, int(part * unit + 1e-9)) for part in ratio)
        assert all(counts[label] <= sizes[label] for label in range(classes))
    else:
        assert sum(counts) == size
        assert all(abs(counts[label] - size * ratio[label] / sum(ratio)) < 1 for label in range(classes))
    turns = Counter(positions.tolist())
    for label in range(classes):
        of_class = [turns[position] for position in np.flatnonzero(pool == label)]
        assert max(of_class) - min(of_class) <= 1


def test_resample_sees_the_whole_pool_in_the_course_of_epochs() -> None:
    pool = np.repeat([0, 1], (200, 3))
    seen = [set(resample().epoch(Pool(pool), 7, epoch).tolist()) for epoch in range(1, 1001)]
    assert all(len(epoch) == 6 and {200, 201, 202} <= epoch for epoch in seen)
    assert set.union(*seen) == set(range(203))
    times = Counter(position for epoch in seen for position in epoch)
    assert all(times[position] == pytest.approx(15, abs=15) for position in range(200))


def test_classes_are_well_mixed_within_an_epoch() -> None:
    pool = np.repeat([0, 1], (300, 100))
    first_half = resample().epoch(Pool(pool), 7, 1)[:100]
    assert pool[first_half].sum() == pytest.approx(50, abs=15)


def test_a_ratio_for_other_classes_is_refused() -> None:
    for ratio in ((1, 1, 1), (1,), (1, 0), (1, -1)):
        with pytest.raises(RunError, match="sampling ratio"):
            resample(ratio=ratio).epoch(Pool(POOL), 7, 1)


def test_an_empty_class_is_refused() -> None:
    with pytest.raises(RunError, match="class number 1 has no photograph"):
        resample().epoch(Pool(np.array([0, 2, 0])), 7, 1)


@given(total=st.integers(0, 1000), weights=st.lists(st.floats(0.01, 1), min_size=1, max_size=6))
def test_largest_remainder_is_within_one_of_exact(total: int, weights: list[float]) -> None:
    shares = largest_remainder(total, weights)
    assert sum(shares) == total
    assert all(abs(share - total * weight / sum(weights)) < 1 for share, weight in zip(shares, weights, strict=True))


def test_largest_remainder_is_not_fooled_by_rounding() -> None:
    assert largest_remainder(100, (0.7, 0.15, 0.15)) == (70, 15, 15)
    assert largest_remainder(10, (0.7, 0.15, 0.15)) == (7, 2, 1)

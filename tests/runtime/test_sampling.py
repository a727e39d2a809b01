"""Which images an epoch sees, exactly."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retdsl.runtime import class_aware, hard, oversample, progressive
from retdsl.runtime.drawing import Labels, Pool, Positions, endless, largest_remainder, occurrences
from retdsl.runtime.errors import RunError
from retdsl.runtime.hard_examples import LastLosses
from retdsl.runtime.sampling import Sampling, balanced_subset, natural, resample

POOL = np.array([0, 0, 0, 0, 0, 0, 0, 1, 1, 0])  # eight healthy, and infected at 7 and 8
PATIENTS = np.array([0, 0, 0, 0, 1, 1, 2, 2, 3, 3])
LOSSES = np.array([0.1, 0.9, 0.2, 0.2, 0.3, 0.4, 0.5, 0.7, 0.6, np.nan])

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
    (natural(size=6), [[6, 0, 8, 4, 3, 2], [5, 8, 1, 6, 2, 4], [8, 0, 4, 6, 3, 5]]),
    (resample(replace=True, size=6), [[4, 4, 7, 9, 7, 8], [6, 7, 4, 7, 7, 1], [7, 8, 9, 7, 6, 0]]),
    (
        oversample(ratio=(2, 1)),
        [
            [9, 5, 1, 8, 0, 2, 7, 8, 7, 4, 3, 6],
            [2, 8, 4, 5, 1, 6, 7, 7, 8, 9, 3, 0],
            [6, 5, 1, 7, 9, 8, 2, 3, 4, 8, 7, 0],
        ],
    ),
    # the lists of both classes go on from epoch to epoch: healthy 2 5 0 3 4 6 9 1
    (class_aware(size=5), [[2, 7, 5, 8, 0], [8, 3, 7, 4, 8], [6, 7, 9, 8, 1]]),
    # 8 : 2, as the pool is, then half of the way, then 2 : 2
    (progressive(epochs=3), [[8, 0, 9, 2, 7, 1, 5, 4, 3, 6], [3, 8, 2, 7, 1], [6, 8, 7, 5]]),
    (
        progressive(epochs=3, from_=(4, 1), to=(1, 1), size=6),
        [[3, 1, 8, 5, 4, 9], [3, 8, 2, 7, 9, 1], [8, 7, 6, 8, 1, 5]],
    ),
    # 1, 6, 5 and 4 have the largest losses of the healthy ones, 7 of the infected ones
    (
        hard(fraction=0.5),
        [[9, 0, 7, 2, 8, 1, 5, 4, 3, 6], [6, 1, 2, 1, 4, 6, 8, 7, 5, 0], [6, 4, 1, 7, 7, 9, 2, 3, 5, 1]],
    ),
    (
        hard(fraction=0.5, of=resample(size=8)),
        [[2, 8, 3, 8, 6, 7, 4, 7], [4, 7, 1, 7, 8, 8, 3, 6], [8, 8, 7, 7, 0, 1, 6, 4]],
    ),
    # four patients of healthy eyes, two of infected ones
    (natural(by="patient"), [[1, 6, 8, 4, 9, 7], [6, 8, 5, 9, 7, 3], [8, 7, 4, 9, 6, 3]]),
    (balanced_subset(seed=1, by="patient"), [[9, 7, 3, 8], [8, 9, 7, 3], [7, 9, 8, 3]]),
    (resample(by="patient"), [[8, 4, 6, 7], [7, 8, 1, 9], [0, 8, 7, 6]]),
    (oversample(by="patient"), [[0, 8, 6, 8, 4, 7, 9, 7], [6, 8, 5, 7, 8, 7, 9, 0], [7, 8, 7, 8, 9, 4, 6, 1]]),
    (class_aware(size=6, by="patient"), [[3, 7, 6, 8, 9, 8], [4, 7, 6, 8, 0, 7], [9, 8, 4, 7, 6, 8]]),
    (progressive(epochs=3, by="patient"), [[3, 6, 8, 5, 7, 9], [7, 8, 6, 9], [6, 8, 7, 4]]),
]


@pytest.mark.parametrize(("policy", "epochs"), EPOCHS)
def test_the_very_images_of_three_epochs(policy: Sampling, epochs: list[list[int]]) -> None:
    """With seed 7. These lists must not change: a run that is resumed sees what it would have seen."""
    pool = Pool(POOL, PATIENTS, LOSSES)
    assert [policy.epoch(pool, 7, epoch).tolist() for epoch in (1, 2, 3)] == epochs


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


def times(labels: Labels, positions: Positions, label: int) -> list[int]:
    """How often each image of a class comes."""
    return [positions.tolist().count(position) for position in np.flatnonzero(labels == label)]


@given(pool=pools, size=st.integers(4, 200), epoch=st.integers(1, 99))
def test_natural_of_a_size_keeps_the_classes_as_they_are(pool: Labels, size: int, epoch: int) -> None:
    counts, sizes = by_class(pool, natural(size=size).epoch(Pool(pool), 7, epoch)), np.bincount(pool)
    assert sum(counts) == size
    assert all(abs(counts[label] - size * sizes[label] / len(pool)) < 1 for label in range(len(sizes)))


@given(pool=pools, seed=st.integers(0, 99), data=st.data())
def test_oversample_leaves_no_image_out_and_repeats_evenly(pool: Labels, seed: int, data: st.DataObject) -> None:
    classes = int(pool.max()) + 1
    ratio = data.draw(st.none() | st.lists(st.integers(1, 9), min_size=classes, max_size=classes).map(tuple))
    positions = oversample(ratio=ratio).epoch(Pool(pool), seed, 1)
    repeats = [times(pool, positions, label) for label in range(classes)]
    assert min(map(min, repeats)) >= 1
    assert all(max(of_class) - min(of_class) <= 1 for of_class in repeats)
    assert min(map(max, repeats)) == 1, "the class that is most frequent for the ratio comes once"
    parts, counts = ratio or (1,) * classes, by_class(pool, positions)
    unit = max(size / part for size, part in zip(np.bincount(pool), parts, strict=True))
    assert all(abs(count - part * unit) <= 0.5 for count, part in zip(counts, parts, strict=True))


def test_replacement_leaves_repeats_to_chance() -> None:
    pool = Pool(np.repeat([0, 1], (400, 400)))
    drawn = [resample(replace=True).epoch(pool, 7, epoch) for epoch in range(1, 21)]
    assert all(by_class(pool.labels, positions) == (400, 400) for positions in drawn)
    assert np.mean([len(set(positions.tolist())) / 800 for positions in drawn]) == pytest.approx(1 - 1 / np.e, abs=0.01)


@given(pool=pools, seed=st.integers(0, 99), size=st.none() | st.integers(1, 90))
def test_class_aware_goes_through_each_class_before_any_image_returns(
    pool: Labels, seed: int, size: int | None
) -> None:
    """All epochs in a row: the classes in turn; of each class, every round of its list is all of its images."""
    epochs = [class_aware(size=size).epoch(Pool(pool), seed, epoch).tolist() for epoch in range(1, 6)]
    assert {len(epoch) for epoch in epochs} == {size or len(pool)}
    row, classes = np.concatenate(epochs), int(pool.max()) + 1
    assert pool[row].tolist() == [turn % classes for turn in range(len(row))]
    for label in range(classes):
        listed, members = row[label::classes].tolist(), np.flatnonzero(pool == label).tolist()
        rounds = [listed[start : start + len(members)] for start in range(0, len(listed), len(members))]
        assert all(sorted(whole) == members for whole in rounds if len(whole) == len(members))
        assert all(len(set(part)) == len(part) for part in rounds)


def test_an_endless_list_is_the_same_in_any_pieces() -> None:
    for members in (np.arange(3), np.arange(5000)):
        whole = endless(members, 0, 20_000, "key")
        pieces = [endless(members, start, min(20_000, start + 777), "key") for start in range(0, 20_000, 777)]
        assert np.concatenate(pieces).tolist() == whole.tolist()
        assert endless(members, 9, 9, "key").tolist() == []
        assert not np.array_equal(whole[: len(members)], whole[len(members) : 2 * len(members)])


@given(drawn=st.lists(st.integers(0, 6)))
def test_occurrences_count_what_came_before(drawn: list[int]) -> None:
    assert occurrences(np.array(drawn, np.int64)).tolist() == [
        drawn[:at].count(number) for at, number in enumerate(drawn)
    ]


@given(pool=pools, epochs=st.integers(2, 9), size=st.none() | st.integers(20, 200), data=st.data())
def test_progressive_moves_in_a_straight_line_and_arrives(
    pool: Labels, epochs: int, size: int | None, data: st.DataObject
) -> None:
    classes = int(pool.max()) + 1
    ends = st.just("natural") | st.lists(st.integers(1, 5), min_size=classes, max_size=classes).map(tuple)
    start, end = data.draw(ends), data.draw(st.none() | ends)
    policy = progressive(epochs=epochs, from_=start, to=end, size=size)
    seen = [policy.epoch(Pool(pool), 7, epoch) for epoch in range(1, epochs + 3)]
    sizes = np.bincount(pool)
    first, last = (np.array(sizes if r == "natural" else r or (1,) * classes, float) for r in (start, end))
    for epoch, positions in enumerate(seen, 1):
        moved = min(1.0, (epoch - 1) / (epochs - 1))
        shares = (1 - moved) * first / first.sum() + moved * last / last.sum()
        counts = np.array(by_class(pool, positions))
        if size is not None:
            assert counts.sum() == size
            assert np.all(np.abs(counts - size * shares) < 1)
        else:
            assert np.all(counts <= sizes), "nothing repeats"
            unit = min(sizes / shares)
            assert np.all((np.abs(counts - unit * shares) < 1 + 1e-6) | (counts == 1))
        assert all(max(t) - min(t) <= 1 for t in (times(pool, positions, label) for label in range(classes)))
    if size is None and start == "natural":
        assert sorted(seen[0].tolist()) == list(range(len(pool)))


@given(pool=pools, fraction=st.floats(0.01, 0.99), data=st.data())
def test_hard_puts_the_largest_losses_into_the_places_of_others(
    pool: Labels, fraction: float, data: st.DataObject
) -> None:
    base = data.draw(st.sampled_from([natural(), resample(), class_aware(), oversample()]))
    seen = data.draw(st.lists(st.booleans(), min_size=len(pool), max_size=len(pool)))
    losses = np.where(seen, np.random.default_rng(1).permutation(len(pool)).astype(float), np.nan)
    before, after = (p.epoch(Pool(pool, None, losses), 7, 2) for p in (base, hard(fraction, base)))
    assert pool[before].tolist() == pool[after].tolist(), "every place keeps its class"
    for label, count in enumerate(by_class(pool, before)):
        candidates = np.flatnonzero((pool == label) & ~np.isnan(losses))
        hardest = sorted(candidates, key=lambda at: -losses[at])[: int(fraction * count + 0.5)]
        gone, came = Counter(before[pool[before] == label].tolist()), Counter(after[pool[after] == label].tolist())
        assert all(came[image] >= 1 for image in hardest)
        kept = came - Counter(map(int, hardest))
        assert kept.total() == count - len(hardest)
        assert kept <= gone, "the rest is what the other policy drew"


def test_hard_without_anything_seen_is_the_other_policy() -> None:
    for losses, epoch in ((None, 5), (np.full(10, np.nan), 5), (LOSSES, 1)):
        positions = hard(0.9, resample()).epoch(Pool(POOL, None, losses), 7, epoch)
        assert positions.tolist() == resample().epoch(Pool(POOL), 7, epoch).tolist()


def test_the_last_loss_of_an_image_is_kept() -> None:
    last = LastLosses(4)
    shared = last.values
    last.note(np.array([2, 0, 2]), np.array([0.5, 0.25, 0.75]))
    last.note(np.array([0]), np.array([0.125]))
    assert shared[[0, 2]].tolist() == [0.125, 0.75], "changed in place"
    assert np.isnan(shared[[1, 3]]).all()


BY_PATIENT: list[Sampling] = [
    natural(by="patient"),
    balanced_subset(by="patient"),
    resample(by="patient"),
    oversample(by="patient"),
    class_aware(size=18, by="patient"),
    progressive(epochs=2, by="patient"),
]


@pytest.mark.parametrize("policy", BY_PATIENT)
def test_a_patient_with_many_photographs_does_not_count_more(policy: Sampling) -> None:
    """Of nine patients, one has thirty photographs of each class, the others one of each."""
    patients = np.repeat(np.arange(9), (60, 2, 2, 2, 2, 2, 2, 2, 2))
    labels = np.tile([0, 1], 38)
    counts: Counter[tuple[int, int]] = Counter()
    for epoch in range(1, 11):
        for position in policy.epoch(Pool(labels, patients), 7, epoch).tolist():
            counts[int(patients[position]), int(labels[position])] += 1
    assert len(counts) == 18
    assert set(counts.values()) == {10}


def test_the_photographs_of_a_patient_take_turns() -> None:
    labels, patients = np.array([0, 0, 0, 1, 1, 1, 1]), np.array([0, 0, 0, 0, 1, 1, 1])
    for epoch in range(1, 20):
        positions = resample(size=20, by="patient").epoch(Pool(labels, patients), 7, epoch)
        assert sorted(times(labels, positions, 0)) == [3, 3, 4]
        assert (positions == 3).sum() == 5, "the one infected photograph of its patient"
        assert sorted(times(labels, positions, 1)[1:]) in ([1, 2, 2], [2, 2, 1])


def test_without_patients_every_photograph_is_one() -> None:
    assert resample(by="patient").epoch(Pool(POOL), 7, 1).tolist() == resample().epoch(Pool(POOL), 7, 1).tolist()


ALL: list[Sampling] = [policy for policy, _ in EPOCHS]


@pytest.mark.parametrize("policy", ALL)
def test_an_epoch_is_as_large_as_it_is_said_to_be(policy: Sampling) -> None:
    """Known before anything is drawn, for the learning rate; and the same whoever asks, in whatever order."""
    pool = Pool(POOL, PATIENTS, LOSSES)
    told = [policy.counts(pool, epoch) for epoch in range(1, 8)]
    seen = {epoch: policy.epoch(pool, 7, epoch) for epoch in reversed(range(1, 8))}
    assert told == [by_class(POOL, seen[epoch]) for epoch in range(1, 8)]
    again = Pool(POOL.copy(), PATIENTS.copy(), LOSSES.copy())
    assert all(policy.epoch(again, 7, epoch).tolist() == seen[epoch].tolist() for epoch in (5, 2, 6))


@pytest.mark.parametrize("policy", [oversample(ratio=(1, 1, 1)), progressive(epochs=3, to=(1, 2, 3))])
def test_a_ratio_of_other_classes_is_refused_by_all(policy: Sampling) -> None:
    with pytest.raises(RunError, match="sampling ratio"):
        policy.epoch(Pool(POOL), 7, 3)


@pytest.mark.parametrize("policy", [natural(size=3), oversample(), class_aware(), progressive(epochs=3)])
def test_an_empty_class_is_refused_by_all(policy: Sampling) -> None:
    with pytest.raises(RunError, match="class number 1 has no photograph"):
        policy.epoch(Pool(np.array([0, 2, 0])), 7, 2)


@given(total=st.integers(0, 1000), weights=st.lists(st.floats(0.01, 1), min_size=1, max_size=6))
def test_largest_remainder_is_within_one_of_exact(total: int, weights: list[float]) -> None:
    shares = largest_remainder(total, weights)
    assert sum(shares) == total
    assert all(abs(share - total * weight / sum(weights)) < 1 for share, weight in zip(shares, weights, strict=True))


def test_largest_remainder_is_not_fooled_by_rounding() -> None:
    assert largest_remainder(100, (0.7, 0.15, 0.15)) == (70, 15, 15)
    assert largest_remainder(10, (0.7, 0.15, 0.15)) == (7, 2, 1)

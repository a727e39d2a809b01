"""No patient on two sides, exact shares, and a draw that hangs on patients, labels and seed only."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retdsl.runtime.errors import RunError
from retdsl.runtime.sample import Sample
from retdsl.runtime.split import Sides, by_patient

eyes = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 2)), min_size=1, max_size=80).map(
    lambda rows: [Sample(f"{at}.jpeg", label, f"patient {who}") for at, (who, label) in enumerate(rows)]
)
shares = st.tuples(st.integers(1, 10), st.integers(0, 10), st.integers(0, 10)).map(
    lambda parts: (parts[0] / sum(parts), parts[1] / sum(parts), parts[2] / sum(parts))
)


def patients(samples: list[Sample], side: tuple[int, ...]) -> set[str]:
    return {samples[index].patient for index in side}


def one_eye_each(*counts: int) -> list[Sample]:
    rows = [label for label, count in enumerate(counts) for _ in range(count)]
    return [Sample(f"{at}.jpeg", label, str(at)) for at, label in enumerate(rows)]


@given(samples=eyes, parts=shares, seed=st.integers(0, 99))
def test_every_patient_is_on_one_side(samples: list[Sample], parts: tuple[float, float, float], seed: int) -> None:
    sides = by_patient(*parts, seed).divide(samples)
    assert sorted(index for side in sides for index in side) == list(range(len(samples)))
    train, valid, test = (patients(samples, side) for side in sides)
    assert not train & valid
    assert not train & test
    assert not valid & test


@given(samples=eyes, seed=st.integers(0, 99))
def test_the_order_of_rows_does_not_matter(samples: list[Sample], seed: int) -> None:
    shuffled = samples.copy()
    random.Random(seed).shuffle(shuffled)
    split = by_patient(0.5, 0.25, 0.25, seed)
    for side, again in zip(split.divide(samples), split.divide(shuffled), strict=True):
        assert patients(samples, side) == patients(shuffled, again)


@given(samples=eyes, parts=shares)
def test_shares_are_exact_to_the_nearest_patient(samples: list[Sample], parts: tuple[float, float, float]) -> None:
    sides = by_patient(*parts).divide(samples)
    worst: dict[str, int] = {}
    for sample in samples:
        worst[sample.patient] = max(sample.label, worst.get(sample.patient, 0))
    for label in set(worst.values()):
        group = {patient for patient, bad in worst.items() if bad == label}
        sizes = [len(group & patients(samples, side)) for side in sides]
        wanted = [share > 0 for share in parts]
        if all(len(group) * share >= 1 for share in parts if share > 0):
            assert all(abs(size - len(group) * share) < 1 for size, share in zip(sizes, parts, strict=True))
        if len(group) >= sum(wanted):
            assert [size > 0 for size in sizes] == wanted


def test_exact_numbers() -> None:
    samples = one_eye_each(200, 20)
    sides = by_patient(0.7, 0.15, 0.15, seed=2016).divide(samples)
    counts = [[sum(samples[index].label == label for index in side) for label in (0, 1)] for side in sides]
    assert counts == [[140, 14], [30, 3], [30, 3]]


def test_three_rare_patients_reach_three_sides() -> None:
    samples = one_eye_each(100, 3)
    for seed in range(20):
        sides = by_patient(seed=seed).divide(samples)
        assert [sum(samples[index].label for index in side) for side in sides] == [1, 1, 1]


def test_the_worst_eye_decides_the_group() -> None:
    samples = [Sample(f"{who}_{eye}.jpeg", eye, str(who)) for who in range(10) for eye in (0, 1)]
    sides = by_patient(0.6, 0.2, 0.2).divide(samples)
    assert [len(side) for side in sides] == [12, 4, 4]


def test_this_draw_never_changes() -> None:
    assert by_patient(0.5, 0.25, 0.25, seed=2016).divide(one_eye_each(6, 4)) == Sides(
        (3, 4, 5, 7, 8), (1, 2, 6), (0, 9)
    )


def test_seeds_differ() -> None:
    samples = one_eye_each(50, 50)
    assert len({by_patient(seed=seed).divide(samples) for seed in range(10)}) == 10


def test_new_patients_hardly_move_the_others() -> None:
    before, after = one_eye_each(100), one_eye_each(103)
    old, new = by_patient().divide(before), by_patient().divide(after)
    assert sum(len(set(side) - set(again)) for side, again in zip(old, new, strict=True)) <= 6


def test_a_share_of_nothing_leaves_a_side_empty() -> None:
    sides = by_patient(0.8, 0, 0.2).divide(one_eye_each(50, 5))
    assert [len(side) for side in sides] == [44, 0, 11]


@pytest.mark.parametrize("parts", [(0.7, 0.2, 0.2), (0.5, 0.2, 0.2), (1.2, -0.1, -0.1), (0, 0.5, 0.5)])
def test_shares_that_do_not_add_up_are_refused(parts: tuple[float, float, float]) -> None:
    with pytest.raises(RunError, match="must sum to 1"):
        by_patient(*parts).divide(one_eye_each(5))

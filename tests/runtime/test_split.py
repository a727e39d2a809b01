"""No patient on two sides, exact shares, and a draw that hangs on patients, labels and seed only."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retdsl.runtime.errors import RunError
from retdsl.runtime.sample import Sample
from retdsl.runtime.split import Sides, by_column, by_patient, folds

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


@given(samples=eyes, more=eyes, parts=shares, seed=st.integers(0, 99))
def test_a_stable_side_never_changes(
    samples: list[Sample], more: list[Sample], parts: tuple[float, float, float], seed: int
) -> None:
    split = by_patient(*parts, seed, stable=True)
    together = samples + [sample._replace(image=f"more/{sample.image}") for sample in more]
    for one, other in ((samples, together), (together, samples), (samples, samples[::-1])):
        before, after = (
            {patient: at for at, side in enumerate(split.divide(some)) for patient in patients(some, side)}
            for some in (one, other)
        )
        assert all(after[patient] == side for patient, side in before.items() if patient in after)
    assert sorted(index for side in split.divide(together) for index in side) == list(range(len(together)))


def test_stable_shares_hold_on_average() -> None:
    sides = by_patient(0.7, 0.2, 0.1, seed=5, stable=True).divide(one_eye_each(20_000))
    for side, share in zip(sides, (0.7, 0.2, 0.1), strict=True):
        assert abs(len(side) / 20_000 - share) < 0.015  # more than four deviations
    assert [len(side) for side in by_patient(0.6, 0, 0.4, stable=True).divide(one_eye_each(50))][1] == 0
    assert [len(side) for side in by_patient(0.6, 0.4, 0, stable=True).divide(one_eye_each(50))][2] == 0


@given(samples=eyes, k=st.integers(2, 7), test=st.sampled_from([0.0, 0.1, 0.3]), seed=st.integers(0, 9))
def test_every_fold_validates_other_patients_and_all_are_tested_on_the_same(
    samples: list[Sample], k: int, test: float, seed: int
) -> None:
    divided = [folds(k, fold, test, seed).divide(samples) for fold in range(1, k + 1)]
    assert len({sides.test for sides in divided}) == 1
    assert (divided[0].test == ()) or test > 0
    validated = [patient for sides in divided for patient in patients(samples, sides.valid)]
    assert len(validated) == len(set(validated)), "no patient validates twice"
    assert set(validated) | patients(samples, divided[0].test) == {sample.patient for sample in samples}
    for sides in divided:
        assert sorted(index for side in sides for index in side) == list(range(len(samples)))
        assert not patients(samples, sides.train) & patients(samples, sides.valid)
    sizes = [len(patients(samples, sides.valid)) for sides in divided]
    assert max(sizes) - min(sizes) <= 1


def test_folds_are_alike() -> None:
    samples = one_eye_each(203, 21)
    for fold in range(1, 6):
        sides = folds(5, fold, test=0.1, seed=3).divide(samples)
        ill = [sum(samples[index].label for index in side) for side in sides]
        assert ill[2] == 2
        assert ill[1] in (3, 4)
        assert len(sides.test) == 22
        assert len(sides.valid) in (40, 41)


@pytest.mark.parametrize("split", [folds(5, 6), folds(1), folds(5, 0), folds(5, 1, test=1.0)])
def test_a_fold_that_is_not_there(split: folds) -> None:
    with pytest.raises(RunError, match="there is no fold"):
        split.divide(one_eye_each(9))


def on_sides(*words: str) -> list[Sample]:
    return [Sample(f"{at}.jpeg", at % 2, f"p{at // 2}", word) for at, word in enumerate(words)]


def test_a_column_says_the_sides() -> None:
    samples = on_sides("Training", "Test", "Val", "Training", "Training", "Test")
    split = by_column("usage", train="Training", valid="Val", test="Test")
    assert split.divide(samples) == Sides((0, 3, 4), (2,), (1, 5))


def test_a_share_of_the_patients_to_learn_from_validates() -> None:
    samples = on_sides(*["train"] * 80, *["test"] * 20)
    train, valid, test = by_column("usage", valid=0.25, seed=4).divide(samples)
    assert test == tuple(range(80, 100))
    assert (len(train), len(valid)) == (60, 20)
    assert not patients(samples, train) & patients(samples, valid)
    assert by_column("usage", valid=0.25, seed=5).divide(samples).valid != valid


def test_words_that_are_no_side_are_all_told() -> None:
    samples = on_sides("train", "Test", "", "test", "validation")
    with pytest.raises(RunError) as caught:
        by_column("usage").divide(samples)
    assert caught.value.message == "photographs that the column `usage` puts on no side (3)"
    assert caught.value.items == ("1.jpeg: `Test`", "2.jpeg: nothing", "4.jpeg: `validation`")
    assert caught.value.help == ("the words are `train`, `test`",)


@given(seed=st.integers(0, 99), fold=st.integers(1, 4))
def test_folds_beside_a_test_side_of_a_column_are_those_of_the_rest_alone(seed: int, fold: int) -> None:
    samples = on_sides(*["learn", "learn", "held_out", "learn"] * 12)
    split = folds(4, fold, "held_out", seed, "side", "learn")
    train, valid, test = split.divide(samples)
    assert [samples[index].side for index in test] == ["held_out"] * 12
    assert split.wanted == ("train", "valid", "test")
    learned = [index for index, sample in enumerate(samples) if sample.side == "learn"]
    alone = folds(4, fold, 0.0, seed).divide([samples[index] for index in learned])
    assert (train, valid) == tuple(tuple(learned[index] for index in side) for side in alone[:2])


def test_every_photograph_that_a_column_lets_learn_validates_once() -> None:
    samples = on_sides(*["train", "train", "test", "train"] * 6)
    validated = [index for fold in (1, 2, 3) for index in folds(3, fold, "test", 5, "side").divide(samples).valid]
    assert sorted(validated) == [index for index, sample in enumerate(samples) if sample.side == "train"]


def test_a_word_that_is_neither_to_learn_from_nor_to_test_on() -> None:
    with pytest.raises(RunError, match="puts on no side") as caught:
        folds(3, 1, "test", column="side").divide(on_sides("train", "test", "valid", "train"))
    assert "2.jpeg: `valid`" in str(caught.value)
    with pytest.raises(RunError, match="no column is named"):
        folds(3, 1, "test").divide(on_sides("train", "test"))

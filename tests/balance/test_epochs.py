"""How many photographs of each class an epoch draws, without NumPy: as the runtime draws them, for every policy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from policies import made, policy

from retdsl.balance.counts import Side
from retdsl.balance.epochs import base_of, by_patient, drawn_from, drawn_in_epoch, is_natural, ratio_in_epoch
from retdsl.ir import Call
from retdsl.runtime.drawing import Pool


def calls(classes: int) -> st.SearchStrategy[Call]:
    """Any policy but `hard`, with any options."""
    ratio = st.none() | st.lists(st.integers(1, 200), min_size=classes, max_size=classes).map(tuple)
    size, by = st.none() | st.integers(1, 500), st.none() | st.just("patient")
    moving = st.just("natural") | ratio.filter(bool)
    return st.one_of(
        st.builds(lambda size, by: policy("natural", size=size, by=by), size, by),
        st.builds(lambda size, by: policy("balanced_subset", seed=1, size=size, by=by), size, by),
        st.builds(
            lambda ratio, size, replace, by: policy("resample", ratio=ratio, size=size, replace=replace, by=by),
            *(ratio, size, st.booleans(), by),
        ),
        st.builds(lambda ratio, by: policy("oversample", ratio=ratio, by=by), ratio, by),
        st.builds(lambda size, by: policy("class_aware", size=size, by=by), size, by),
        st.builds(
            lambda start, end, epochs, size, by: policy(
                "progressive", from_=start, to=end, epochs=epochs, size=size, by=by
            ),
            *(moving, moving | st.none(), st.integers(2, 9), size, by),
        ),
    )


@given(
    patients=st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=40), min_size=2, max_size=4),
    hard=st.booleans(),
    epoch=st.integers(1, 12),
    data=st.data(),
)
def test_an_epoch_is_drawn_as_the_runtime_draws_it(
    patients: list[list[int]], hard: bool, epoch: int, data: st.DataObject
) -> None:
    """patients: class by class, how many photographs each of its patients has."""
    classes = len(patients)
    call = data.draw(calls(classes))
    call = policy("hard", fraction=0.3, of=call) if hard else call
    labels = np.repeat(np.arange(classes), [sum(of_class) for of_class in patients])
    owners = np.repeat(np.arange(sum(map(len, patients))), [number for of_class in patients for number in of_class])
    positions = made(call).epoch(Pool(labels, owners, np.linspace(0, 1, len(labels))), 7, epoch)
    side = Side(tuple(map(sum, patients)), tuple(map(len, patients)))
    among = drawn_from(call, side)
    assert among == (side.patients if by_patient(call) else side.photographs)
    drawn = drawn_in_epoch(call, epoch, classes, among)
    assert drawn == tuple(np.bincount(labels[positions], minlength=classes).tolist())


def test_what_follows_from_the_policy_alone() -> None:
    assert drawn_in_epoch(policy("resample", ratio=(1, 3), size=8), 1, 2, None) == (2, 6)
    assert drawn_in_epoch(policy("resample"), 1, 2, None) is None
    assert drawn_in_epoch(policy("class_aware"), 1, 2, None) is None
    assert drawn_in_epoch(policy("class_aware", size=5), 2, 2, None) == (2, 3)
    assert ratio_in_epoch(policy("oversample", ratio=(4, 1)), 1, 2, None) == (4, 1)
    assert ratio_in_epoch(policy("natural"), 1, 2, None) is None
    moving = policy("progressive", epochs=5)
    assert [ratio_in_epoch(moving, epoch, 2, None) for epoch in (1, 3, 5, 9)] == [None, None, (1, 1), (1, 1)]
    assert ratio_in_epoch(moving, 3, 2, (90, 10)) == pytest.approx((0.7, 0.3))
    assert ratio_in_epoch(policy("hard", fraction=0.5, of=moving), 1, 2, (90, 10)) == (90, 10)


def test_nothing_is_known_of_a_class_without_photographs_or_of_patients_nobody_counted() -> None:
    assert drawn_from(policy("natural"), None) is None
    assert drawn_from(policy("natural"), Side((5, 0))) is None
    assert drawn_from(policy("natural", by="patient"), Side((5, 2))) is None
    assert drawn_from(policy("natural", by="patient"), Side((5, 2), (3, 1))) == (3, 1)


def test_hard_is_as_natural_as_what_it_is_of() -> None:
    assert is_natural(policy("hard", fraction=0.5))
    assert is_natural(policy("natural", size=64))
    assert not is_natural(policy("natural", by="patient"))
    assert not is_natural(policy("hard", fraction=0.5, of=policy("resample")))
    assert base_of(policy("hard", fraction=0.5, of=policy("resample"))) == policy("resample")


def test_of_several_findings_sampling_knows_the_last() -> None:
    side = Side((4, 6, 5), (2, 3, 3), drawn=Side((4, 3, 5), (2, 2, 3)))
    assert drawn_from(policy("resample"), side) == (4, 3, 5)
    assert drawn_from(policy("oversample", by="patient"), side) == (2, 2, 3)
    assert drawn_from(policy("natural"), side) == (4, 6, 5)

"""The rows of a batch that each worker takes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retdsl.runtime.dealing import Deal, dealt, owners_of, require_rows_for_all
from retdsl.runtime.errors import RunError


@given(st.lists(st.integers(0, 4), max_size=40), st.integers(1, 5))
def test_every_row_is_taken_once_and_shares_are_even(owners, count):
    taken = dealt(np.array(owners, np.int64) % count, count)
    assert sorted(np.concatenate(taken)) == list(range(len(owners)))
    sizes = [len(rows) for rows in taken]
    assert max(sizes) - min(sizes) <= 1
    assert all(list(rows) == sorted(rows) for rows in taken)


def test_workers_keep_their_own_as_far_as_shares_are_even():
    first, second = dealt(np.array([1, 0, 0, 1]), 2)
    assert (list(first), list(second)) == ([1, 2], [0, 3])
    first, second = dealt(np.array([1, 1, 1, 0]), 2)
    assert (list(first), list(second)) == ([2, 3], [0, 1])


@given(st.lists(st.integers(0, 9), min_size=1, max_size=60), st.integers(1, 4))
def test_a_patient_has_one_owner_and_owners_have_alike(patients, count):
    owners = owners_of(np.array(patients), count)
    for patient in set(patients):
        assert len({int(owner) for owner, one in zip(owners, patients, strict=True) if one == patient}) == 1
    sizes = np.bincount(owners, minlength=count)
    assert sizes.max() - sizes.min() <= max(patients.count(patient) for patient in patients)


def test_a_deal_is_of_photographs():
    deal = Deal(np.array([0, 0, 1, 1]), 1, 2)
    assert list(deal.rows(np.array([3, 0, 2, 1]))) == [0, 2]
    assert (deal.most(8), deal.most(9)) == (4, 5)


def test_workers_that_would_have_nothing_to_do():
    require_rows_for_all(8, 8)
    with pytest.raises(RunError, match="9 workers would share a batch of 8"):
        require_rows_for_all(8, 9)

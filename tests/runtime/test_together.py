"""Several workers together: every one leaves with the same rows and the same sums, which NumPy finds, too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from side_by_side import everywhere

from retdsl.launching.work import planned, work
from retdsl.runtime.predictions import Predictions


def test_a_worker_knows_its_place():
    assert everywhere(3, lambda workers: (workers.rank, workers.count, workers.first, workers.beside)) == [
        (0, 3, True, 3),
        (1, 3, False, 3),
        (2, 3, False, 3),
    ]


@settings(max_examples=25)
@given(some.lists(some.integers(0, 4), min_size=1, max_size=4), some.sampled_from(["f4", "f8", "i8", "u1"]))
def test_rows_of_all_stand_in_the_order_of_ranks(rows, kind):
    numbers = [np.arange(3 * n).reshape(n, 3).astype(kind) + 10 * rank for rank, n in enumerate(rows)]

    def join(workers):
        return workers.joined({"numbers": numbers[workers.rank], "ranks": np.full(rows[workers.rank], workers.rank)})

    for found in everywhere(len(rows), join):
        np.testing.assert_array_equal(found["numbers"], np.concatenate(numbers))
        np.testing.assert_array_equal(found["ranks"], np.repeat(np.arange(len(rows)), rows))
        assert found["numbers"].dtype == np.dtype(kind)


def test_who_has_no_row_need_not_know_how_wide_they_are():
    for found in everywhere(2, lambda w: w.joined({"rows": np.ones((2, 5)) if w.rank else np.empty(0)})):
        np.testing.assert_array_equal(found["rows"], np.ones((2, 5)))
    for found in everywhere(2, lambda w: w.joined({"rows": np.empty((0, 5))})):
        assert found["rows"].shape == (0, 5)


def test_what_the_first_one_makes_is_told_to_all_and_made_once():
    made: list[int] = []

    def told(workers):
        def make() -> bytes:
            made.append(workers.rank)
            return b"\x00parameters\xff"

        return workers.told(make)

    assert everywhere(3, told) == [b"\x00parameters\xff"] * 3
    assert made == [0]
    assert everywhere(2, lambda workers: workers.told(lambda: b"")) == [b"", b""]


@settings(max_examples=25)
@given(some.integers(0, 20), some.integers(1, 5))
def test_shares_are_all_rows_in_pieces_that_differ_by_one(rows, count):
    shares = everywhere(count, lambda workers: workers.share(range(rows)))
    assert [row for share in shares for row in share] == list(range(rows))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_a_photograph_that_two_have_predicted_counts_once():
    own = [
        Predictions(np.array([7, 2]), np.array([1, 0]), np.float32([[0.2, 0.8], [0.9, 0.1]])),
        Predictions(np.array([2, 5]), np.array([0, 1]), np.float32([[0.9, 0.1], [0.4, 0.6]])),
    ]
    for found in everywhere(2, lambda workers: workers.joined_predictions(own[workers.rank])):
        assert found.indices.tolist() == [7, 2, 5]
        assert found.labels.tolist() == [1, 0, 1]
        np.testing.assert_array_equal(found.probabilities, np.float32([[0.2, 0.8], [0.9, 0.1], [0.4, 0.6]]))


PROGRAM = """
import sys
import numpy as np
from retdsl.runtime.job import take_place
from retdsl.runtime.place import find_place

with take_place(find_place()) as workers:
    from retdsl.runtime.mx import mx

    own = np.random.default_rng(workers.rank)
    arrays = {name: mx.nd.array(own.normal(size=shape)) for name, shape in (("a", (3, 4)), ("b", (1,)))}
    found = {}
    for turn in range(3):  # the same names again and again, as in every step
        workers.sum(arrays)
        found |= {f"sum{turn}{name}": array.asnumpy() for name, array in arrays.items()}
    first = {"w": mx.nd.array(own.normal(size=(2, 2)))}
    workers.broadcast(first)
    np.savez(f"{sys.argv[1]}/{workers.rank}.npz", w=first["w"].asnumpy(), **found)
    workers.joined({})  # the first one ends the job for all
"""


@pytest.mark.slow
def test_sums_and_what_the_first_one_has_by_mxnets_servers(tmp_path: Path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    assert work(planned(3, 2, None), program, tmp_path / "run", [str(tmp_path)]) == 0
    found = [dict(np.load(tmp_path / f"{rank}.npz")) for rank in range(3)]
    draws = [np.random.default_rng(rank) for rank in range(3)]
    for name, shape in (("a", (3, 4)), ("b", (1,))):
        total = sum(draw.normal(size=shape).astype(np.float32) for draw in draws)
        for turn in range(3):
            for one in found:
                np.testing.assert_allclose(one[f"sum{turn}{name}"], total * 3**turn, rtol=1e-5)
    own = [draw.normal(size=(2, 2)).astype(np.float32) for draw in draws]
    for one in found:
        np.testing.assert_array_equal(one["w"], own[0])
        assert all(np.array_equal(one[name], found[0][name]) for name in one), "all have the same bits"

"""A state comes back as it was written, or not at all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from retdsl.runtime.generations import Generations
from retdsl.runtime.state_file import BadState, Position, State, read_state, write_state

KINDS = st.sampled_from([np.dtype(kind) for kind in ("<f4", "<f8", "<i8", "u1", "?", ">f4")])
ARRAYS = KINDS.flatmap(lambda kind: arrays(kind, array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)))
NAMES = st.text(max_size=6)
STATES = st.builds(
    State,
    st.builds(Position, st.integers(1, 99), st.integers(0, 99), st.integers(0, 10**9)),
    st.dictionaries(NAMES, NAMES, max_size=2),
    st.dictionaries(NAMES, st.dictionaries(NAMES, ARRAYS, max_size=3), max_size=3),
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("states") / "a.state"


@given(state=STATES)
@settings(max_examples=50, deadline=None)
def test_it_comes_back_as_it_was(state, path):
    write_state(path, state)
    found = read_state(path)
    assert (found.at, found.files) == (state.at, state.files)
    assert {*found.owners} == {*state.owners}
    for owner, values in state.owners.items():
        assert list(found.owners[owner]) == list(values)
        for name, value in values.items():
            again = found.owners[owner][name]
            assert again.shape == value.shape
            assert again.tobytes() == value.astype(value.dtype.newbyteorder("<")).tobytes()
            assert again.flags.writeable


SMALL = State(Position(3, 2, 14), {"a.params": "00"}, {"trainer": {"x": np.arange(5.0)}})


def test_no_flipped_bit_is_taken_for_it(path):
    write_state(path, SMALL)
    content = path.read_bytes()
    for at in range(len(content)):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with pytest.raises(BadState):
            read_state(path)
    for end in range(0, len(content), 7):
        path.write_bytes(content[:end])
        with pytest.raises(BadState):
            read_state(path)


def test_a_file_that_is_none(path):
    for content, said in ((b"PK\x03\x04", "damaged"), (b"retdsl state 9\nxx", "another version")):
        path.write_bytes(content)
        with pytest.raises(BadState, match=said):
            read_state(path)
    path.unlink()
    with pytest.raises(BadState, match="No such file"):
        read_state(path)


@pytest.mark.parametrize(
    ("at", "said"),
    [(Position(), "nothing"), (Position(4, 0, 40), "epoch 3"), (Position(4, 2, 42), "batch 2 of epoch 4")],
)
def test_positions_in_words(at, said):
    assert str(at) == said


def test_the_two_newest_stay(tmp_path):
    kept = Generations(tmp_path / "resume")
    assert [*kept.load()] == []
    for batches in (9, 10, 11, 100):
        kept.save(State(Position(1, batches, batches), {}, {}))
        (tmp_path / "resume" / "notes.txt").write_text("mine")
    assert [path.stem for path in kept.paths()] == ["0000000100", "0000000011"]
    assert [found.at.batches for _, found in kept.load()] == [100, 11]
    kept.paths()[0].write_bytes(b"")
    assert [type(found) for _, found in kept.load()] == [BadState, State]
    kept.remove_after(11)
    assert [path.stem for path in kept.paths()] == ["0000000011"]
    kept.clear()
    assert not (tmp_path / "resume").exists()

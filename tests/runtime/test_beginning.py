"""The SHA-256 of files that begin alike is that of each file, whatever came before."""

from hashlib import sha256

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from retdsl.runtime.beginning import Beginning


def _array(value: int, *, stays: bool) -> memoryview:
    array = np.full((3, 4), value, np.float32)
    array.setflags(write=not stays)
    return array.data.cast("B")


STILL = [_array(value, stays=True) for value in range(3)]
PARTS = [b"", b"a", b"head", *STILL, _array(5, stays=False)]


@given(st.lists(st.lists(st.integers(0, len(PARTS) - 1), max_size=6), max_size=6))
def test_each_file_has_its_own(files):
    beginning = Beginning()
    for places in files:
        parts = [PARTS[place] for place in places]
        assert beginning.digest(parts) == sha256(b"".join(parts)).hexdigest()


def test_what_can_be_written_to_is_hashed_again():
    values = np.zeros(4, np.float32)
    beginning, parts = Beginning(), [b"head", STILL[0], values.data.cast("B"), STILL[1]]
    before = beginning.digest(parts)
    values[2] = 1
    assert beginning.digest(parts) == sha256(b"".join(parts)).hexdigest() != before


def test_another_array_of_the_same_shape_is_another_beginning():
    beginning = Beginning()
    found = {beginning.digest([b"head", part]) for part in STILL}
    assert len(found) == len(STILL)

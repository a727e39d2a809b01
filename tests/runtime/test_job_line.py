"""The line of a job: what goes in comes out, however it is cut up on its way, and anything else ends it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from retdsl.runtime.job_line import (
    ALIVE,
    HEAD,
    KINDS,
    LONGEST,
    BadLine,
    Messages,
    bundled,
    facts_of,
    message,
    message_of,
    packed,
    unbundled,
    unpacked,
)

MESSAGES = some.lists(some.tuples(some.sampled_from(sorted(KINDS)), some.binary(max_size=40)), max_size=6)


@given(MESSAGES, some.integers(1, 20))
def test_messages_come_whole_and_in_order(sent, size):
    line = b"".join(message(kind, body) for kind, body in sent)
    messages = Messages()
    found = [one for at in range(0, len(line), size) for one in messages.take(line[at : at + size])]
    assert found == sent


@pytest.mark.parametrize("line", [b"GET / HTTP/1.1\r\n\r\n", HEAD.pack(ALIVE, LONGEST + 1)])
def test_what_is_no_message_ends_the_line(line):
    with pytest.raises(BadLine):
        list(Messages().take(line))


def test_facts_are_an_object():
    [(kind, body)] = Messages().take(message_of(ALIVE, moved=3, busy=0.5))
    assert (kind, facts_of(body)) == (ALIVE, {"moved": 3, "busy": 0.5})
    for wrong in (b"", b"[1]", b"{", b"\xff"):
        with pytest.raises(BadLine):
            facts_of(wrong)


@given(some.lists(some.binary(max_size=20), max_size=5))
def test_bundles_are_taken_apart_again(parts):
    assert unbundled(bundled(parts)) == parts


@pytest.mark.parametrize("shape", [(0,), (3,), (0, 2), (2, 3), (2, 1, 4)])
@pytest.mark.parametrize("kind", ["<f4", ">f4", "<i8", "u1"])
def test_arrays_keep_their_shape_and_their_numbers(shape, kind):
    rows = np.arange(np.prod(shape)).reshape(shape).astype(kind)
    for given_rows in (rows, rows.T, rows[::-1]):
        found = unpacked(packed(given_rows))
        assert found.shape == given_rows.shape
        np.testing.assert_array_equal(found, given_rows)

"""Workers that do not see the same photographs are told apart before anything trains."""

from __future__ import annotations

import json

import numpy as np
import pytest

from retdsl.runtime.errors import RunError
from retdsl.runtime.same_everywhere import require_same_everywhere
from retdsl.runtime.workers import Workers


class Three(Workers):
    """Three workers, of whom the others say this."""

    count = 3

    def __init__(self, *others):
        self.others = others

    def joined(self, columns):
        texts = [columns["text"].tobytes(), *(json.dumps(other).encode() for other in self.others)]
        return {
            "text": np.frombuffer(b"".join(texts), np.uint8),
            "length": np.array([len(text) for text in texts]),
        }


def test_workers_that_see_the_same_are_named_by_their_machines():
    workers = Three({"host": "b", "photographs": 8}, {"host": "c", "photographs": 8})
    assert require_same_everywhere(workers, {"photographs": 8})[1:] == ["b", "c"]


def test_every_difference_is_told_with_its_machine():
    workers = Three({"host": "b", "photographs": 7, "program": "x"}, {"host": "c", "photographs": 8, "program": "y"})
    with pytest.raises(RunError) as caught:
        require_same_everywhere(workers, {"photographs": 8, "program": "x"})
    said = str(caught.value)
    assert "photographs: worker 1 on b has 7, worker 0 on" in said
    assert "program: worker 2 on c has y" in said
    assert "has 8\n" in said

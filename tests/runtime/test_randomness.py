"""Streams depend on their key alone."""

from __future__ import annotations

import subprocess
import sys

from retdsl.runtime.randomness import generator, stable_hash


def test_equal_keys_equal_streams() -> None:
    assert (generator(1, 2, "a").random(5) == generator(1, 2, "a").random(5)).all()


def test_every_part_of_the_key_counts() -> None:
    keys = [(1, 2, "a"), (2, 1, "a"), (1, 2, "b"), (1, 2), (1, 2, "a", 0), (1, 2, "a", 1), (-1, 2, "a")]
    assert len({generator(*key).random() for key in keys}) == len(keys)


def test_the_stable_hash_is_the_same_in_every_process() -> None:
    code = "from retdsl.runtime.randomness import *; print(stable_hash('images/1.jpeg'), generator(7, 'ä').random())"
    answers = {subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout for _ in range(2)}
    assert answers == {f"{stable_hash('images/1.jpeg')} {generator(7, 'ä').random()}\n"}

"""Random numbers that depend on a key and on nothing else: not on threads, order, machine, or what was drawn before.

Enters: a key of numbers and names, such as (seed, epoch, "images/1_left.jpeg", occurrence). Leaves: NumPy's generator
of that key, or a `Chance`, which has uniform numbers only and costs a tenth to begin.
Guaranteed: equal keys give equal streams, in every process; other keys give streams that have nothing to do with them.
"""

from __future__ import annotations

import struct
from hashlib import blake2b

import numpy as np

UINT64 = 2**64 - 1

A_HASH = struct.Struct("<8Q")
"""The eight numbers of 64 bits that a hash of 64 bytes is."""


def generator(*key: int | str) -> np.random.Generator:
    """The generator of `key`; negative numbers count modulo 2^64, names by a stable hash."""
    words = [stable_hash(part) if isinstance(part, str) else part & UINT64 for part in key]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(words)))


def stable_hash(text: str) -> int:
    """64 bits of BLAKE2b: Python's own `hash` of a text differs from process to process."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


class Chance:
    """Uniform random numbers of `key`, for whoever needs few of them, for many keys.

    They are the BLAKE2b hashes of the key and a counter, 53 bits a number. Methods are called as those of NumPy's
    generators.
    """

    __slots__ = ("_hashed", "_key", "_numbers")

    def __init__(self, *key: int | str) -> None:
        self._key = repr([part if isinstance(part, str) else int(part) for part in key])
        self._hashed = 0
        self._numbers: list[int] = []

    def random(self) -> float:
        """From 0 to 1, without 1."""
        if not self._numbers:
            text = f"{self._key}{self._hashed}".encode("utf-8", "surrogatepass")
            self._numbers.extend(A_HASH.unpack(blake2b(text, digest_size=A_HASH.size).digest()))
            self._hashed += 1
        return (self._numbers.pop() >> 11) * 2.0**-53

    def uniform(self, low: float, high: float) -> float:
        """From `low` to `high`."""
        return low + (high - low) * self.random()

    def integers(self, count: int) -> int:
        """A whole number from 0 to `count` - 1."""
        return int(self.random() * count)

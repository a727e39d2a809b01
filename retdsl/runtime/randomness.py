"""Random numbers that depend on a key and on nothing else: not on threads, order, machine, or what was drawn before.

Enters: a key of numbers and names, such as (seed, epoch, "images/1_left.jpeg", occurrence). Leaves: a generator.
Guaranteed: equal keys give equal streams, in every process; other keys give streams that have nothing to do with them.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np

UINT64 = 2**64 - 1


def generator(*key: int | str) -> np.random.Generator:
    """The generator of `key`; negative numbers count modulo 2^64, names by a stable hash."""
    words = [stable_hash(part) if isinstance(part, str) else part & UINT64 for part in key]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(words)))


def stable_hash(text: str) -> int:
    """64 bits of BLAKE2b: Python's own `hash` of a text differs from process to process."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")

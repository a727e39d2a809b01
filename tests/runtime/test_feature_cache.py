"""Rows of features: what was kept comes back to the bit, and nothing else ever does."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from retdsl.runtime.feature_cache import FeatureCache, Rows

SHAPES = {"cut0": (4, 3, 3), "cut1": (5,)}
KEY = b"k" * 32


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETDSL_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("RETDSL_CACHE_LIMIT", raising=False)


def rows(chain: str = "chain", shapes=SHAPES) -> Rows:
    return Rows(FeatureCache(chain), shapes)


def row(seed: int = 0):
    random = np.random.default_rng(seed)
    return tuple(random.normal(size=shape).astype(np.float32) for shape in SHAPES.values())


def same(one, other) -> bool:
    return all(np.array_equal(a, b) and a.shape == b.shape for a, b in zip(one, other, strict=True))


def test_another_process_finds_the_same_bits() -> None:
    first, kept = rows(), row()
    first.keep(KEY, kept)
    assert same(first.find(KEY), kept)
    assert same(rows().find(KEY), kept)
    assert rows().find(b"o" * 32) is None


def test_another_chain_knows_nothing() -> None:
    rows().keep(KEY, row())
    assert rows("another chain").find(KEY) is None


def test_numbers_that_are_none_are_kept_as_they_are() -> None:
    kept = (np.full((4, 3, 3), np.nan, np.float32), np.array([np.inf, -0.0, 1e-45, 0, 1], np.float32))
    rows().keep(KEY, kept)
    found = rows().find(KEY)
    assert [a.tobytes() for a in found] == [a.tobytes() for a in kept]


def test_a_row_of_another_size_or_with_another_bit_is_none() -> None:
    rows().keep(KEY, row())
    other = rows(shapes={"cut0": (7,)})
    assert other.find(KEY) is None
    assert other.damaged == 1
    again = rows()
    [pixels] = again.cache.folder.glob("*.pixels")
    data = bytearray(pixels.read_bytes())
    data[3] ^= 1
    pixels.write_bytes(data)
    assert again.find(KEY) is None
    assert again.find(KEY) is None
    assert again.damaged == 1
    again.keep(KEY, row(1))
    assert same(again.find(KEY), row(1))


@pytest.mark.parametrize("fills_up", [False, True])
def test_what_is_cut_short_while_it_is_used_is_not_there(fills_up: bool) -> None:
    """Whatever is written afterwards: behind the cut a file is zeros as far as that."""
    known = rows()
    for key in (KEY, b"o" * 32):
        known.keep(key, row())
        assert known.knows(key)
    for pixels in known.cache.folder.glob("*.pixels"):
        os.truncate(pixels, 10)
    if fills_up:
        known.keep(b"n" * 32, row(1))
        assert same(known.find(b"n" * 32), row(1))
    assert known.find(KEY) is None
    assert known.find(b"o" * 32) is None
    assert known.damaged == 2
    assert not known.knows(KEY)
    known.keep(KEY, row(2))
    assert same(known.find(KEY), row(2))

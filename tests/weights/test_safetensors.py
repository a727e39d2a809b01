"""safetensors: read as its own library writes it; each rule of the format has a file that breaks it."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading import GOLDEN, arrays, described, refusal, same_numbers
from safetensors_files import CODES, SOME, entry, safetensors_bytes, with_header

PLAIN = {
    "conv.weight": np.arange(24).reshape(2, 3, 2, 2),
    "bn.running_mean": np.array([0, 0.5]),
    "bn.num_batches_tracked": np.array(7),
    "half": np.arange(3),
    "brain": np.arange(3) / 4,
    "mask": np.arange(2),
}
"""The numbers in the golden files."""


def test_what_the_library_writes(tmp_path: Path) -> None:
    content = (GOLDEN / "plain.safetensors").read_bytes()
    assert described(content).format == "safetensors"
    assert described(content).metadata == {"format": "pt"}
    same_numbers(arrays(content, tmp_path), PLAIN)


@pytest.mark.parametrize("dtype", CODES)
def test_every_number_type(dtype: str, tmp_path: Path) -> None:
    array = np.array([[0, 1, 2], [3, 100, 1]]).astype(dtype)
    content = safetensors_bytes({"x": array})
    assert np.dtype(described(content).tensors["x"].dtype) == array.dtype
    same_numbers(arrays(content, tmp_path), {"x": array})


def test_names_may_come_in_another_order_than_numbers(tmp_path: Path) -> None:
    header = {"b": entry("U8", [1], 1, 2), "none": entry("F32", [0, 3], 1, 1), "a": entry("U8", [1], 0, 1)}
    content = with_header(json.dumps(header).encode() + b"   ", b"\x05\x06")
    same_numbers(arrays(content, tmp_path), {"b": np.array([6]), "none": np.empty((0, 3)), "a": np.array([5])})


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ({"x": entry("F32", [1], 0, 8)}, "its shape [1] needs 4"),
        ({"x": entry("F32", [2**62, 2**62], 0, 4)}, "needs"),
        ({"x": entry("F32", [1], 4, 8)}, "does not follow"),
        ({"x": entry("F32", [1], 0, 4), "y": entry("F32", [1], 0, 4)}, "overlaps"),
        ({"x": entry("F32", [1], 0, 4), "y": entry("F32", [1], 2, 6)}, "overlaps"),
        ({"x": entry("F32", [1], 0, 4)}, "4 bytes of it belong to no tensor"),
        ({"x": entry("F32", [3], 0, 12)}, "truncated"),
        ({"x": entry("F32", [-1], 0, -4)}, "'x' wrongly"),
        ({"x": entry("F32", [True], 0, 4)}, "'x' wrongly"),
        ({"x": entry("F32", [2.0], 0, 8)}, "'x' wrongly"),
        ({"x": entry("F32", 2, 0, 8)}, "'x' wrongly"),
        ({"x": entry("F32", [1] * 33, 0, 4)}, "'x' wrongly"),
        ({"x": {"dtype": "F32", "shape": [2]}}, "'x' wrongly"),
        ({"x": {**entry("F32", [2], 0, 8), "more": 1}}, "'x' wrongly"),
        ({"x": 3}, "'x' wrongly"),
        ({"x": entry("F8_E4M3", [8], 0, 8)}, "'F8_E4M3', which is not supported"),
        ({"__metadata__": {"a": 3}}, "not text"),
        ({"__metadata__": ["a"]}, "not text"),
        ({}, "belong to no tensor"),
        (b'{"x": {}, "x": {}}', "one name twice"),
        (b'{"x": ' + b"[" * 100_000, "not the JSON"),
        (b'{"x": ' + b"9" * 100_000 + b"}", ""),
        (b'{"x": "\xff"}', "not the JSON"),
        (b"{,}", "not the JSON"),
        ({"a\x1b[31m": entry("F32", [2], 0, 8)}, "whose name is no name"),
        ({"": {}, "x" * 2000: entry("F32", [2], 0, 8)}, "wrongly"),
    ],
)
def test_rules_that_are_broken(header: Any, words: str) -> None:
    assert words in refusal(with_header(header, bytes(8)))


def test_a_header_that_claims_to_be_huge() -> None:
    assert "4,194,304 are allowed" in refusal((1 << 31).to_bytes(8, "little") + b"{" + bytes(100))
    assert "101 are there" in refusal((1000).to_bytes(8, "little") + b"{" + bytes(100))


@given(st.text("{}[]:,\"' 0123456789.eFx-", max_size=100))
def test_no_header_escapes_as_another_error(text: str) -> None:
    refusal(with_header(b"{" + text.encode(), bytes(3)))


def test_many_small_values_cost_little_memory() -> None:
    content = with_header(b'{"x": [' + b"[]," * 1_300_000 + b"[]]}")
    tracemalloc.start()
    try:
        refusal(content)
        assert tracemalloc.get_traced_memory()[1] < 150_000_000
    finally:
        tracemalloc.stop()


def test_written_by_hand_and_read(tmp_path: Path) -> None:
    same_numbers(arrays(safetensors_bytes(SOME, {"from": "here"}), tmp_path), SOME)

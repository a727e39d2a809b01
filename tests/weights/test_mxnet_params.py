"""MXNet's params files: every layout since 2015 read as MXNet itself reads it, damaged ones refused in words."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from params_files import FLAGS, LAYOUTS, SOME, array_bytes, params_bytes, params_parts
from reading import arrays, described, refusal, same_numbers

from retdsl.runtime.mx import mx
from retdsl.weights.mxnet_params import ONLY


def test_what_mxnet_saves(tmp_path: Path) -> None:
    path = tmp_path / "net-0001.params"
    mx.nd.save(str(path), {name: mx.nd.array(array) for name, array in SOME.items()})
    assert list(described(path.read_bytes()).tensors) == list(SOME)
    same_numbers(arrays(path.read_bytes(), tmp_path), SOME)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_read_as_mxnet_reads_it(layout: int, tmp_path: Path) -> None:
    path = tmp_path / "net-0001.params"
    path.write_bytes(params_bytes(SOME, layout))
    with mx.util.np_shape(layout == 3):  # MXNet reads this layout only when shapes mean what they mean in NumPy
        theirs = mx.nd.load(str(path))
    assert list(described(path.read_bytes()).tensors) == list(theirs) == list(SOME)
    same_numbers(arrays(path.read_bytes(), tmp_path), SOME)
    same_numbers(arrays(path.read_bytes(), tmp_path), {name: array.asnumpy() for name, array in theirs.items()})


@pytest.mark.parametrize("dtype", FLAGS)
def test_every_number_type(dtype: str, tmp_path: Path) -> None:
    array = np.array([[0, 1, 2], [3, 100, 1]]).astype(dtype)
    content = params_bytes({"x": array})
    assert np.dtype(described(content).tensors["x"].dtype) == array.dtype
    same_numbers(arrays(content, tmp_path), {"x": array})


def test_bfloat16(tmp_path: Path) -> None:
    numbers = np.array([1.5, -2], "f4").view("u4") >> 16
    one = struct.pack("<IiIqiii", 0xF993FAC9, 0, 1, 2, 1, 0, 12) + numbers.astype("<u2").tobytes()
    same_numbers(arrays(params_parts([one], ["x"]), tmp_path), {"x": np.array([1.5, -2])})


def test_an_array_saved_alone_needs_no_name(tmp_path: Path) -> None:
    path = tmp_path / "mean.nd"
    mx.nd.save(str(path), [mx.nd.arange(3)])
    same_numbers(arrays(path.read_bytes(), tmp_path), {ONLY: np.arange(3)})


@given(st.binary(max_size=120))
def test_no_bytes_escape_as_another_error(tail: bytes) -> None:
    for content in (tail, struct.pack("<QQQ", 0x112, 0, 1) + tail):
        refusal(content)


@pytest.mark.parametrize(
    "content",
    [
        struct.pack("<QQQ", 0x112, 0, 2**62),
        struct.pack("<QQQIiIqq", 0x112, 0, 1, 0xF993FAC9, 0, 2, 2**31, 2**31) + struct.pack("<iii", 1, 0, 0),
        struct.pack("<QQQIiIq", 0x112, 0, 1, 0xF993FAC9, 0, 1, -4) + struct.pack("<iii", 1, 0, 0),
        struct.pack("<QQQI", 0x112, 0, 1, 2**32 - 1) + bytes(100),
        params_parts([array_bytes(np.zeros(1, "f4"), 2)], [])[:-8] + struct.pack("<QQ", 1, 2**60) + b"x",
    ],
)
def test_lying_lengths_cost_no_memory(content: bytes) -> None:
    tracemalloc.start()
    try:
        refusal(content)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_what_is_not_supported_is_said() -> None:
    sparse = struct.pack("<Ii", 0xF993FAC9, 1) + bytes(60)
    assert "sparse" in refusal(params_parts([sparse], ["x"]))
    odd = struct.pack("<IiIqiii", 0xF993FAC9, 0, 1, 1, 1, 0, 13) + bytes(2)
    assert "type flag 13" in refusal(params_parts([odd], ["x"]))
    unnamed = [array_bytes(array, 2) for array in SOME.values()]
    assert "named" in refusal(params_parts(unnamed, []))
    assert "named" in refusal(params_parts(unnamed, ["a", "b", "a"]))

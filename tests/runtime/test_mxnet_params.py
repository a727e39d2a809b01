"""MXNet's params files: every layout since 2015 read as MXNet itself reads it, damaged ones refused in words."""

from __future__ import annotations

import contextlib
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from params_files import FLAGS, LAYOUTS, SOME, array_bytes, params_bytes, params_parts

from retdsl.runtime.errors import RunError
from retdsl.runtime.mx import mx
from retdsl.runtime.mxnet_params import parse_params, read_params


def refusal(content: bytes) -> str:
    with pytest.raises(RunError) as caught:
        parse_params(content, "net-0001.params")
    assert caught.value.where == "net-0001.params"
    return str(caught.value)


def test_what_mxnet_saves(tmp_path: Path) -> None:
    path = tmp_path / "net-0001.params"
    mx.nd.save(str(path), {name: mx.nd.array(array) for name, array in SOME.items()})
    found = read_params(path)
    assert list(found) == list(SOME)
    for name, array in SOME.items():
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_read_as_mxnet_reads_it(layout: int, tmp_path: Path) -> None:
    path = tmp_path / "net-0001.params"
    path.write_bytes(params_bytes(SOME, layout))
    ours = read_params(path)
    with mx.util.np_shape(layout == 3):  # MXNet reads this layout only when shapes mean what they mean in NumPy
        theirs = mx.nd.load(str(path))
    assert list(ours) == list(theirs) == list(SOME)
    for name, array in SOME.items():
        np.testing.assert_array_equal(ours[name], array)
        np.testing.assert_array_equal(theirs[name].asnumpy(), array)


@pytest.mark.parametrize("dtype", FLAGS)
def test_every_number_type(dtype: str) -> None:
    array = np.array([[0, 1, 2], [3, 100, 1]]).astype(dtype)
    found = parse_params(params_bytes({"x": array}), "x")["x"]
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_truncation_is_refused(layout: int) -> None:
    content = params_bytes(SOME, layout)
    for size in range(len(content)):
        refusal(content[:size])


def test_no_flipped_bit_escapes_as_another_error() -> None:
    content = params_bytes(SOME)
    for position in range(len(content)):
        for bit in range(8):
            damaged = bytearray(content)
            damaged[position] ^= 1 << bit
            with contextlib.suppress(RunError):
                parse_params(bytes(damaged), "net-0001.params")


@given(st.binary(max_size=120))
def test_no_bytes_escape_as_another_error(tail: bytes) -> None:
    for content in (tail, struct.pack("<QQQ", 0x112, 0, 1) + tail):
        with contextlib.suppress(RunError):
            parse_params(content, "net-0001.params")


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
    bfloat16 = struct.pack("<IiIqiii", 0xF993FAC9, 0, 1, 1, 1, 0, 12) + bytes(2)
    assert "type flag 12" in refusal(params_parts([bfloat16], ["x"]))
    unnamed = [array_bytes(array, 2) for array in SOME.values()]
    assert "named" in refusal(params_parts(unnamed, []))
    assert "named" in refusal(params_parts(unnamed, ["a", "b", "a"]))
    assert "does not start as one" in refusal(b"version https://git-lfs.github.com/spec/v1\n")


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot be read"):
        read_params(tmp_path)

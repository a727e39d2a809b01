"""PyTorch's old weights files: read rightly when they are right, refused in words when they are not."""

from __future__ import annotations

import contextlib
import os
import pickle
import struct
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch_files import (
    MAGIC,
    STORAGE_NAMES,
    SYSTEM,
    Call,
    Global,
    Raw,
    Reference,
    encode,
    pickled,
    plain_file,
    storage,
    tensor,
    torch_file,
)

from retdsl.runtime.errors import RunError
from retdsl.runtime.torch_pickle import parse_torch_pickle, read_torch_pickle

SMALL = plain_file({"fc.weight": np.arange(6, dtype="f4").reshape(2, 3), "fc.bias": np.array([7, 8], "f4")})


def refusal(content: bytes) -> str:
    with pytest.raises(RunError) as caught:
        parse_torch_pickle(content, "weights.pth")
    assert caught.value.where == "weights.pth"
    return str(caught.value)


@pytest.mark.parametrize("dtype", STORAGE_NAMES)
def test_every_number_type(dtype: str) -> None:
    array = np.array([[0, 1, 2], [3, 100, 1]]).astype(dtype)
    found = parse_torch_pickle(plain_file({"x": array}), "x.pth")
    assert found["x"].dtype == array.dtype
    np.testing.assert_array_equal(found["x"], array)


def test_order_and_names_are_kept() -> None:
    assert list(parse_torch_pickle(SMALL, "x.pth")) == ["fc.weight", "fc.bias"]


def test_strides_offsets_and_shared_storages() -> None:
    data = np.arange(24, dtype="f4")
    held = storage("1", "float32", 24)
    found = parse_torch_pickle(
        torch_file(
            {
                "transposed": tensor(held, (4, 6), (1, 4)),
                "row": tensor(held, (6,), (1,), 12),
                "scalar": tensor(held, (), (), 5),
                "empty": tensor(held, (0, 3), (3, 1)),
                "last": tensor(held, (1, 1), (99, 99), 23),
            },
            {"1": data},
        ),
        "x.pth",
    )
    np.testing.assert_array_equal(found["transposed"], data.reshape(6, 4).T)
    np.testing.assert_array_equal(found["row"], data[12:18])
    assert found["scalar"].shape == ()
    assert found["scalar"] == 5
    assert found["empty"].shape == (0, 3)
    assert found["last"].item() == 23


def test_arrays_are_read_only_views() -> None:
    with pytest.raises(ValueError, match="read-only"):
        parse_torch_pickle(SMALL, "x.pth")["fc.bias"][0] = 1


def test_dict_attributes_are_ignored() -> None:
    built = encode(Call(Global("collections", "OrderedDict"), ())) + encode({"_metadata": {"version": 2}}) + b"b"
    assert parse_torch_pickle(torch_file(Raw(built), {}), "x.pth") == {}


def test_every_truncation_is_refused() -> None:
    for size in range(len(SMALL)):
        refusal(SMALL[:size])


def test_no_flipped_bit_escapes_as_another_error() -> None:
    for position in range(len(SMALL)):
        for bit in range(8):
            damaged = bytearray(SMALL)
            damaged[position] ^= 1 << bit
            with contextlib.suppress(RunError):
                parse_torch_pickle(bytes(damaged), "weights.pth")


@given(st.binary(max_size=200))
def test_no_bytes_escape_as_another_error(tail: bytes) -> None:
    head = b"".join(map(pickled, (MAGIC, 1001, SYSTEM)))
    for content in (tail, b"\x80\x02" + tail, head + b"\x80\x02" + tail):
        with contextlib.suppress(RunError):
            parse_torch_pickle(content, "weights.pth")


class Touches:
    """Pickles as a command that leaves a file behind when it is run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("protocol", range(6))
def test_code_is_named_and_never_run(protocol: int, tmp_path: Path) -> None:
    trap = tmp_path / "was here"
    evil = pickle.dumps({"fc.weight": Touches(trap)}, protocol)
    honest_start = b"".join(map(pickled, (MAGIC, 1001, SYSTEM)))
    message = refusal(honest_start + evil)
    if protocol >= 2:
        assert "posix.mkdir" in message
        assert "nothing of it was run" in message
    refusal(evil)
    assert not trap.exists()
    pickle.loads(evil)
    assert trap.exists(), "the trap itself must work, or this test shows nothing"


@pytest.mark.parametrize(
    "name",
    ["builtins eval", "torch._utils _rebuild_parameter", "torch BFloat16Storage", "torch.nn Linear", "numpy load"],
)
def test_whatever_else_is_asked_for_is_named(name: str) -> None:
    module, attribute = name.split()
    assert f"{module}.{attribute}" in refusal(torch_file({"x": Call(Global(module, attribute), ("1",))}, {}))


def test_no_module_is_imported() -> None:
    refusal(torch_file({"x": Global("antigravity", "fly")}, {}))
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize(
    "held",
    [
        Reference(("module", Global("torch", "FloatStorage"), "a.py", "import os")),
        Reference(("storage", Global("collections", "OrderedDict"), "1", "cpu", 4, None)),
        Reference(("storage", Global("torch", "FloatStorage"), "1", "cpu", -4, None)),
        Reference(("storage", Global("torch", "FloatStorage"), "1", "cpu", True, None)),
        Reference(("storage", Global("torch", "FloatStorage"), "1", "cpu", 4, ("view", 0, 2))),
        Reference("1"),
        Call(storage("1", "float32", 4), ()),
        Call(Global("torch", "FloatStorage"), (4,)),
        {},
        3,
    ],
)
def test_only_storages_hold_numbers(held: Any) -> None:
    refusal(torch_file({"x": tensor(held, (4,), (1,))}, {"1": np.zeros(4, "f4")}))


@pytest.mark.parametrize(
    ("shape", "strides", "offset"),
    [
        ((5,), (1,), 0),
        ((4,), (1,), 1),
        ((2, 2), (3, 1), 0),
        ((2, 2), (1,), 0),
        ((-1,), (1,), 0),
        ((4,), (-1,), 3),
        ((4,), (1,), -1),
        ((2,), (2**62,), 0),
        ((1,), (2**62,), 0),
        ((2**40,), (0,), 0),
        ((2**40, 2**40), (0, 0), 0),
        ((0, 2**62, 2**62), (1, 1, 1), 0),
        ((1,) * 33, (1,) * 33, 0),
        ((1.0,), (1,), 0),
        ([4], (1,), 0),
        (4, 1, 0),
    ],
)
def test_tensors_that_claim_what_they_do_not_have(shape: Any, strides: Any, offset: Any) -> None:
    refusal(torch_file({"x": tensor(storage("1", "float32", 4), shape, strides, offset)}, {"1": np.zeros(4, "f4")}))


def test_what_is_no_tensor_is_refused_by_its_name() -> None:
    assert "'epoch'" in refusal(torch_file({"epoch": 3}, {}))
    assert "not text" in refusal(torch_file({3: 3}, {}))
    assert "named tensors" in refusal(torch_file([1, 2], {}))


def test_storages_that_do_not_match_their_description() -> None:
    x = {"x": tensor(storage("1", "float32", 4), (4,), (1,))}
    refusal(torch_file(x, {}))
    refusal(torch_file(x, {"2": np.zeros(4, "f4")}))
    refusal(torch_file(x, {"1": np.zeros(3, "f4")}))
    refusal(torch_file(x, {"1": np.zeros(5, "f4")}))
    two = {**x, "y": tensor(storage("1", "float32", 3), (3,), (1,))}
    assert "in two ways" in refusal(torch_file(two, {"1": np.zeros(4, "f4")}))


@pytest.mark.parametrize(
    "code",
    [
        b"r\xff\xff\xff\xffN",  # a place in the memo that would need 32 GiB
        b"X\xff\xff\xff\x7fabc",  # a text of 2 GiB
        b"\x8d" + struct.pack("<Q", 2**62) + b"abc",  # one of 4 EiB
        b"\x96" + struct.pack("<Q", 2**40) + b"abc",  # a bytearray of 1 TiB
        b"\x8b\xff\xff\xff\x7f",  # an integer of 2 GiB
        b"(" * 100_000,
        b")" + b"\x85" * 100_000,  # a tuple in a tuple in a tuple
        b")" + b"\x85" * 100_000 + b"N\x93",  # the same as the name of a module
        b")" + b"q\x00h\x00\x86" * 100 + b"N\x93",  # pairs of pairs of pairs, 2 to the power of 100 in all
    ],
)
def test_lying_lengths_cost_no_memory(code: bytes) -> None:
    tracemalloc.start()
    try:
        refusal(torch_file(Raw(b"}" + code), {}))
        huge = tensor(storage("1", "float32", 2**50), (2**50,), (1,))
        refusal(torch_file({"x": huge}, {"1": np.zeros(4, "f4")}))
        assert tracemalloc.get_traced_memory()[1] < 40_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"PK\x03\x04" + bytes(100), "newer zip format"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 18826032\n", "Git LFS pointer"),
        (b"<!DOCTYPE html><title>404</title>", "does not start as one"),
        (pickle.dumps({"fc.weight": [1.0]}, 2), "does not start as one"),
        (b"".join(map(pickled, (MAGIC, 1002))), "another version"),
        (b"".join(map(pickled, (MAGIC, 1001, {**SYSTEM, "little_endian": False}))), "big-endian"),
    ],
)
def test_other_files_are_told_apart(content: bytes, words: str) -> None:
    assert words in refusal(content)


def test_long_names_are_cut_in_messages() -> None:
    assert len(refusal(torch_file({"x" * 10_000: 3}, {}))) < 500
    assert len(refusal(torch_file({"x": Global("os", "x" * 10_000)}, {}))) < 500


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.pth"):
        with pytest.raises(RunError, match="cannot be read") as caught:
            read_torch_pickle(path)
        assert caught.value.where == str(path)

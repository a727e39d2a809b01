"""PyTorch's old weights files: read rightly when they are right, refused in words when they are not."""

from __future__ import annotations

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
from reading import arrays, described, refusal, same_numbers
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

SMALL = {"fc.weight": np.arange(6, dtype="f4").reshape(2, 3), "fc.bias": np.array([7, 8], "f4")}


@pytest.mark.parametrize("dtype", STORAGE_NAMES)
def test_every_number_type(dtype: str, tmp_path: Path) -> None:
    array = np.array([[0, 1, 2], [3, 100, 1]]).astype(dtype)
    content = plain_file({"x": array})
    assert np.dtype(described(content).tensors["x"].dtype) == array.dtype
    same_numbers(arrays(content, tmp_path), {"x": array})


def test_order_and_names_are_kept() -> None:
    assert list(described(plain_file(SMALL)).tensors) == ["fc.weight", "fc.bias"]


def test_strides_offsets_and_shared_storages(tmp_path: Path) -> None:
    data = np.arange(24, dtype="f4")
    held = storage("1", "float32", 24)
    tensors = {
        "transposed": tensor(held, (4, 6), (1, 4)),
        "row": tensor(held, (6,), (1,), 12),
        "scalar": tensor(held, (), (), 5),
        "empty": tensor(held, (0, 3), (3, 1)),
        "last": tensor(held, (1, 1), (99, 99), 23),
    }
    expected = {
        "transposed": data.reshape(6, 4).T,
        "row": data[12:18],
        "scalar": data[5],
        "empty": np.empty((0, 3)),
        "last": data[23:].reshape(1, 1),
    }
    same_numbers(arrays(torch_file(tensors, {"1": data}), tmp_path), expected)


ONE = tensor(storage("1", "float32", 1), (1,), (1,))


def names(saved: Any) -> list[str]:
    """The tensors of a file with one storage."""
    return list(described(torch_file(saved, {"1": np.ones(1, "f4")})).tensors)


def test_names_written_by_python_2() -> None:
    assert names(Raw(b"}U\x07fc.bias" + encode(ONE) + b"s")) == ["fc.bias"]


def test_attributes_are_ignored() -> None:
    versions = encode({"_metadata": {"version": 2}}) + b"b"
    mapping = encode(Call(Global("collections", "OrderedDict"), ())) + encode("x") + encode(ONE) + b"s"
    assert names(Raw(mapping + versions)) == ["x"]


def test_parameters_of_every_age() -> None:
    hooks = Call(Global("collections", "OrderedDict"), ())
    parameter = Global("torch.nn.parameter", "Parameter")
    first = Call(Global("torch._utils", "_rebuild_tensor"), ONE.arguments[:4])
    made = Raw(encode(parameter) + encode((first,)) + b"\x81" + encode((True, False, hooks)) + b"b")
    recent = Call(Global("torch._utils", "_rebuild_parameter"), (ONE, True, hooks))
    assert names({"first": made, "recent": recent}) == ["first", "recent"]


def test_the_axes_of_length_one_may_have_any_stride(tmp_path: Path) -> None:
    held = storage("1", "float32", 4)
    content = torch_file({"x": tensor(held, (1, 2), (2**62, 3))}, {"1": np.arange(4, dtype="f4")})
    same_numbers(arrays(content, tmp_path), {"x": np.array([[0, 3]])})


@given(st.binary(max_size=200))
def test_no_bytes_escape_as_another_error(tail: bytes) -> None:
    head = b"".join(map(pickled, (MAGIC, 1001, SYSTEM)))
    for content in (tail, b"\x80\x02" + tail, head + b"\x80\x02" + tail):
        refusal(content)


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
    ["builtins eval", "torch._utils _rebuild_qtensor", "posix system", "torch.nn Linear", "numpy load"],
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
        (pickle.dumps({"fc.weight": [1.0]}, 2), "not one of PyTorch's"),
        (pickle.dumps(np.zeros(3), 2), "not one of PyTorch's"),
        (b"".join(map(pickled, (MAGIC, 1002))), "another version"),
        (b"".join(map(pickled, (MAGIC, 1001, {**SYSTEM, "little_endian": False}))), "big-endian"),
    ],
)
def test_other_files_are_told_apart(content: bytes, words: str) -> None:
    assert words in refusal(content)


def test_long_names_are_cut_in_messages() -> None:
    assert len(refusal(torch_file({"x" * 10_000: 3}, {}))) < 500
    assert len(refusal(torch_file({"x": Global("os", "x" * 10_000)}, {}))) < 500

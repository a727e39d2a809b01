"""What people give to torch.save: the one network in it is found, or it is said why there is none or more than one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading import GOLDEN, arrays, described, refusal, same_numbers
from torch_files import Call, Global, Raw, encode, storage, tensor, torch_file, zip_file

ONE = tensor(storage("1", "float32", 4), (4,), (1,))
SCALAR = tensor(storage("1", "float32", 4), (), ())
NUMBERS = {"1": np.arange(4, dtype="f4")}

either = pytest.mark.parametrize("write", [torch_file, zip_file])
Write = Callable[[Any, Any], bytes]


@pytest.mark.parametrize("name", ["checkpoint.pth", "checkpoint_old.pth"])
def test_a_checkpoint_of_training(name: str, tmp_path: Path) -> None:
    content = (GOLDEN / name).read_bytes()
    same_numbers(arrays(content, tmp_path), {"0.weight": np.array([[0, 1]]), "0.bias": np.array([0])})
    assert described(content).metadata == {"epoch": "3", "arch": "tiny"}


@pytest.mark.parametrize("name", ["training.pth", "training_old.pth"])
def test_what_training_scripts_save_beside_the_network(name: str, tmp_path: Path) -> None:
    content = (GOLDEN / name).read_bytes()
    same_numbers(arrays(content, tmp_path), {"0.weight": np.array([[0, 1]]), "0.bias": np.array([0])})
    assert described(content).metadata == {}


def test_a_class_of_their_own_is_named() -> None:
    config = Call(Global("mylab.config", "Config"), ())
    assert "'mylab.config.Config'" in refusal(torch_file({"model": {"x": ONE}, "config": config}, NUMBERS))


def test_what_cannot_be_shown_is_not_kept() -> None:
    saved = {"x": ONE, "arch": "tiny", "log": "a\nb", "a\x1b[2J": "x", "long": "x" * 1000}
    assert described(torch_file(saved, NUMBERS)).metadata == {"arch": "tiny"}


def test_a_whole_model_is_told_from_other_code() -> None:
    message = refusal((GOLDEN / "whole_model.pth").read_bytes())
    assert "a whole model of the class 'torch.nn.modules.container.Sequential'" in message
    assert "torch.save(model.state_dict(), FILE)" in message


@either
def test_a_whole_model_with_a_class_of_its_own(write: Write) -> None:
    model = Raw(encode(Global("__main__", "Net")) + b")\x81" + encode({"training": True, "_modules": {}}) + b"b")
    assert "a whole model of the class '__main__.Net'" in refusal(write({"model": model}, {}))


def test_two_networks_side_by_side() -> None:
    message = refusal((GOLDEN / "two.pth").read_bytes())
    assert "'state_dict', 'state_dict_ema'" in message
    assert "torch.load(FILE)['state_dict']" in message


@either
@pytest.mark.parametrize(
    ("saved", "names"),
    [
        ({"x": ONE, "y": ONE}, ["x", "y"]),
        ({"model": {"x": ONE}}, ["x"]),
        ({"model": {"x": ONE, "steps": 3, "none": None, "more": [1, {2: 3}]}, "args": {"lr": 0.1}}, ["x"]),
        ({"x": ONE, "epoch": 3, "best": SCALAR}, ["x", "best"]),
        ({"net": {"x": ONE}, "best": SCALAR}, ["x"]),
        ({"module.x": ONE, "module.y": ONE}, ["x", "y"]),
        ({"_orig_mod.module.x": ONE}, ["x"]),
        ({"module.x": ONE, "y": ONE}, ["module.x", "y"]),
        ({"x": ONE, "optimizer": {"state": {0: {"momentum": ONE}}}}, ["x"]),
    ],
)
def test_the_network_is_found(write: Write, saved: Any, names: list[str]) -> None:
    assert list(described(write(saved, NUMBERS)).tensors) == names


@either
@pytest.mark.parametrize(
    ("saved", "words"),
    [
        ({"epoch": 3}, "no named tensors"),
        ({}, "no named tensors"),
        ([ONE], "does not hold named tensors"),
        (ONE, "does not hold named tensors"),
        ({3: ONE}, "under 3, which is no name"),
        ({"teacher": {"x": ONE}, "student": {"x": ONE}}, "('teacher', 'student')"),
        ({"model": {"x": ONE}, "centre": ONE}, "('model', 'centre')"),
        ({"deep": {"er": {"x": ONE}}}, "no named tensors"),
        ({(1, 2): ONE}, "neither text nor counts"),
        ({"x": {2**61 - 1: 1}}, "neither text nor counts"),
        ({"x": Call(Global("torch", "ComplexFloatStorage"), ())}, "numbers of the type 'torch.ComplexFloat'"),
        ({"\u202ex": ONE}, "whose name is no name"),
    ],
)
def test_what_holds_no_network_or_several(write: Write, saved: Any, words: str) -> None:
    assert words in refusal(write(saved, NUMBERS))


@either
@pytest.mark.parametrize(
    ("code", "words"),
    [
        (b"cposix\nsystem\nX\x02\x00\x00\x00id\x85R", "'posix.system'"),
        (b"cbuiltins\neval\nX\x01\x00\x00\x001\x85R", "'builtins.eval'"),
        (b"ccollections\nOrderedDict\nX\x01\x00\x00\x00x\x85R", "wrongly"),
        (b"ctorch\nFloatStorage\nK\x04\x85R", "no function"),
        (b"K\x01)R", "no function"),
        (b"\x80\x02}", "a pickle within a pickle"),
        (b"h\x63", "damaged"),
        (b"ios\nsystem\n", "INST"),
        (b"(os\nsystem\no", ""),
        (b"\x82\x01", "EXT1"),
        (b"2", "DUP"),
    ],
)
def test_pickles_that_want_more_than_to_describe_tensors(write: Write, code: bytes, words: str) -> None:
    message = refusal(write(Raw(b"}X\x01\x00\x00\x00x" + code + b"s"), NUMBERS))
    assert words in message


def test_lists_of_lists_of_lists() -> None:
    """Each list holds the one before ten times: as text it would have 10 to the power of 60 items."""
    lists = (b"](" + b"h%c" % i * 10 + b"eq%c" % (i + 1) for i in range(60))
    laughs = b"}" + b"".join(b"X\x01\x00\x00\x00x" + one + b"s" for one in (b"]q\x00", *lists))
    assert "no named tensors" in refusal(torch_file(Raw(laughs), {}))
    itself = b"}q\x00X\x01\x00\x00\x00xh\x00s"
    assert "no named tensors" in refusal(torch_file(Raw(itself), {}))


def test_the_number_of_instructions_is_bounded() -> None:
    assert "1,000,000 instructions" in refusal(torch_file(Raw(b"](" + b"]" * 1_000_001 + b"e"), {}))


INSTRUCTIONS = [bytes([code]) for code in b"()]}.NtuaesbRQ\x81\x85\x86\x87\x93\x94h\x00q\x01K\x02"]


@given(st.lists(st.sampled_from(INSTRUCTIONS), max_size=60))
def test_no_instructions_escape_as_another_error(code: list[bytes]) -> None:
    for write in (torch_file, zip_file):
        refusal(write(Raw(b"".join(code)), {}))

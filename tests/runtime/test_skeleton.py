"""The network in ONNX beside a program: taken only if it is that program's, and filled with numbers."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from spec_texts import TINY, checked

from retdsl.compiler import compile_experiment
from retdsl.runtime.errors import RunError
from retdsl.runtime.skeleton import filled, read_skeleton, require_onnx


@pytest.fixture
def program(tmp_path: Path) -> Path:
    found = checked(TINY).program
    assert found is not None
    return compile_experiment(found, found.experiments[0], tmp_path / "out", None)


def test_it_is_read_from_beside_its_program(program: Path) -> None:
    model = read_skeleton(program, "tiny")
    assert model is not None
    assert model.graph.input[0].name == "data"


def test_that_of_a_program_that_was_edited_is_left_alone(program: Path) -> None:
    program.write_text(program.read_text().replace("(8,", "(9,") + "\n")
    assert read_skeleton(program, "tiny") is None


def test_one_that_is_not_there_or_damaged_is_none(program: Path) -> None:
    assert read_skeleton(program, "other") is None
    path = program.with_name("tiny.onnx")
    path.write_bytes(path.read_bytes()[:100])
    assert read_skeleton(program, "tiny") is None
    path.write_bytes(b"")
    assert read_skeleton(program, "tiny") is None


def test_without_the_package_there_is_none(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert read_skeleton(program, "tiny") is None
    with pytest.raises(RunError, match="package `onnx`") as told:
        require_onnx()
    assert told.value.help == ("pip install 'retdsl[onnx]'",)


def test_what_is_filled_is_no_input_any_more(program: Path) -> None:
    model = read_skeleton(program, "tiny")
    shapes = {one.name: [axis.dim_value for axis in one.type.tensor_type.shape.dim] for one in model.graph.input[1:]}
    whole = filled(model, {name: np.ones(shape, np.float32) for name, shape in shapes.items()})
    assert [one.name for one in whole.graph.input] == ["data"]
    assert {one.name for one in whole.graph.initializer} >= set(shapes)
    assert len(model.graph.input) == 1 + len(shapes), "the skeleton itself stays as it is"
    onnx.checker.check_model(whole, full_check=True)

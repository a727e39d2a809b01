"""A part of a network by onnxruntime: what lies between the input and some layers, and the same bits in any batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from network_parts import SHAPE, Made, compiled

from retdsl.runtime.lowered import int8_model
from retdsl.runtime.onnx_part import SLICE, NotCarried, OnnxPart, part_of
from retdsl.runtime.skeleton import Model, read_skeleton


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("program"))


@pytest.fixture(scope="module")
def values(program: Path):
    return {name: array.asnumpy() for name, array in Made(program).inference.parameters.items()}


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).normal(size=(3 * SLICE - 1, *SHAPE)).astype(np.float32)


def part(program: Path, values, *outputs: str) -> Model:
    return part_of(read_skeleton(program, "tiny"), "data", SHAPE, outputs, values)


def test_it_holds_what_its_outputs_need_and_no_more(program, values) -> None:
    found = part(program, values, "a_relu")
    assert {tensor.name for tensor in found.graph.initializer} >= {"a_conv_weight"}
    assert not any(tensor.name.startswith("b_") for tensor in found.graph.initializer)
    assert [one.name for one in found.graph.input] == ["data"]


def test_what_is_missing_is_named(program, values) -> None:
    with pytest.raises(NotCarried, match="lacks no_such_layer"):
        part(program, values, "no_such_layer")
    with pytest.raises(NotCarried, match="lacks a_conv_weight"):
        part(program, {name: value for name, value in values.items() if name != "a_conv_weight"}, "a_relu")


def test_an_image_gives_the_same_bits_in_any_batch_by_any_number_of_threads(program, values, images) -> None:
    model = part(program, values, "a_relu", "sum")
    together = OnnxPart(model, "data", ["a_relu", "sum"], 2)(images)
    alone = OnnxPart(model, "data", ["a_relu", "sum"], 1)
    for at in (0, SLICE, len(images) - 1):
        for one, all_ in zip(alone(images[at : at + 1]), together, strict=True):
            assert np.array_equal(one[0], all_[at])


@pytest.mark.parametrize("count", [1, SLICE, SLICE + 1])
def test_int8_is_the_same_every_time_and_leaves_the_model_as_it_is(program, values, images, count) -> None:
    model = part(program, values, "sum")
    before = model.SerializeToString(deterministic=True)
    lower = [OnnxPart(int8_model(model, "data", images[:count]), "data", ["sum"], 1) for _ in range(2)]
    [one], [again], [exact] = (each(images) for each in (*lower, OnnxPart(model, "data", ["sum"], 1)))
    assert np.array_equal(one, again)
    assert 0 < np.linalg.norm(one - exact) / np.linalg.norm(exact) < 0.1
    assert model.SerializeToString(deterministic=True) == before

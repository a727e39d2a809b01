"""Networks in ONNX: the same answers as MXNet's, and files that others can read and take parts of."""

from __future__ import annotations

import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx_networks import answers, built, drawn
from spec_texts import TINY, checked

from retdsl.check.files import zoo_networks
from retdsl.compiler import compile_experiment
from retdsl.engines.onnx import Refused, emit_skeleton, skeleton
from retdsl.ir import Experiment, Program
from retdsl.runtime.export import by_mxnet, by_onnx
from retdsl.runtime.skeleton import filled, metadata_of
from retdsl.runtime.symbols import sym

SIZES = {"inception_bn": 224, "inception_v3": 75}
"""Height and width that a network needs at least, where an odd and small one does not do."""

SMALLEST = 33

ZOO = """
data photographs {{
  source = folder("nowhere")  classes = [a, b, c, d, e]
  image = photo => resize({size}, {size})
}}
backbone net = zoo({name}, classes = count(photographs.classes))
model whole = net => Softmax
train whole {{ model = whole  data = photographs  metrics = [balanced_accuracy] }}
"""


def experiment_of(text: str) -> Experiment:
    found = checked(text)
    assert found.program is not None, [each.message for each in found.diagnostics]
    return found.program.experiments[0]


@pytest.fixture(scope="module")
def tiny() -> Experiment:
    return experiment_of(TINY)


@pytest.fixture(scope="module")
def model(tiny: Experiment) -> Any:
    return onnx.load_model_from_string(skeleton(tiny, "the program"))


def agree(experiment: Experiment) -> None:
    expected, found = answers(experiment)
    scores, probabilities = expected
    assert np.ptp(scores) > 0.1, "the answers must differ, or this test shows nothing"
    assert np.abs(found[0] - scores).max() <= 1e-4 * np.abs(scores).max()
    assert np.abs(found[1] - probabilities).max() <= 1e-4


@pytest.mark.parametrize(
    "name",
    [
        "squeezenet1_1",
        *(pytest.param(n, marks=pytest.mark.slow) for n in sorted(zoo_networks()) if n != "squeezenet1_1"),
    ],
)
def test_a_network_of_the_zoo_answers_as_by_mxnet(name: str) -> None:
    agree(experiment_of(ZOO.format(name=name, size=SIZES.get(name, SMALLEST))))


@pytest.mark.parametrize(
    ("head", "more"),
    [
        ("Softmax", ""),
        ("WSoftmax(weights = inverse_frequency)", ""),
        ("FocalSoftmax(gamma = 2)", ""),
        ("Ordinal", ""),
        ("Sigmoid", 'csv("labels.csv", label = findings([edema, haemorrhage]))'),
    ],
)
def test_every_head_gives_probabilities(head: str, more: str) -> None:
    text = TINY.replace("WSoftmax(weights = inverse_frequency)", head)
    if more:
        text = text.replace("synthetic_fundus(60, ratio = 3 : 1, seed = 1, size = 64)", more)
    experiment = experiment_of(text)
    agree(experiment)
    loss = experiment.network.loss
    assert loss is not None
    made = onnx.load_model_from_string(skeleton(experiment, ""))
    assert [one.name for one in made.graph.output] == [loss.name]


def test_what_is_in_a_skeleton(tiny: Experiment, model: Any) -> None:
    onnx.checker.check_model(model, full_check=True)
    network = tiny.network
    assert [opset.version for opset in model.opset_import] == [17]
    names = [one.name for one in model.graph.input]
    assert names == ["data", *(parameter.name for _, parameter in network.parameters())]
    shapes = {one.name: told(one) for one in [*model.graph.input, *model.graph.value_info, *model.graph.output]}
    assert shapes["data"] == ["N", 3, 32, 32]
    assert shapes["a_conv_weight"] == [8, 3, 3, 3]
    for node in network.nodes:
        assert node.shape is not None
        assert shapes[node.name] == ["N", *node.shape[1:]]
    assert metadata_of(model) == {
        "retdsl": metadata_of(model)["retdsl"],
        "experiment": "tiny",
        "train_py_sha256": sha256(b"the program").hexdigest(),
    }


def told(one: Any) -> list[Any]:
    return [axis.dim_param or axis.dim_value for axis in one.type.tensor_type.shape.dim]


def test_shapes_are_those_that_onnx_infers(tiny: Experiment, model: Any) -> None:
    bare = filled(model, {})
    del bare.graph.value_info[:]
    inferred = onnx.shape_inference.infer_shapes(bare, strict_mode=True)
    found = {one.name: told(one) for one in inferred.graph.value_info}
    for node in tiny.network.nodes:
        assert node.shape is not None
        assert found[node.name] == ["N", *node.shape[1:]]


def test_a_scale_that_is_held_at_1_is_no_input() -> None:
    experiment = experiment_of(TINY.replace("BatchNorm(fix_gamma = false", "BatchNorm(fix_gamma = true"))
    names = {one.name for one in onnx.load_model_from_string(skeleton(experiment, "")).graph.input}
    assert "a_bn_beta" in names
    assert "a_bn_gamma" not in names
    agree(experiment)


def test_a_part_can_be_taken_out_by_the_names_of_layers(tiny: Experiment, model: Any) -> None:
    network = built(tiny)
    parameters, images = drawn(network, images=3)
    part = onnx.utils.Extractor(filled(model, parameters)).extract_model(["data"], ["a_relu", "sum"])
    inside = network.deploy_symbol().get_internals()
    symbol = sym.Group([inside["a_relu_output"], inside["sum_output"]])
    for one, other in zip(by_mxnet(symbol, parameters, "data", images), by_onnx(part, images)[1], strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-5)


def test_the_same_network_gives_the_same_bytes(tiny: Experiment) -> None:
    assert skeleton(tiny, "") == skeleton(experiment_of(TINY), "")


def written(tmp_path: Path, text: str = TINY) -> set[str]:
    program = checked(text).program
    assert isinstance(program, Program)
    train_py = compile_experiment(program, program.experiments[0], tmp_path / "out", None)
    return {path.name for path in train_py.parent.iterdir()}


def test_it_lies_beside_the_program_it_was_made_with(tmp_path: Path) -> None:
    assert "tiny.onnx" in written(tmp_path)
    model = onnx.load_model(tmp_path / "out" / "tiny.onnx")
    assert metadata_of(model)["train_py_sha256"] == sha256((tmp_path / "out" / "train.py").read_bytes()).hexdigest()


def test_without_the_package_there_is_none(
    tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert emit_skeleton(tiny, "") is None
    assert {"train.py", "program.json"} <= written(tmp_path)
    assert "tiny.onnx" not in written(tmp_path)
    assert capfd.readouterr() == ("", "")


def test_a_network_that_onnx_cannot_say_has_none(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    text = TINY.replace('=> Activation(relu, name = "{name}_relu")', '=> gammaln(name = "{name}_relu")')
    assert "tiny.onnx" not in written(tmp_path, text)
    assert capfd.readouterr() == ("", "")
    with pytest.raises(Refused, match=r"`a_relu` \(gammaln\): ONNX has no operator for it"):
        skeleton(experiment_of(text), "")

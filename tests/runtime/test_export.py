"""A file of ONNX beside MXNet: what it takes, and what is said where the two differ."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx_networks import built, drawn
from spec_texts import TINY, checked

from retdsl.engines.onnx import skeleton
from retdsl.runtime import export
from retdsl.runtime.errors import RunError
from retdsl.runtime.network_input import PLAIN, normalize, to_network
from retdsl.runtime.skeleton import filled


class Study:
    """The tiny study, its network with random numbers, and prepared photographs."""

    def __init__(self) -> None:
        program = checked(TINY).program
        assert program is not None
        network = built(program.experiments[0])
        self.deploy = network.deploy_symbol()
        self.parameters, self.images = drawn(network)
        self.skeleton = onnx.load_model_from_string(skeleton(program.experiments[0], ""))
        self.model = filled(self.skeleton, self.parameters)
        self.photographs = np.random.RandomState(1).randint(0, 256, (3, 32, 32, 3), np.uint8)


@pytest.fixture(scope="module")
def study() -> Study:
    return Study()


@pytest.mark.parametrize(
    "last",
    [
        PLAIN,
        normalize(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
        normalize(mean=(127.0, 120.0, 100.0), std=(128.0, 1.0, 2.0), scale=255.0),
        normalize(mean=np.random.RandomState(2).uniform(0, 255, (3, 32, 32)).astype(np.float32), scale=255.0),
    ],
)
def test_a_network_that_normalizes_by_itself(study: Study, last: normalize) -> None:
    model = export.normalizing(study.model, last)
    onnx.checker.check_model(model, full_check=True)
    [input] = model.graph.input
    assert input.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert [axis.dim_param or axis.dim_value for axis in input.type.tensor_type.shape.dim] == ["N", 32, 32, 3]
    model.graph.output.append(onnx.helper.make_tensor_value_info("data", onnx.TensorProto.FLOAT, ("N", 3, 32, 32)))
    _, [probabilities, data] = export.by_onnx(model, study.photographs)
    expected = np.stack([to_network(photo, last) for photo in study.photographs])
    np.testing.assert_allclose(data, expected, rtol=1e-6, atol=1e-5)
    np.testing.assert_allclose(probabilities, export.by_onnx(study.model, expected)[1][0], atol=1e-5)


def test_its_input_has_a_name_of_its_own(study: Study) -> None:
    model = filled(study.model, {})
    model.graph.node[0].output[0] = "photographs"
    model.graph.node[1].input[0] = "photographs"
    onnx.checker.check_model(export.normalizing(model, PLAIN), full_check=True)


def test_without_onnxruntime_the_reference_answers(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, [fast] = export.by_onnx(study.model, study.images)
    assert engine.startswith("onnxruntime ")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    engine, [slow] = export.by_onnx(study.model, study.images)
    assert engine.startswith("the reference of onnx ")
    np.testing.assert_allclose(fast, slow, atol=1e-5)


@pytest.mark.parametrize("layer", ["a_bn", "b_conv", "fc1"])
def test_the_first_layer_that_differs_is_named(study: Study, layer: str) -> None:
    wrong = {name: array + 0.5 if name.startswith(layer) else array for name, array in study.parameters.items()}
    model = filled(study.skeleton, wrong)
    assert export.first_that_differs(study.deploy, study.parameters, model, "data", study.images) == layer
    same = export.first_that_differs(study.deploy, study.parameters, study.model, "data", study.images)
    assert same is None


def test_a_skeleton_of_another_network_is_refused(study: Study) -> None:
    other = filled(study.skeleton, {})
    other.graph.input[1].name = "strange"
    other.graph.input[2].type.tensor_type.shape.dim[0].dim_value = 99
    with pytest.raises(RunError) as told:
        export._require_same_network(other, study.parameters, "image")
    assert told.value.items == (
        "it does not take `image`",
        "`data` is no parameter of the program",
        "`strange` is no parameter of the program",
        "`a_bn_gamma` is [99], the program's is [8]",
    )


def test_nothing_is_written_where_the_two_differ(
    study: Study, finished_request: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment, request, progress = finished_request
    wrong = {name: array * 2 for name, array in study.parameters.items()}
    monkeypatch.setattr(export, "finished_parameters", lambda *_: (study.deploy, study.parameters, 1))
    monkeypatch.setattr(export, "_photographs", lambda *_: list(study.photographs))
    monkeypatch.setattr(export, "filled", lambda skeleton, _: filled(skeleton, wrong))
    with pytest.raises(RunError) as told:
        export.export(experiment, Path(), request, progress, 1)
    assert "a probability differs by" in told.value.message
    assert told.value.items == ("the first layer that differs is `a_conv`",)
    assert told.value.help[0] == "nothing was written"
    assert not Path(request.output).exists()
    monkeypatch.setattr(export, "filled", filled)
    export.export(experiment, Path(), replace(request, metadata={"classes": "[]"}), progress, 1)
    assert onnx.load_model(request.output).metadata_props[0].value == "[]"


@pytest.fixture
def finished_request(study: Study, tmp_path: Path) -> Any:
    from retdsl.objects import data_of
    from retdsl.runtime.experiment import Experiment, Training
    from retdsl.runtime.optimizers import sgd
    from retdsl.runtime.progress import make_progress
    from retdsl.runtime.requests import ExportRequest

    program = checked(TINY).program
    assert program is not None
    plan = program.experiments[0]
    experiment = Experiment("tiny", built(plan), data_of(plan.data), Training(sgd(lr=0.1), epochs=1))
    (tmp_path / "skeleton.onnx").write_bytes(study.skeleton.SerializeToString())
    names = {key: str(tmp_path / f"{key}.onnx") for key in ("skeleton", "output")}
    request = ExportRequest(run=str(tmp_path), facts=str(tmp_path / "facts.json"), metadata={}, **names)
    with make_progress(plain=True) as progress:
        yield experiment, request, progress

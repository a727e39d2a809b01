"""Grad-CAM against finite differences, and against class activation maps where both are the same by theory."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_study import SIDE, experiment, frozen_part, network, paint, trained_part, whole_part

from retdsl.runtime.bound import device
from retdsl.runtime.errors import RunError
from retdsl.runtime.grad_cam import GradCam
from retdsl.runtime.heat_maps import load_heat_maps
from retdsl.runtime.mx import mx
from retdsl.runtime.network import Network
from retdsl.runtime.program import run_program
from retdsl.runtime.symbols import sym

SHAPE = (3, SIDE, SIDE)


def values_of(scores, seed=2, shape=SHAPE):
    """Parameters that are no special case: no zero bias, no unit variance."""
    random = np.random.RandomState(seed)
    arguments, _, auxiliary = scores.infer_shape(data=(1, *shape))
    names = [*scores.list_arguments(), *scores.list_auxiliary_states()]
    drawn = {
        n: random.normal(0, 0.4, s).astype(np.float32) for n, s in zip(names, [*arguments, *auxiliary], strict=True)
    }
    drawn.pop("data")
    return {n: np.abs(v) + 0.5 if n.endswith(("var", "gamma")) else v for n, v in drawn.items()}


def images(count=3, shape=SHAPE):
    return np.random.RandomState(5).normal(0, 1, (count, *shape)).astype(np.float32)


def scores_above(scores, layer, parameters, activation, photo):
    """The logits of the unchanged graph, bound for prediction by MXNet itself, with a layer's output replaced."""
    above = mx.sym.load_json(scores.tojson())
    graph = json.loads(above.tojson())
    place = next(i for i, node in enumerate(graph["nodes"]) if node["name"] == layer)
    graph["nodes"][place] = {"op": "null", "name": layer, "inputs": []}
    above = mx.sym.load_json(json.dumps(graph))
    given = {**parameters, layer: activation, "data": photo}
    arrays = {name: mx.nd.array(value) for name, value in given.items()}
    bound = above.bind(
        device(),
        {name: arrays[name] for name in above.list_arguments()},
        grad_req="null",
        aux_states={name: arrays[name] for name in above.list_auxiliary_states()},
    )
    return bound.forward(is_train=False)[0].asnumpy()[0]


@pytest.mark.parametrize("layer", [None, "conv1", "relu0_output", "bn0"])
@pytest.mark.parametrize("label", [0, 1])
def test_the_gradient_is_that_of_finite_differences(layer: str | None, label: int) -> None:
    scores = network().scores_symbol()
    parameters = values_of(scores)
    cam = GradCam(scores, parameters, "data", SHAPE, layer)
    assert cam.layer == (layer or "relu1").removesuffix("_output")
    photos = images()
    values, gradient = cam.gradients(photos, [label] * 3)
    random, step = np.random.RandomState(1), 1e-2
    for _ in range(12):
        at = tuple(random.randint(size) for size in values.shape)
        if layer != "relu0_output" and abs(values[at]) < 2 * step:
            continue  # on the kink of the activation behind it, there is no derivative
        up, down = values[at[:1]][None].copy(), values[at[:1]][None].copy()
        up[(0, *at[1:])] += step
        down[(0, *at[1:])] -= step
        ends = [scores_above(scores, cam.layer, parameters, v, photos[at[:1]][None])[label] for v in (up, down)]
        assert gradient[at] == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=0.05, abs=2e-4)


def test_behind_a_global_pool_and_a_linear_head_it_is_the_class_activation_map() -> None:
    """Zhou et al. 2016: with these two, the head itself weighs the channels; the count of pixels apart."""
    scores = network().scores_symbol()
    parameters = values_of(scores)
    cam = GradCam(scores, parameters, "data", SHAPE)
    values, _ = cam.gradients(images(), [1, 1, 0])
    weights = parameters["fc_weight"][[1, 1, 0]]
    expected = np.maximum(np.einsum("nk,nkhw->nhw", weights, values), 0) / (values.shape[2] * values.shape[3])
    assert expected.max() > 0
    np.testing.assert_allclose(cam(images(), [1, 1, 0]), expected, rtol=1e-4, atol=1e-6)


def test_it_is_looked_at_as_it_predicts() -> None:
    """The scores under the gradient are those of prediction: no dropout, the stored statistics, and rrelu's mean."""

    def part(features):
        conv = sym.Convolution(features["data"], num_filter=4, kernel=(3, 3), name="conv")
        bn = sym.BatchNorm(conv, fix_gamma=False, name="bn")
        leaky = sym.LeakyReLU(bn, act_type="rrelu", name="leaky")[0]
        dropped = sym.Dropout(leaky, p=0.7, name="dropped", mode="always")
        pooled = sym.Pooling(dropped, global_pool=True, pool_type="avg", kernel=(1, 1), name="pool")
        return sym.FullyConnected(sym.Flatten(pooled, name="flat"), num_hidden=2, name="fc")

    scores = Network(part, network().loss, SHAPE).scores_symbol()
    parameters = values_of(scores)
    cam = GradCam(scores, parameters, "data", SHAPE, "conv")
    before = {name: value.copy() for name, value in parameters.items()}
    once, again = (cam(images(9), [1] * 9) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    assert all(np.array_equal(before[name], parameters[name]) for name in before)
    values, gradient = cam.gradients(images(1), [1])
    scale = (parameters["bn_gamma"] / np.sqrt(parameters["bn_moving_var"] + 1e-3))[None, :, None, None]
    normal = (values - parameters["bn_moving_mean"][None, :, None, None]) * scale
    normal += parameters["bn_beta"][None, :, None, None]
    slope = np.where(normal > 0, 1, (0.125 + 0.334) / 2) * scale
    expected = parameters["fc_weight"][1][None, :, None, None] * slope / values[0, 0].size
    np.testing.assert_allclose(gradient, expected, rtol=1e-3)


def test_a_network_without_pixels_has_no_maps() -> None:
    def part(features):
        return sym.FullyConnected(sym.Flatten(features["data"], name="flat"), num_hidden=2, name="fc")

    scores = Network(part, network().loss, (3, 1, 1)).scores_symbol()
    cam = GradCam(scores, values_of(scores, shape=(3, 1, 1)), "data", (3, 1, 1))
    assert cam.layer is None
    with pytest.raises(RunError, match="nothing to map"):
        cam(images(1, (3, 1, 1)), [1])


def test_a_layer_that_is_not_there() -> None:
    scores = network().scores_symbol()
    with pytest.raises(RunError, match="`relu11` is no layer") as caught:
        GradCam(scores, values_of(scores), "data", SHAPE, "relu11")
    assert "`relu1`" in caught.value.help[0]
    with pytest.raises(RunError, match="`pool` is no layer of this network that has more than one pixel"):
        GradCam(scores, values_of(scores), "data", SHAPE, "pool")


@pytest.mark.parametrize("parts", [(frozen_part, trained_part), (None, whole_part)], ids=["frozen", "trained"])
def test_maps_of_a_run(tmp_path: Path, parts) -> None:
    frozen, trained = parts
    study = experiment(paint(tmp_path), training={"epochs": 1})
    study = replace(study, network=network(frozen=frozen, trained=trained))
    run, file, asked = tmp_path / "run", tmp_path / "maps.npz", tmp_path / "asked.json"
    assert run_program(study, ["--run", str(run), "--plain", "--threads", "1"]) == 0
    (tmp_path / "002.png").write_bytes(b"gone bad")
    asked.write_text(json.dumps([{"image": f"{name}.png", "label": 1} for name in ("001", "002", "none")]))
    options = ["--heat-maps", str(file), "--run", str(run), "--images", str(asked)]
    assert run_program(study, options) == 0
    found = load_heat_maps(file)
    assert found.layer == "relu1"
    assert {*found.photographs} == {*found.maps} == {*found.hashes} == {"001.png"}
    assert found.photographs["001.png"].shape == (SIDE, SIDE, 3)
    assert found.maps["001.png"].shape == (12, 12)
    assert {*found.refused} == {"002.png", "none.png"}
    assert run_program(study, [*options, "--layer", "fc"]) == 1
    assert run_program(study, ["--heat-maps", str(file)]) == 1

"""The networks of `specs/zoo/` that gluon does not have are the published ones: same names, parameters and answers.

The other side of every comparison is `reference_networks`, written apart from the specs, and for EfficientNet-Lite0 the
outputs of the original PyTorch model. `test_gluon` has the other networks.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import reference_networks
from compiled_networks import compiled_network
from graphs import matched_parameters
from numpy.typing import NDArray
from reference_networks import parameter_shapes
from test_efficientnet_lite0_weights import GOLDEN, weights

from retdsl.check import check_source
from retdsl.ir import Network
from retdsl.runtime.mx import mx
from retdsl.source import Source

LEARNED = {
    "efficientnet_lite0": 4_652_008,
    "efficientnet_lite1": 5_416_680,
    "efficientnet_lite2": 6_092_072,
    "inception_bn": 11_295_240,
}
"""How many numbers each network learns, BatchNorm's moving statistics not counted."""

SIZES = {"efficientnet_lite1": 240, "efficientnet_lite2": 260}
"""Height and width of the photographs that a network was made for, where they are not 224."""

MXNET_OPERATORS = {"ReLU6": lambda x, name: mx.sym.clip(x, 0, 6, name=name), "Add": mx.sym.add_n}


@cache
def network(name: str, classes: int = 1000) -> Network:
    size = SIZES.get(name, 224)
    spec = f"use zoo.{name}\nmodel whole = input(3, {size}, {size}) => {name}(classes = {classes})"
    checked = check_source(Source("whole.retina", spec), Path())
    assert checked.program is not None, [found.message for found in checked.diagnostics]
    return checked.program.networks[0]


def photographs(name: str) -> tuple[int, ...]:
    """The shape of what a network is shown, one photograph."""
    return (1, *(size or 1 for size in network(name).input_shape[1:]))


def symbol(spec: Network) -> Any:
    """The checked network in MXNet, option for option."""
    made = {spec.input: mx.sym.Variable(spec.input)}
    for node in spec.nodes:
        operator = MXNET_OPERATORS.get(node.op) or getattr(mx.sym, node.op)
        made[node.name] = operator(*(made[name] for name in node.inputs), name=node.name, **dict(node.options))
    return made[spec.output]


def answer(net: Any, parameters: dict[str, NDArray[Any]], images: NDArray[Any]) -> NDArray[Any]:
    arrays = {name: mx.nd.array(array) for name, array in {**parameters, "data": images}.items()}
    bound = net.bind(
        mx.cpu(),
        {name: arrays[name] for name in net.list_arguments()},
        aux_states={name: arrays[name] for name in net.list_auxiliary_states()},
        grad_req="null",
    )
    found: NDArray[Any] = bound.forward(is_train=False)[0].asnumpy()
    return found


@pytest.mark.parametrize("name", LEARNED)
def test_parameters_have_the_published_names_and_shapes(name: str) -> None:
    found = {parameter.name: parameter.shape for _, parameter in network(name).parameters()}
    assert found == parameter_shapes(getattr(reference_networks, name)(), photographs(name))
    learned = [parameter.shape for _, parameter in network(name).parameters() if not parameter.auxiliary]
    assert sum(int(np.prod([size or 0 for size in shape or ()])) for shape in learned) == LEARNED[name]


def test_every_layer_of_inception_bn_has_its_published_name() -> None:
    outputs = reference_networks.inception_bn().get_internals().list_outputs()
    published = {output.removesuffix("_output") for output in outputs if output.endswith("_output")}
    assert {node.name for node in network("inception_bn").nodes} == published


@pytest.mark.parametrize("name", LEARNED)
def test_the_program_builds_the_checked_network(name: str) -> None:
    found = compiled_network(name, size=SIZES.get(name, 224), classes=7)
    expected = symbol(network(name, classes=7))
    names = matched_parameters(found, expected, photographs(name))
    assert [*names] == [*names.values()]


@pytest.mark.parametrize("name", LEARNED)
def test_the_place_to_cut(name: str) -> None:
    width = 1024 if name == "inception_bn" else 1280
    assert network(name).node("global_pool").shape == (None, width, 1, 1)


@pytest.mark.parametrize("name", LEARNED)
def test_classes_can_be_chosen(name: str) -> None:
    assert network(name, classes=7).nodes[-1].shape == (None, 7)


def test_efficientnet_lite0_answers_as_the_original_model() -> None:
    expected: Any = np.load(GOLDEN)
    images = np.random.RandomState(2016).standard_normal((2, 3, 224, 224)).astype("float32")
    found = answer(symbol(network("efficientnet_lite0")), weights(), images)
    np.testing.assert_allclose(found, expected["logits"], atol=1e-3)


@pytest.mark.parametrize("name", LEARNED)
def test_it_answers_as_the_published_network(name: str) -> None:
    draw = np.random.RandomState(0)
    reference = getattr(reference_networks, name)()
    parameters = {}
    for parameter, shape in parameter_shapes(reference, photographs(name)).items():
        spread = (2 / np.prod(shape[1:])) ** 0.5  # keeps the values' size from layer to layer
        positive = parameter.endswith(("gamma", "moving_var"))
        parameters[parameter] = draw.uniform(0.5, 1.5, shape) if positive else draw.normal(0, spread, shape)
    images = draw.standard_normal(photographs(name))
    expected = answer(reference, parameters, images)
    assert np.ptp(expected) > 1, "the answers must differ, or this test shows nothing"
    np.testing.assert_allclose(answer(symbol(network(name)), parameters, images), expected, rtol=1e-4, atol=1e-4)

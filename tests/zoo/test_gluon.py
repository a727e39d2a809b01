"""The networks of `specs/zoo/` are those of MXNet's own `gluon.model_zoo.vision`: one graph, and one answer.

What is compared is the MXNet symbol that the generated program builds, so this holds for the whole way from a spec to
what trains.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from compiled_networks import compiled_network
from graphs import matched_parameters
from numpy.typing import NDArray
from test_zoo_specs import answer

from retdsl.check.files import zoo_networks
from retdsl.runtime.mx import mx

CLASSES = 10

SIZES = {"inception_v3": 299, **dict.fromkeys(("vgg", "resnet_v1", "resnet_v2", "mobilenet_v1", "mobilenet_v2"), 64)}
"""A small size of photograph for each family, where gluon takes one; elsewhere 224."""

OWN = ("efficientnet_lite", "efficientnet_lite_timm", "inception_bn", "resnet")
"""Families that gluon does not have: see `test_zoo_specs` and `test_torch`."""

NETWORKS = {
    **{name: ("", name) for name, path in zoo_networks().items() if path.stem not in OWN and name != "mobilenet_v2"},
    "mobilenet_v1": ("", "mobilenet1.0"),
    "mobilenet_v1 of 75%": (", width = 75%", "mobilenet0.75"),
    "mobilenet_v1 of 25%": (", width = 25%", "mobilenet0.25"),
    "mobilenet_v2_gluon": ("", "mobilenetv2_1.0"),
    "mobilenet_v2_gluon of 50%": (", width = 0.5", "mobilenetv2_0.5"),
    "mobilenet_v2_gluon of 25%": (", width = 1 / 4", "mobilenetv2_0.25"),
    "squeezenet1_0": ("", "squeezenet1.0"),
    "squeezenet1_1": ("", "squeezenet1.1"),
    "inception_v3": ("", "inceptionv3"),
}
"""The options of each network, and gluon's name for it."""

QUICK = (
    *("resnet18_v1", "resnet50_v1", "resnet18_v2", "resnet50_v2", "vgg11", "vgg13_bn", "mobilenet_v1 of 25%"),
    *("mobilenet_v2_gluon of 50%", "squeezenet1_0", "squeezenet1_1", "densenet121", "inception_v3"),
)
"""Those whose answers are compared while one waits: every block of every family is in one of them."""


def size_of(case: str) -> int:
    return SIZES.get(zoo_networks()[case.split()[0]].stem, 224)


def compiled(case: str, size: int) -> Any:
    return compiled_network(case.split()[0], NETWORKS[case][0], size, CLASSES)


@cache
def original(case: str) -> Any:
    return mx.gluon.model_zoo.vision.get_model(NETWORKS[case][1], classes=CLASSES)(mx.sym.Variable("data"))


@pytest.mark.parametrize("case", NETWORKS)
def test_it_is_the_network_of_gluon(case: str) -> None:
    size = size_of(case)
    ours, theirs = compiled(case, size), original(case)
    names = matched_parameters(ours, theirs, (1, 3, size, size))
    assert {*names} == {n for n in all_names(ours) if n != "data"}
    assert {*names.values()} == {n for n in all_names(theirs) if n != "data"}


@pytest.mark.parametrize("other", ["vgg13", "vgg11_bn", "resnet18_v1"])
def test_another_network_is_not_taken_for_it(other: str) -> None:
    with pytest.raises(AssertionError, match="is not"):
        matched_parameters(compiled("vgg11", 64), original(other), (1, 3, 64, 64))


@pytest.mark.parametrize("case", QUICK)
def test_it_answers_as_gluon_does(case: str) -> None:
    compare_answers(case, size_of(case))


@pytest.mark.slow
@pytest.mark.parametrize("case", NETWORKS)
def test_it_answers_as_gluon_does_at_full_size(case: str) -> None:
    compare_answers(case, max(size_of(case), 224))


def compare_answers(case: str, size: int) -> None:
    """Answers of both to the same images, with the same parameters and statistics, to 1e-4 of the largest score."""
    ours, theirs = compiled(case, size), original(case)
    data = (2, 3, size, size)
    names = matched_parameters(ours, theirs, data)
    parameters = drawn(ours, data)
    images = np.random.default_rng(1).standard_normal(data, dtype=np.float32)
    images[1] *= 3
    expected = answer(theirs, {names[name]: array for name, array in parameters.items()}, images)
    found = answer(ours, parameters, images)
    assert found.shape == (2, CLASSES)
    assert np.ptp(expected[0] - expected[1]) > 0.01 * np.abs(expected).max(), "the answers must differ"
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * float(np.abs(expected).max()))


def drawn(symbol: Any, data: tuple[int, ...]) -> dict[str, NDArray[Any]]:
    """Random parameters that keep the values' size from layer to layer, and statistics that do something."""
    draw = np.random.default_rng(0)
    arguments, _, auxiliary = symbol.infer_shape(data=data)
    parameters = {}
    for name, shape in zip(all_names(symbol), [*arguments, *auxiliary], strict=True):
        if name.endswith(("gamma", "moving_var")):
            parameters[name] = draw.uniform(0.5, 1.5, shape)
        elif name != "data":
            spread = (2 / np.prod(shape[1:])) ** 0.5 if len(shape) > 1 else 0.2
            parameters[name] = np.float32(spread) * draw.standard_normal(shape, dtype=np.float32)
    return parameters


def all_names(symbol: Any) -> list[str]:
    return [*symbol.list_arguments(), *symbol.list_auxiliary_states()]

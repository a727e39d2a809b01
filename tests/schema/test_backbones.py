"""What the weights for a network usually take is what torchvision and timm say of those that they publish."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from retdsl.ir import Call
from retdsl.schema.backbones import known_weights, made_for, usual_input

SAID = json.loads((Path(__file__).parents[1] / "golden" / "torch" / "inputs.json").read_text())

OURS = {
    "timm/mobilenetv2_100": "mobilenet_v2",
    "timm/efficientnet_lite0": "efficientnet_lite0_timm",
    **{f"timm/tf_efficientnet_lite{n}": f"efficientnet_lite{n}" for n in (0, 1, 2)},
}
SHARED = ("resnet", "densenet", "inception")
"""Families whose names timm took over from torchvision."""


def convention(call: Call) -> tuple[object, ...]:
    options = dict(call.options)
    return options["mean"], options["std"], options["scale"]


@pytest.mark.parametrize("key", [key for key, said in SAID.items() if said and key != "torchvision/inception_v3"])
def test_most_published_weights_take_it(key: str) -> None:
    library, _, name = key.partition("/")
    origin = "torchvision" if name.startswith(SHARED) else library
    found = usual_input(OURS.get(key, name), origin)
    assert found is not None
    [((mean, deviation), _)] = Counter((tuple(mean), tuple(std)) for mean, std, _ in SAID[key]).most_common(1)
    assert convention(found[0]) == (mean, deviation, 1.0)
    assert found[1] == (max(size for *_, size in SAID[key]),) * 2


def test_torchvisions_inception_changes_its_input_first() -> None:
    [[mean, deviation, size]] = SAID["torchvision/inception_v3"]
    found = usual_input("inception_v3", "torchvision")
    assert found is not None
    ours_mean, ours_deviation, scale = convention(found[0])
    pixel = np.random.default_rng(0).random((5, 3))
    usual = (pixel - mean) / deviation
    transformed = usual * (np.array(deviation) / 0.5) + (np.array(mean) - 0.5) / 0.5  # `transform_input` of torchvision
    np.testing.assert_allclose((pixel * scale - ours_mean) / ours_deviation, transformed, atol=1e-12)  # type: ignore[operator]
    assert found[1] == (size, size)


@pytest.mark.parametrize("network", ["resnet50_v1", "mobilenet_v2_gluon", "inception_v3"])
def test_gluons_weights_take_what_is_usual_for_imagenet(network: str) -> None:
    found = usual_input(network, "Gluon")
    assert found is not None
    assert convention(found[0]) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), 1.0)
    assert found[1] == (made_for(network), made_for(network))


def test_the_package_of_efficientnet_lite0_takes_what_its_known_weights_take() -> None:
    known, found = known_weights("efficientnet_lite0", "imagenet"), usual_input("efficientnet_lite0", PACKAGE)
    assert known is not None
    assert found == (known.normalize, (known.size, known.size))


PACKAGE = "efficientnet-lite-pytorch"


@pytest.mark.parametrize("origin", [None, "elsewhere", PACKAGE])
def test_of_other_origins_nothing_is_known(origin: str | None) -> None:
    assert usual_input("resnet50", origin) is None

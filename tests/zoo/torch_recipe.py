"""Weights and images that PyTorch and the tests both make from nothing but names and shapes, with NumPy alone.

`tests/golden/make_torch_logits.py` gives them to torchvision's and timm's networks and stores the answers. They come
from `RandomState`, whose numbers NumPy promises never to change, and the seed of a tensor is the CRC of its name.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIZES = {"inception_v3": 299}
"""Height and width of the images for a network, where they are not 224."""

GAINS = {"resnet18": 0.7, "resnet50": 0.62, "inception_v3": 0.9, "densenet121": 0.9, "vgg16_bn": 0.9}
"""How much the normalizations of a network pass on, so that its scores are of ordinary size; 1 for others.

Much more, and a network with ReLU6 becomes chaotic: PyTorch's own scores then differ by 0.03 in single and double.
"""


def images(network: str) -> NDArray[np.float32]:
    """Two images, [2, 3, size, size]; the second one has three times the contrast."""
    size = SIZES.get(network, 224)
    made = np.random.RandomState(2016).standard_normal((2, 3, size, size)).astype("float32")
    made[1] *= 3
    return made


def weights(network: str, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, NDArray[Any]]:
    """Every tensor of a network, by PyTorch's names and their shapes.

    Weights keep the values' size from layer to layer (He et al. 2015); scales and statistics of normalizations are such
    that each does something.
    """
    gain = np.float32(GAINS.get(network, 1))
    normalized = {name.rpartition(".")[0] for name in shapes if name.endswith("running_var")}
    made = {}
    for name, shape in shapes.items():
        layer, _, kind = name.rpartition(".")
        made[name] = _tensor(name, shape, "scale" if kind == "weight" and layer in normalized else kind)
        made[name] *= gain if kind == "weight" and layer in normalized else 1
    return made


def _tensor(name: str, shape: tuple[int, ...], kind: str) -> NDArray[Any]:
    if kind == "num_batches_tracked":
        return np.zeros(shape, "int64")
    values = _uniform(name, math.prod(shape)).reshape(shape)
    if kind in ("running_var", "scale"):
        return values + np.float32(1)  # 0.5 to 1.5
    if kind == "weight":
        values *= np.float32((12 * 2 / math.prod(shape[1:])) ** 0.5)
        return values
    return values * np.float32(0.4)


def _uniform(name: str, count: int) -> NDArray[np.float32]:
    """Numbers from -0.5 to 0.5 in steps of 1 / 65536: two random bytes each, so that VGG's 138 million come soon."""
    pairs = np.frombuffer(np.random.RandomState(zlib.crc32(name.encode())).bytes(2 * count), "<u2")
    made = pairs.astype("float32")
    made /= np.float32(65536)
    made -= np.float32(0.5)
    return made

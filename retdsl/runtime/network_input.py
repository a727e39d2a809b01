"""The last step: prepared photographs become the network's input.

Enters: prepared photographs, uint8 RGB `[H, W, 3]`. Leaves: float32 `[3, H, W]`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from retdsl.runtime.decode import Photograph

FloatImage: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class normalize:
    """The last step: x in [0, 1] becomes (x * scale - mean) / std, a value of `mean` and `std` per colour (R, G, B).

    mean_image: in place of `mean` the file with a value for each pixel; when a run starts, its numbers `[3, H, W]`
    become the mean (see `mean_image`).
    """

    mean: tuple[float, float, float] | FloatImage | None = None
    mean_image: str | None = None
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    scale: float = 1.0


PLAIN = normalize(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
"""What is done when a study asks for no `normalize`: x stays in [0, 1]."""


def to_unit(photo: Photograph) -> FloatImage:
    """uint8 `[H, W, 3]` as float32 `[H, W, 3]` in [0, 1]."""
    return np.multiply(photo, np.float32(1 / 255), dtype=np.float32)


def to_network(image: FloatImage, last: normalize | None, out: FloatImage | None = None) -> FloatImage:
    """float32 `[H, W, 3]` in [0, 1] as the network's input `[3, H, W]`, written into `out` if that is given."""
    last = last or PLAIN
    height, width, colours = image.shape
    if out is None:
        out = np.empty((colours, height, width), np.float32)
    for colour in range(colours):
        factor = np.float32(last.scale / last.std[colour])
        mean = 0.0 if last.mean is None else last.mean[colour]
        shift = np.float32(-mean / last.std[colour])
        np.multiply(image[:, :, colour], factor, out=out[colour])
        out[colour] += shift
    return out

"""The last step: prepared photographs become the network's input.

Enters: prepared photographs, uint8 `[H, W, C]`: red, green, blue, or one channel. Leaves: float32 `[C, H, W]`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from retdsl.runtime.decode import Photograph

FloatImage: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class normalize:
    """The last step: x in [0, 1] becomes (x * scale - mean) / std, a value of `mean` and `std` per channel (R, G, B).

    mean_image: in place of `mean` the file with a value for each pixel; when a run starts, its numbers `[C, H, W]`
    become the mean (see `mean_image`).
    """

    mean: Sequence[float] | FloatImage | None = None
    mean_image: str | None = None
    std: Sequence[float] = (1.0, 1.0, 1.0)
    scale: float = 1.0


PLAIN = normalize(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
"""What is done when a study asks for no `normalize`: x stays in [0, 1]."""


def to_network(photo: Photograph, last: normalize | None, out: FloatImage | None = None) -> FloatImage:
    """uint8 `[H, W, C]` as the network's input, float32 `[C, H, W]`, written into `out` if that is given."""
    last = last or PLAIN
    height, width, colours = photo.shape
    if out is None:
        out = np.empty((colours, height, width), np.float32)
    for colour, plane in enumerate(cv2.split(photo)):
        factor = np.float32(last.scale / last.std[colour] / 255)
        mean = 0.0 if last.mean is None else last.mean[colour]
        shift = np.float32(-mean / last.std[colour])
        np.multiply(plane, factor, out=out[colour], dtype=np.float32)
        out[colour] += shift
    return out

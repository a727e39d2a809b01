"""Steps that change colours, the same way at every pixel.

Enters: uint8 `[H, W, C]`, red, green, blue or a single channel. Leaves: the same kind and size. Guaranteed: what comes
out is rounded to whole numbers, and what is beyond 0 or 255 is that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from retdsl.runtime.augmentation import Draws, OnImages
from retdsl.runtime.decode import Photograph

LUMA = np.array([0.299, 0.587, 0.114])
"""How bright red, green and blue are to the eye: the weights of ITU-R BT.601."""


@dataclass(frozen=True, slots=True)
class brightness(OnImages):
    """Multiplies every value by a factor drawn from 1 - `amount` to 1 + `amount`."""

    amount: float = 0.2

    def apply(self, photo: Photograph, random: Draws) -> Photograph:
        return _stretched(photo, 1 + random.uniform(-self.amount, self.amount), 0.0)


@dataclass(frozen=True, slots=True)
class contrast(OnImages):
    """Multiplies the distance of every value from the image's mean brightness by a factor drawn from 1 - `amount` to
    1 + `amount`.
    """

    amount: float = 0.2

    def apply(self, photo: Photograph, random: Draws) -> Photograph:
        factor = 1 + random.uniform(-self.amount, self.amount)
        means = np.array(cv2.mean(photo)[: photo.shape[2]])
        mean = float(means @ LUMA) if len(means) == len(LUMA) else float(means[0])
        return _stretched(photo, factor, (1 - factor) * mean)


@dataclass(frozen=True, slots=True)
class saturation(OnImages):
    """Multiplies the distance of every colour from the grey of its brightness by a factor drawn from 1 - `amount` to
    1 + `amount`. Images of one channel stay as they are.
    """

    amount: float = 0.2

    def apply(self, photo: Photograph, random: Draws) -> Photograph:
        factor = 1 + random.uniform(-self.amount, self.amount)
        return _recoloured(photo, factor * np.eye(3) + (1 - factor) * np.tile(LUMA, (3, 1)))


@dataclass(frozen=True, slots=True)
class hue(OnImages):
    """Turns every colour about the axis of greys by an angle drawn from -`degrees` to `degrees`, of 360 in all.

    Greys stay as they are, and brightness does. Images of one channel stay as they are.
    """

    degrees: float = 5.0

    def apply(self, photo: Photograph, random: Draws) -> Photograph:
        return _recoloured(photo, hue_matrix(random.uniform(-self.degrees, self.degrees)))


def hue_matrix(degrees: float) -> npt.NDArray[np.float64]:
    """Turns colours (red, green, blue) in the plane of equal brightness: float64 `[3, 3]`.

    Brightness is that of `LUMA`, and the plane's two axes are those of YIQ, in which television turns hues.
    """
    to_yiq = np.array([LUMA, [0.595716, -0.274453, -0.321263], [0.211456, -0.522591, 0.311135]])
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turn = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
    return np.asarray(np.linalg.solve(to_yiq, turn @ to_yiq), np.float64)


def _stretched(photo: Photograph, factor: float, shift: float) -> Photograph:
    """Factor x + shift."""
    return np.asarray(cv2.addWeighted(photo, factor, photo, 0, shift), np.uint8).reshape(photo.shape)


def _recoloured(photo: Photograph, matrix: npt.NDArray[np.float64]) -> Photograph:
    """Every colour multiplied by a matrix."""
    if photo.shape[2] != len(matrix):
        return photo
    return np.asarray(cv2.transform(photo, matrix.astype(np.float32)), np.uint8)

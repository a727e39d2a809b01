"""Steps that move pixels: mirrors, turns, zoom, shift.

Enters: uint8 `[H, W, C]`. Leaves: the same kind and size; what comes from outside the image is black, as the surround
of a fundus photograph is. Guaranteed: a matrix of whole mirrors moves pixels as they are, any other reads between them
(bilinearly), once, however many steps it is made of.

A matrix is float64 `[3, 3]` and takes (x, y, 1), counted from the centre of the top left pixel, to where that pixel
goes; matrices of steps that follow one another are multiplied, the later one on the left.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from retdsl.runtime.augmentation import Draws, OnImages
from retdsl.runtime.decode import Photograph

Matrix: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Warp(OnImages):
    """A step that is a matrix."""

    def matrix(self, height: int, width: int, random: Draws) -> Matrix:
        """The matrix of this time, for an image of that size."""
        raise NotImplementedError

    def apply(self, photo: Photograph, random: Draws) -> Photograph:
        return warped(photo, self.matrix(photo.shape[0], photo.shape[1], random))


@dataclass(frozen=True, slots=True)
class rotate180(Warp):
    """Turns the image by half a turn, as if the camera had been held upside down."""

    p: float = 0.5
    finite: ClassVar[bool] = True

    def matrix(self, height: int, width: int, random: Draws) -> Matrix:  # noqa: ARG002
        return _about_centre(height, width, -1.0, 0.0, 0.0, -1.0)


@dataclass(frozen=True, slots=True)
class flip_horizontal(Warp):
    """Mirrors left and right: a right eye looks like a left one."""

    p: float = 0.5
    finite: ClassVar[bool] = True

    def matrix(self, height: int, width: int, random: Draws) -> Matrix:  # noqa: ARG002
        return _about_centre(height, width, -1.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class flip_vertical(Warp):
    """Mirrors top and bottom."""

    p: float = 0.5
    finite: ClassVar[bool] = True

    def matrix(self, height: int, width: int, random: Draws) -> Matrix:  # noqa: ARG002
        return _about_centre(height, width, 1.0, 0.0, 0.0, -1.0)


@dataclass(frozen=True, slots=True)
class rotate(Warp):
    """Turns the image about its centre by an angle drawn from -`degrees` to `degrees`."""

    degrees: float = 15.0

    def matrix(self, height: int, width: int, random: Draws) -> Matrix:
        angle = math.radians(random.uniform(-self.degrees, self.degrees))
        cos, sin = math.cos(angle), math.sin(angle)
        return _about_centre(height, width, cos, -sin, sin, cos)


@dataclass(frozen=True, slots=True)
class zoom(Warp):
    """Magnifies about the centre by a factor from 1 / (1 + `amount`) to 1 + `amount`, as often in as out."""

    amount: float = 0.1

    def matrix(self, height: int, width: int, random: Draws) -> Matrix:
        factor = (1 + self.amount) ** random.uniform(-1, 1)
        return _about_centre(height, width, factor, 0.0, 0.0, factor)


@dataclass(frozen=True, slots=True)
class translate(Warp):
    """Shifts the image, each way by a share of its height and of its width drawn from -`amount` to `amount`."""

    amount: float = 0.1

    def matrix(self, height: int, width: int, random: Draws) -> Matrix:
        down = height * random.uniform(-self.amount, self.amount)
        across = width * random.uniform(-self.amount, self.amount)
        return np.array([[1, 0, across], [0, 1, down], [0, 0, 1]], np.float64)


@dataclass(frozen=True, slots=True)
class turn(Warp):
    """Turns the image clockwise about its centre, always by as much."""

    degrees: float
    finite: ClassVar[bool] = True

    def matrix(self, height: int, width: int, random: Draws) -> Matrix:  # noqa: ARG002
        angle = math.radians(self.degrees)
        cos, sin = math.cos(angle), math.sin(angle)
        return _about_centre(height, width, cos, -sin, sin, cos)


@dataclass(frozen=True, slots=True)
class magnify(Warp):
    """Magnifies about the centre, always by the same factor."""

    factor: float
    finite: ClassVar[bool] = True

    def matrix(self, height: int, width: int, random: Draws) -> Matrix:  # noqa: ARG002
        return _about_centre(height, width, self.factor, 0.0, 0.0, self.factor)


def warped(photo: Photograph, matrix: Matrix) -> Photograph:
    """The image with every pixel where `matrix` takes it."""
    height, width = photo.shape[:2]
    mirrored = _as_mirror(matrix, height, width)
    if mirrored is None:
        moved = cv2.warpAffine(photo, matrix[:2], (width, height), flags=cv2.INTER_LINEAR, borderValue=(0, 0, 0))
    elif mirrored == (1, 1):
        return photo
    else:
        across, down = mirrored
        moved = cv2.flip(photo, -1 if across == down else int(across == -1))
    return np.asarray(moved, np.uint8).reshape(photo.shape)


def _about_centre(height: int, width: int, xx: float, xy: float, yx: float, yy: float) -> Matrix:
    """X' = xx x + xy y and y' = yx x + yy y, counted from the centre of the image."""
    x, y = (width - 1) / 2, (height - 1) / 2
    return np.array([[xx, xy, x - xx * x - xy * y], [yx, yy, y - yx * x - yy * y], [0, 0, 1]], np.float64)


def _as_mirror(matrix: Matrix, height: int, width: int) -> tuple[int, int] | None:
    """The signs (across, down) of a matrix that only mirrors the image, or does nothing; None for all others."""
    (xx, xy, dx), (yx, yy, dy) = matrix[:2].tolist()
    plain = abs(xx) == abs(yy) == 1 and xy == yx == 0
    if plain and dx == (0 if xx == 1 else width - 1) and dy == (0 if yy == 1 else height - 1):
        return int(xx), int(yy)
    return None

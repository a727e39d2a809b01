"""What can be measured of one fundus photograph: whether it is sharp, well lit, rich in contrast, and all there.

Enters: a photograph, uint8 RGB `[H, W, 3]`. Leaves: its `Measures`. Guaranteed: they are taken inside the retina's
disc, on a copy in which that disc has a fixed diameter, so that photographs of different cameras compare.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.decode import Photograph
from retdsl.runtime.prepare import bright_field, crop_circle, resize

DIAMETER = 320
"""Of the disc in the copy that is measured, in pixels. Below, every length is in pixels of that copy."""

FINE, DETAIL, STRUCTURE, REGION = 1.0, 2.0, 6.0, 13.0
"""Standard deviations of Gaussians. What one takes away and the one before it leaves is a kind of detail: edges and the
smallest vessels lie between the first two, vessels and lesions between the next two, arcades before the last."""

WINDOW = 41
"""Side of the neighbourhood in which detail is measured."""

RIM = 0.92
"""Measured is what lies within this share of the disc's radius: the rim is sharp however blurred the retina."""

LIT = 0.06
"""What is no brighter than this share of full white is no part of the disc, as in `crop_circle`."""

BLACK, WHITE = 0.04, 0.96
"""Pixels whose brightest colour is below the first, or whose green and red are above the second, tell nothing."""

Floats = NDArray[np.float32]


class Measures(NamedTuple):
    """Measures of a photograph, each without a unit; NaN in all but the last two where there is no disc.

    sharpness: how much finest detail there is (see `_sharpness`), some 0.1 in a clear photograph, 0.04 where small
    vessels are gone; brightness: median lightness, 0 to 1; contrast: how far vessels stand out of their surroundings,
    as a share of their brightness; clipped_dark, clipped_bright: shares of the disc that are black, or white; field:
    share of the picture that is lit disc; roundness: share of a whole disc that is there, and lit.
    """

    sharpness: float
    brightness: float
    contrast: float
    clipped_dark: float
    clipped_bright: float
    field: float
    roundness: float


_NONE = float("nan")

NO_FIELD = Measures(_NONE, _NONE, _NONE, _NONE, _NONE, field=0.0, roundness=0.0)


def measure(photo: Photograph) -> Measures:
    """The measures of a photograph; `NO_FIELD` where there is no bright disc in it."""
    box = bright_field(photo, LIT)
    if box is None:
        return NO_FIELD
    _, _, width, height = box
    side = max(width, height)
    square = resize(DIAMETER, DIAMETER)(crop_circle(LIT)(photo))
    brightest = square.max(axis=2)
    lit = float((_disc() & (brightest > LIT * 255)).sum()) / _disc().sum()
    inside = _disc(RIM, RIM * width / side, RIM * height / side)
    if not inside.any():
        return NO_FIELD
    colours = square[inside].astype(np.float32) / 255
    red, green, _ = colours.T
    lightness = colours @ np.array([0.299, 0.587, 0.114], np.float32)
    flat = _flat(square[:, :, 1].astype(np.float32))
    return Measures(
        sharpness=_sharpness(flat, inside),
        brightness=float(np.median(lightness)),
        contrast=_contrast(flat, inside),
        clipped_dark=float((colours.max(axis=1) < BLACK).mean()),
        clipped_bright=float(((green > WHITE) & (red > WHITE)).mean()),
        field=lit * np.pi / 4 * side**2 / (photo.shape[0] * photo.shape[1]),
        roundness=lit,
    )


def _flat(green: Floats) -> Floats:
    """The green channel, in which vessels and most lesions stand out, divided by its own local average: light and shade
    of the exposure are gone.
    """
    return np.asarray(green / np.maximum(_blurred(green, 2 * REGION), 4.0), np.float32)


def _sharpness(flat: Floats, inside: NDArray[np.bool_]) -> float:
    """The geometric mean of two answers: how strong the finest detail is, and how strong beside coarser detail.

    The first alone takes an eye with few vessels for a blurred one, the second alone takes the noise of a photograph
    full of haze for detail. Both are of neighbourhoods, the first the upper quartile, the second the median, so that
    neither a reflex nor the optic disc decides.
    """
    share = np.maximum(cv2.blur(inside.astype(np.float32), (WINDOW, WINDOW)), 1e-3)

    def strength(detail: Floats) -> Floats:
        """Root of the mean square of what lies in the neighbourhood of each pixel, inside the disc."""
        mean = cv2.blur(np.where(inside, detail * detail, np.float32(0)), (WINDOW, WINDOW)) / share
        return np.asarray(np.sqrt(np.maximum(mean, 0))[inside], np.float32)

    smooth = _blurred(flat, DETAIL)
    fine, coarse = strength(_blurred(flat, FINE) - smooth), strength(smooth - _blurred(flat, STRUCTURE))
    return float(np.sqrt(np.percentile(fine, 75) * np.median(fine / np.maximum(coarse, 2e-3))))


def _contrast(flat: Floats, inside: NDArray[np.bool_]) -> float:
    """The range of all but the outermost twentieths of vessels, lesions and arcades."""
    low, high = np.percentile((_blurred(flat, DETAIL) - _blurred(flat, REGION))[inside], (5, 95))
    return float(high - low)


def _blurred(picture: Floats, sigma: float) -> Floats:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)


@cache
def _circle() -> tuple[Floats, Floats]:
    """How far every pixel is from the centre, across and down, in radii."""
    at = (np.arange(DIAMETER, dtype=np.float32) + 0.5) / (DIAMETER / 2) - 1
    return np.broadcast_to(at, (DIAMETER, DIAMETER)), np.broadcast_to(at[:, None], (DIAMETER, DIAMETER))


def _disc(radius: float = 1.0, across: float = 1.0, down: float = 1.0) -> NDArray[np.bool_]:
    """The pixels of a disc that is cut at both sides, and at top and bottom; all in radii of the whole disc."""
    x, y = _circle()
    return np.asarray((x * x + y * y < radius**2) & (abs(x) < across) & (abs(y) < down))

"""Steps of the `image` chain: what becomes of every photograph before it is kept.

Enters: photographs, uint8 RGB `[H, W, 3]`. Leaves: the same kind, of the size that the last `resize` gives.
Guaranteed: a step never changes its argument, and the same photograph always gives the same array.

A step is `scale_free` if it does the same to a photograph of half the size, but for rounding: then a large photograph
may be shrunk while it is decoded (see `scaled`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import cv2
import numpy as np

from retdsl.runtime.decode import Photograph

Step: TypeAlias = Callable[[Photograph], Photograph]

FIELD_VIEW = 256
"""The longer side, in pixels, of the small copy on which the bright field is sought: averaging removes noise."""

SMALLEST_FIELD = 0.05
"""A bright region under this share of the picture is no retina: a label, a reflex, or a photograph that failed."""


@dataclass(frozen=True, slots=True)
class crop_circle:
    """Crops a fundus photograph to the square around the retina's round field.

    threshold: what is no brighter than this share of full white, in its brightest colour, counts as black surround.
    Where the camera cut the field at the top and bottom, the square reaches beyond the picture and is filled with
    black, so that the later `resize` does not stretch the retina. A picture without a field (all black) stays as it is.
    """

    scale_free: ClassVar[bool] = True

    threshold: float = 0.06

    def __call__(self, photo: Photograph) -> Photograph:
        field = bright_field(photo, self.threshold)
        return photo if field is None else _square_around(photo, *field)


@dataclass(frozen=True, slots=True)
class resize:
    """Scales a photograph to `height` x `width` pixels, antialiased where it shrinks; proportions are not kept."""

    scale_free: ClassVar[bool] = True

    height: int
    width: int

    def __call__(self, photo: Photograph) -> Photograph:
        if photo.shape[:2] == (self.height, self.width):
            return photo
        shrinks = self.height * self.width < photo.shape[0] * photo.shape[1]
        method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(photo, (self.width, self.height), interpolation=method), np.uint8)


def prepare_photograph(photo: Photograph, steps: Sequence[Step]) -> Photograph:
    """The photograph after all prepare steps."""
    for step in steps:
        photo = step(photo)
    return photo


def bright_field(photo: Photograph, threshold: float) -> tuple[int, int, int, int] | None:
    """The bounding box (left, top, width, height) in pixels of the largest bright region; None if all is dark.

    threshold: as in `crop_circle`. Good to one pixel of a copy of `FIELD_VIEW` pixels.
    """
    height, width = photo.shape[:2]
    scale = max(1.0, max(height, width) / FIELD_VIEW)
    small_width, small_height = max(1, round(width / scale)), max(1, round(height / scale))
    small = cv2.resize(photo, (small_width, small_height), interpolation=cv2.INTER_AREA)
    red, green, blue = cv2.split(small)
    brightest = cv2.medianBlur(cv2.max(cv2.max(red, green), blue), 5)
    mask = (brightest > threshold * 255).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    regions = stats[1:]  # the first is the background
    if not len(regions):
        return None
    left, top, wide, high, area = (int(number) for number in regions[regions[:, cv2.CC_STAT_AREA].argmax()])
    if area < SMALLEST_FIELD * mask.size:
        return None
    across, down = width / small_width, height / small_height
    x0, x1 = round(left * across), round((left + wide) * across)
    y0, y1 = round(top * down), round((top + high) * down)
    return x0, y0, x1 - x0, y1 - y0


def _square_around(photo: Photograph, left: int, top: int, width: int, height: int) -> Photograph:
    """The square with the box's centre and its longer side, black where it reaches beyond the picture."""
    side = max(width, height)
    left -= (side - width) // 2
    top -= (side - height) // 2
    square = np.zeros((side, side, 3), np.uint8)
    inside = photo[max(top, 0) : top + side, max(left, 0) : left + side]
    y, x = max(-top, 0), max(-left, 0)
    square[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
    return square

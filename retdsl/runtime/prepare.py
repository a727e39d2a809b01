"""Steps of the `image` chain: what becomes of every photograph before it is kept.

Enters: photographs, uint8 RGB `[H, W, 3]`. Leaves: uint8 `[H, W, C]`, of the size that the last `resize` or `pad`
gives; C is 1 behind `green_channel(channels = 1)`, else 3.
Guaranteed: a step never changes its argument, and the same photograph always gives the same array.

A step whose `scale_free` is true says the same of a photograph at any scale: where it stands before the first `resize`,
the photograph may be decoded smaller, as long as it does not become smaller than that `resize` makes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import ClassVar, Literal, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.decode import Photograph


class Step(Protocol):
    """A step of the chain."""

    @property
    def scale_free(self) -> bool: ...

    def __call__(self, photo: Photograph, /) -> Photograph: ...


FIELD_VIEW = 256
"""The longer side, in pixels, of the small copy on which the bright field is sought: averaging removes noise."""

FIELD_THRESHOLD = 0.06
"""What counts as retina where no step says otherwise, as a share of white."""

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

    threshold: float = FIELD_THRESHOLD

    def __call__(self, photo: Photograph) -> Photograph:
        field = bright_field(photo, self.threshold)
        return photo if field is None else _square_around(photo, *field)


@dataclass(frozen=True, slots=True)
class mask_circle:
    """Makes black what is beyond a circle, or with `keep = "outside"` what is within it.

    radius: as a share of that of the retina's bright field, around its centre; what lies exactly on the circle is
    within it. A picture without a field (all black) is taken for its inscribed disc.
    """

    scale_free: ClassVar[bool] = True

    radius: float = 0.8
    keep: Literal["inside", "outside"] = "inside"

    def __call__(self, photo: Photograph) -> Photograph:
        across, down, radius = field_circle(photo)
        beyond = beyond_circle(photo, across, down, self.radius * radius)
        masked = photo.copy()
        masked[beyond if self.keep == "inside" else ~beyond] = 0
        return masked


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
        sized = cv2.resize(photo, (self.width, self.height), interpolation=method)
        return np.asarray(sized, np.uint8).reshape(self.height, self.width, photo.shape[2])


@dataclass(frozen=True, slots=True)
class pad:
    """Puts a margin around a photograph, which stays in the middle: to a square, or to `height` x `width` pixels.

    fill: what the margin shows, "black" or, with "edge", the photograph's outermost pixels drawn out. A side that is
    longer already stays as it is.
    """

    height: int | None = None
    width: int | None = None
    fill: Literal["black", "edge"] = "black"

    @property
    def scale_free(self) -> bool:
        """A square is one at any scale; a number of pixels is not."""
        return self.height is None and self.width is None

    def __call__(self, photo: Photograph) -> Photograph:
        height, width = photo.shape[:2]
        square = max(height, width) if self.scale_free else 0
        down, across = max(self.height or square, height) - height, max(self.width or square, width) - width
        if down == across == 0:
            return photo
        margins = ((down // 2, down - down // 2), (across // 2, across - across // 2), (0, 0))
        return np.pad(photo, margins, mode="constant" if self.fill == "black" else "edge")


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
    brightest = cv2.medianBlur(reduce(cv2.max, cv2.split(small)), 5)
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


def field_circle(photo: Photograph) -> tuple[float, float, float]:
    """The centre (x, y) and the radius, in pixels, of the circle around the bright field; of the whole without one.

    Where the camera cut the field at the top and bottom, the circle is the one that it was cut from.
    """
    height, width = photo.shape[:2]
    left, top, wide, high = bright_field(photo, FIELD_THRESHOLD) or (0, 0, width, height)
    return left + (wide - 1) / 2, top + (high - 1) / 2, max(wide, high) / 2


def beyond_circle(photo: Photograph, across: float, down: float, radius: float) -> NDArray[np.bool_]:
    """Which pixels [H, W] lie outside of a circle. across, down: its centre (x, y)."""
    y, x = np.ogrid[: photo.shape[0], : photo.shape[1]]
    outside: NDArray[np.bool_] = (x - across) ** 2 + (y - down) ** 2 > radius**2
    return outside


def _square_around(photo: Photograph, left: int, top: int, width: int, height: int) -> Photograph:
    """The square with the box's centre and its longer side, black where it reaches beyond the picture."""
    side = max(width, height)
    left -= (side - width) // 2
    top -= (side - height) // 2
    square = np.zeros((side, side, photo.shape[2]), np.uint8)
    inside = photo[max(top, 0) : top + side, max(left, 0) : left + side]
    y, x = max(-top, 0), max(-left, 0)
    square[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
    return square

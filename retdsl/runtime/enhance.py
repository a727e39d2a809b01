"""Steps of the `image` chain that bring out what is faint: by contrast, by the local average, by one colour.

Enters: photographs, uint8 `[H, W, 3]` (red, green, blue) or `[H, W, 1]`. Leaves: the same height and width.
Guaranteed: as of all steps of the chain, see `prepare`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from retdsl.runtime.decode import Photograph
from retdsl.runtime.prepare import beyond_circle, field_circle

GREY = 128
"""What `subtract_local_average` makes of a pixel that is as its surroundings are."""


@dataclass(frozen=True, slots=True)
class clahe:
    """Evens out the contrast of lightness, tile by tile: contrast-limited adaptive histogram equalisation.

    The photograph is cut into `tiles` x `tiles` tiles. Each spreads its own histogram of lightness (L of CIELAB; the
    channel itself where there is only one), in which no value counts more than `clip_limit` times the mean count; what
    is beyond is dealt out to all. Between the centres of tiles the result is interpolated. After Zuiderveld 1994.

    It is not free of scale: a smaller photograph has less noise, so that its histograms are narrower, and spread more.
    """

    clip_limit: float = 2.0
    tiles: int = 8
    scale_free: ClassVar[bool] = False

    def __call__(self, photo: Photograph) -> Photograph:
        equalise = cv2.createCLAHE(self.clip_limit, (self.tiles, self.tiles))
        if photo.shape[2] == 1:
            return np.asarray(equalise.apply(photo[:, :, 0]), np.uint8)[:, :, None]
        lab = cv2.cvtColor(photo, cv2.COLOR_RGB2LAB)
        lab[:, :, 0] = equalise.apply(np.ascontiguousarray(lab[:, :, 0]))
        return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), np.uint8)


@dataclass(frozen=True, slots=True)
class subtract_local_average:
    """strength (x - average of the surroundings) + 128, inside the disc; 128 outside.

    The average is a Gaussian's of standard deviation `sigma`, the disc is what is within `mask`, both as shares of the
    radius of the retina's bright field: its edge shines after the subtraction, so a little of it is left out. After
    Graham 2015, "Kaggle Diabetic Retinopathy Detection competition report", who took 4, a thirtieth and 90 %. A picture
    without a field (all black) is taken for its inscribed disc.
    """

    sigma: float = 0.033
    strength: float = 4.0
    mask: float = 0.9
    scale_free: ClassVar[bool] = True

    def __call__(self, photo: Photograph) -> Photograph:
        across, down, radius = field_circle(photo)
        average = cv2.GaussianBlur(photo, (0, 0), max(self.sigma * radius, 0.1)).reshape(photo.shape)
        subtracted = cv2.addWeighted(photo, self.strength, average, -self.strength, GREY).reshape(photo.shape)
        subtracted[beyond_circle(photo, across, down, self.mask * radius)] = (GREY,) * photo.shape[2]
        return np.asarray(subtracted, np.uint8)


@dataclass(frozen=True, slots=True)
class green_channel:
    """Green alone, in which vessels and haemorrhages stand out most: `channels` times, 3 or 1."""

    channels: int = 3
    scale_free: ClassVar[bool] = True

    def __call__(self, photo: Photograph) -> Photograph:
        return np.ascontiguousarray(np.repeat(photo[:, :, 1:2], self.channels, axis=2))

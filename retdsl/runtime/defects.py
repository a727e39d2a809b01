"""Steps that make a photograph worse, as cameras, optics and files do: noise, blur, re-compression, and holes.

Enters: uint8 `[H, W, C]`. Leaves: the same kind and size.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import cv2
import numpy as np

from retdsl.runtime.augmentation import Draws, OnImages
from retdsl.runtime.decode import Photograph
from retdsl.runtime.randomness import generator

OFFSETS = 2**20
"""In how many places of the bank of noise an image may begin."""

NoiseBank: TypeAlias = "tuple[Photograph, Photograph]"
"""Noise above 0, and below it, as whole numbers of 255: uint8 `[n]` each; one of the two is 0 everywhere."""


@dataclass(frozen=True, slots=True)
class gaussian_noise(OnImages):
    """Adds normal noise of standard deviation `sigma`, of full white, to every value.

    An image takes its noise from a bank of numbers drawn once, from a random place on. The sum is rounded, and clipped
    to 0 and 255.
    """

    sigma: float = 0.02

    def apply(self, photo: Photograph, random: Draws) -> Photograph:
        above, below = noise_bank(self.sigma, photo.size)
        start = random.integers(OFFSETS)
        part = slice(start, start + photo.size)
        noisy = cv2.add(photo, above[part].reshape(photo.shape))
        return np.asarray(cv2.subtract(noisy, below[part].reshape(photo.shape)), np.uint8).reshape(photo.shape)


@lru_cache(maxsize=8)
def noise_bank(sigma: float, size: int) -> NoiseBank:
    """Noise for images of `size` values: always the same numbers, in every process."""
    noise = generator("bank of noise").standard_normal(OFFSETS + size, dtype=np.float32)
    noise *= np.float32(255 * sigma)
    np.rint(noise, out=noise)
    above, below = np.clip(noise, 0, 255).astype(np.uint8), np.clip(-noise, 0, 255).astype(np.uint8)
    return above, below


@dataclass(frozen=True, slots=True)
class blur(OnImages):
    """Blurs the image by a Gaussian whose standard deviation is drawn from 0 to `sigma` pixels."""

    sigma: float = 1.0

    def apply(self, photo: Photograph, random: Draws) -> Photograph:
        sigma = random.uniform(0, self.sigma)
        if sigma < 0.1:  # no pixel would change
            return photo
        return np.asarray(cv2.GaussianBlur(photo, (0, 0), sigma), np.uint8).reshape(photo.shape)


@dataclass(frozen=True, slots=True)
class jpeg(OnImages):
    """Compresses the image as a JPEG file, at a quality drawn from `quality` to 100, and reads it again."""

    quality: int = 50

    def apply(self, photo: Photograph, random: Draws) -> Photograph:
        quality = self.quality + random.integers(101 - self.quality)
        colour = photo.shape[2] == 3
        encoded = cv2.cvtColor(photo, cv2.COLOR_RGB2BGR) if colour else photo
        _, file = cv2.imencode(".jpg", encoded, [cv2.IMWRITE_JPEG_QUALITY, quality])
        again = cv2.imdecode(file, cv2.IMREAD_COLOR if colour else cv2.IMREAD_GRAYSCALE)
        assert again is not None, "OpenCV reads what it has written"
        made = cv2.cvtColor(again, cv2.COLOR_BGR2RGB) if colour else again
        return np.asarray(made, np.uint8).reshape(photo.shape)


@dataclass(frozen=True, slots=True)
class cutout(OnImages):
    """Blackens squares whose side is `size` of the image's shorter side, each around a pixel drawn anew.

    At the edge of the image a part of a square may lie outside. After DeVries and Taylor 2017.
    """

    size: float = 0.25
    holes: int = 1

    def apply(self, photo: Photograph, random: Draws) -> Photograph:
        height, width = photo.shape[:2]
        side = round(self.size * min(height, width))
        holed = photo.copy()
        for _ in range(self.holes):
            top, left = random.integers(height) - side // 2, random.integers(width) - side // 2
            holed[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)] = 0
        return holed

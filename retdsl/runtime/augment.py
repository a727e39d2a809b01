"""Augmentation: training images that differ a little each time they are seen.

Enters: float32 `[H, W, 3]` in [0, 1], between prepare and normalize. Leaves: the same kind of array.
Guaranteed: what happens to an image depends only on (seed, epoch, image, occurrence within the epoch), so any number
of threads, in any order, makes the same epoch. A step may write into the array it is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from retdsl.runtime.network_input import FloatImage
from retdsl.runtime.randomness import generator


class Augmentation(Protocol):
    """A step: `p` is the probability that it acts; `apply` is what it then does."""

    @property
    def p(self) -> float: ...

    def apply(self, image: FloatImage, random: np.random.Generator) -> FloatImage: ...


@dataclass(frozen=True, slots=True)
class gaussian_noise:
    """Adds normal noise of standard deviation `sigma` (of full white) to every value; the sum is clipped to [0, 1]."""

    sigma: float = 0.02
    p: float = 1.0

    def apply(self, image: FloatImage, random: np.random.Generator) -> FloatImage:
        noise = random.standard_normal(image.shape, dtype=np.float32)
        noise *= np.float32(self.sigma)
        noise += image
        return np.clip(noise, 0, 1, out=noise)


@dataclass(frozen=True, slots=True)
class rotate180:
    """Turns the image upside down: half a turn, as if the other eye's camera had been held that way."""

    p: float = 0.5

    def apply(self, image: FloatImage, random: np.random.Generator) -> FloatImage:  # noqa: ARG002
        return np.asarray(cv2.flip(image, -1), np.float32)


@dataclass(frozen=True, slots=True)
class flip_horizontal:
    """Mirrors left and right: a right eye looks like a left one."""

    p: float = 0.5

    def apply(self, image: FloatImage, random: np.random.Generator) -> FloatImage:  # noqa: ARG002
        return np.asarray(cv2.flip(image, 1), np.float32)


@dataclass(frozen=True, slots=True)
class flip_vertical:
    """Mirrors top and bottom."""

    p: float = 0.5

    def apply(self, image: FloatImage, random: np.random.Generator) -> FloatImage:  # noqa: ARG002
        return np.asarray(cv2.flip(image, 0), np.float32)


def augment(
    image: FloatImage, steps: Sequence[Augmentation], *, seed: int, epoch: int, name: str, occurrence: int
) -> FloatImage:
    """The image after all steps, as it looks at its `occurrence`-th turn (from 0) in `epoch`.

    name: its `Sample.image`; seed: of the experiment.

    Every step has random numbers of its own, so that how many one draws does not matter to the next.
    """
    for place, step in enumerate(steps):
        random = generator("augment", seed, epoch, name, occurrence, place)
        if random.random() < step.p:
            image = step.apply(image, random)
    return image

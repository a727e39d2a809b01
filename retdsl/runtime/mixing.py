"""Steps that blend an image with another of its batch, and the targets of both: mixup and cutmix.

Enters: a batch as it goes to the network, float32 `[n, C, H, W]`, and its labels. Leaves: the batch mixed, and float32
targets `[n, classes]`, one row an image, each with the sum it had.
Guaranteed: whether and how an image is mixed depends on (seed, epoch, image, occurrence), and on who else is in its
batch. An image that is alone in its batch stays as it is.

`normalize` gives every pixel a x + b, and what is blended or pasted afterwards is what it would have been before.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
import numpy.typing as npt

from retdsl.runtime.augmentation import Augmentation
from retdsl.runtime.network_input import FloatImage
from retdsl.runtime.randomness import generator


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixing(Augmentation):
    """A step that blends an image with a partner."""

    mixes: ClassVar[bool] = True

    def mix(self, image: FloatImage, partner: FloatImage, random: np.random.Generator) -> float:
        """Blends the partner into `image` [C, H, W], in place; returns the share of `image` that is left."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class mixup(Mixing):
    """share x + (1 - share) of another image, pixel by pixel; the share is drawn from Beta(`alpha`, `alpha`).

    After Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization". As there, partners are of the same batch.
    """

    alpha: float = 0.2

    def mix(self, image: FloatImage, partner: FloatImage, random: np.random.Generator) -> float:
        share = random.beta(self.alpha, self.alpha)
        flat = image.reshape(-1, image.shape[-1])
        cv2.addWeighted(flat, share, partner.reshape(flat.shape), 1 - share, 0, dst=flat)
        return share


@dataclass(frozen=True, slots=True)
class cutmix(Mixing):
    """Pastes a rectangle of another image in its place there.

    Its area is 1 - share of the image, the share drawn from Beta(`alpha`, `alpha`), its centre anywhere; what lies
    outside the image is cut off, and the share is what is then left. After Yun et al. 2019, "CutMix".
    """

    alpha: float = 1.0

    def mix(self, image: FloatImage, partner: FloatImage, random: np.random.Generator) -> float:
        height, width = image.shape[1:]
        cut = math.sqrt(1 - random.beta(self.alpha, self.alpha))
        top, bottom = _stretch(height, cut, random)
        left, right = _stretch(width, cut, random)
        image[:, top:bottom, left:right] = partner[:, top:bottom, left:right]
        return 1 - (bottom - top) * (right - left) / (height * width)


def _stretch(length: int, share: float, random: np.random.Generator) -> tuple[int, int]:
    """Begin and end of a share of a length around a random place, as far as they lie within."""
    part, centre = int(length * share), int(random.integers(length))
    return max(centre - part // 2, 0), min(centre - part // 2 + part, length)


class Mixer:
    """The mixing steps of a chain.

    steps: of the whole chain; classes: of the data, in order; seed: of the experiment.
    """

    def __init__(self, steps: Sequence[Augmentation], classes: Sequence[str], seed: int) -> None:
        self._steps = tuple(step for step in steps if isinstance(step, Mixing))
        self._classes = tuple(classes)
        self._seed = seed

    def __bool__(self) -> bool:
        """Whether there is anything to mix."""
        return bool(self._steps)

    def __call__(
        self, images: FloatImage, labels: npt.NDArray[np.float32], turns: Sequence[tuple[str, int]], epoch: int
    ) -> npt.NDArray[np.float32]:
        """Mixes `images` [n, C, H, W] in place, and returns their targets [n, classes].

        labels: classes [n], or targets [n, classes], which stay as they are; turns: the name of each image and how
        often it has been in this epoch before.
        """
        targets = (
            labels.copy() if labels.ndim == 2 else np.eye(len(self._classes), dtype=np.float32)[labels.astype(int)]
        )
        last = targets.shape[1] - 1 - targets[:, ::-1].argmax(axis=1)  # of equal ones, as a sample's label is chosen
        titles = [self._classes[label] for label in last]
        for place, step in enumerate(self._steps):
            self._mix(step, place, images, targets, titles, turns, epoch)
        return targets

    def _mix(
        self,
        step: Mixing,
        place: int,
        images: FloatImage,
        targets: npt.NDArray[np.float32],
        titles: Sequence[str],
        turns: Sequence[tuple[str, int]],
        epoch: int,
    ) -> None:
        count = len(images)
        partner_of: dict[int, int] = {}
        random_of: dict[int, np.random.Generator] = {}
        for at, (name, occurrence) in enumerate(turns):
            random = generator("mix", self._seed, epoch, name, occurrence, place)
            if count > 1 and step.acts(titles[at], random):
                partner_of[at] = (at + 1 + int(random.integers(count - 1))) % count
                random_of[at] = random
        before = targets.copy()
        # Partners go in as they were before this step; only those that it changes as well need a copy.
        kept = {at: images[at].copy() for at in set(partner_of.values()) & set(partner_of)}
        for at, partner in partner_of.items():
            share = step.mix(images[at], kept.get(partner, images[partner]), random_of[at])
            targets[at] = share * before[at] + (1 - share) * before[partner]

"""Sampling policies: which images of the training pool an epoch sees, and in what order.

Enters: the training pool, a seed, an epoch. Leaves: positions in the pool, in order.
Guaranteed: equal arguments give equal positions. How many images of each class an epoch sees is known in advance, from
the pool's labels and patients alone. Drawing k of n images: each is drawn floor(k / n) times, and the rest without
replacement, so that no two images of a class differ by more than one turn within an epoch.

Here are the policies whose epochs do not depend on one another; `class_aware`, `progressive` and `hard` have modules of
their own. by: None to draw images; "patient" to draw patients, and each time one of their images of the class drawn, so
that patients with many photographs do not count more. Numbers of images below are then numbers of patients.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from retdsl.runtime.drawing import (
    Pool,
    Positions,
    Units,
    allotted,
    draw,
    largest_remainder,
    require_ratio,
    shuffled,
)
from retdsl.runtime.randomness import generator


class Sampling(Protocol):
    """A policy."""

    def epoch(self, pool: Pool, seed: int, epoch: int) -> Positions:
        """Positions in the pool, in the order in which this epoch sees them. epoch: from 1."""

    def counts(self, pool: Pool, epoch: int, /) -> tuple[int, ...]:
        """How many images of each class this epoch sees."""


@dataclass(frozen=True, slots=True)
class natural:
    """Every image of the pool once, in an order drawn anew every epoch.

    size: images an epoch, the classes as they are in the pool, drawn anew every epoch.
    """

    size: int | None = None
    by: str | None = None

    def epoch(self, pool: Pool, seed: int, epoch: int) -> Positions:
        among, random = pool.units(self.by), generator("natural", seed, epoch)
        drawn = np.arange(len(among.labels))
        if self.size is not None:
            drawn = draw(among.labels, self.counts(pool, epoch), random)
        return shuffled(among.images_of(drawn, random), seed, epoch)

    def counts(self, pool: Pool, _epoch: int) -> tuple[int, ...]:
        sizes = pool.units(self.by).sizes
        if self.size is None:
            return sizes
        require_ratio(sizes, None)
        return largest_remainder(self.size, sizes)


@dataclass(frozen=True, slots=True)
class balanced_subset:
    """One small balanced set, drawn once with its own `seed`; every epoch sees that set, in another order.

    size: images in all; default: the number of classes times the images of the rarest class. A size that the classes do
    not divide gives the first classes one more.
    """

    seed: int = 0
    size: int | None = None
    by: str | None = None

    def epoch(self, pool: Pool, seed: int, epoch: int) -> Positions:
        return shuffled(self.subset(pool.units(self.by)), seed, epoch)

    def counts(self, pool: Pool, _epoch: int) -> tuple[int, ...]:
        return allotted(pool.units(self.by).sizes, None, self.size)

    def subset(self, among: Units) -> Positions:
        """The set itself, in ascending order."""
        random = generator("subset", self.seed)
        drawn = draw(among.labels, allotted(among.sizes, None, self.size), random)
        return np.sort(among.images_of(drawn, random))


@dataclass(frozen=True, slots=True)
class resample:
    """Every epoch all classes are drawn anew from the whole pool.

    ratio: how the classes (in their order) stand to one another, None for equal; each: "epoch", the only choice;
    replace: whether each image is drawn by itself, with replacement, and not evenly; size: images an epoch; default:
    what the ratio allows when the class that is rarest for it is used once.
    Raises RunError if the ratio does not have a positive value for each class.
    """

    ratio: tuple[float, ...] | None = None
    each: str = "epoch"
    replace: bool = False
    size: int | None = None
    by: str | None = None

    def epoch(self, pool: Pool, seed: int, epoch: int) -> Positions:
        among, random = pool.units(self.by), generator("resample", seed, epoch)
        drawn = draw(among.labels, self.counts(pool, epoch), random, replace=self.replace)
        return shuffled(among.images_of(drawn, random), seed, epoch)

    def counts(self, pool: Pool, _epoch: int) -> tuple[int, ...]:
        return allotted(pool.units(self.by).sizes, self.ratio, self.size)


@dataclass(frozen=True, slots=True)
class oversample:
    """Every image at least once, and those of classes that are too rare for the ratio repeated evenly.

    ratio: how the classes (in their order) stand to one another, None for equal; to the nearest image. Of the class
    that is most frequent for it, every image comes once.
    Raises RunError if the ratio does not have a positive value for each class.
    """

    ratio: tuple[float, ...] | None = None
    by: str | None = None

    def epoch(self, pool: Pool, seed: int, epoch: int) -> Positions:
        among, random = pool.units(self.by), generator("oversample", seed, epoch)
        drawn = draw(among.labels, self.counts(pool, epoch), random)
        return shuffled(among.images_of(drawn, random), seed, epoch)

    def counts(self, pool: Pool, _epoch: int) -> tuple[int, ...]:
        sizes = pool.units(self.by).sizes
        weights = require_ratio(sizes, self.ratio)
        unit = max(number / weight for number, weight in zip(sizes, weights, strict=True))
        return tuple(int(weight * unit + 0.5) for weight in weights)

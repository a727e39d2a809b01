"""Sampling policies: which images of the training pool an epoch sees, and in what order.

Enters: the training pool, a seed, an epoch. Leaves: positions in the pool, in order.
Guaranteed: equal arguments give equal positions. Drawing k of n images: each is drawn floor(k / n) times, and the rest
without replacement, so that no two images of a class differ by more than one turn within an epoch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from retdsl.runtime.errors import RunError
from retdsl.runtime.randomness import generator

Positions: TypeAlias = npt.NDArray[np.int64]
Labels: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Pool:
    """The training images that an epoch may see.

    labels: the class of each, int64 `[n]`; patients: whose each is, as a number, int64 `[n]`, None where every image is
    a patient of its own; losses: of each when it was last seen, float64 `[n]`, NaN where it never was; None before
    anything was seen.
    """

    labels: Labels
    patients: npt.NDArray[np.int64] | None = None
    losses: npt.NDArray[np.float64] | None = None


class Sampling(Protocol):
    """A policy."""

    def epoch(self, pool: Pool, seed: int, epoch: int) -> Positions:
        """Positions in the pool, in the order in which this epoch sees them."""


@dataclass(frozen=True, slots=True)
class natural:
    """Every image of the pool once, in an order drawn anew every epoch."""

    def epoch(self, pool: Pool, seed: int, epoch: int) -> Positions:
        return _shuffled(np.arange(len(pool.labels)), seed, epoch)


@dataclass(frozen=True, slots=True)
class balanced_subset:
    """One small balanced set, drawn once with its own `seed`; every epoch sees that set, in another order.

    size: images in all; default: the number of classes times the images of the rarest class. A size that the classes do
    not divide gives the first classes one more.
    """

    seed: int = 0
    size: int | None = None

    def epoch(self, pool: Pool, seed: int, epoch: int) -> Positions:
        return _shuffled(self.subset(pool.labels), seed, epoch)

    def subset(self, labels: Labels) -> Positions:
        """The set itself, in ascending order."""
        counts = _shares(class_sizes(labels), None, self.size)
        return np.sort(_draw(labels, counts, generator("subset", self.seed)))


@dataclass(frozen=True, slots=True)
class resample:
    """Every epoch all classes are drawn anew from the whole pool.

    ratio: how the classes (in their order) stand to one another, None for equal; each: "epoch", the only choice;
    size: images an epoch; default: what the ratio allows when the class that is rarest for it is used once.
    Raises RunError if the ratio does not have a positive value for each class.
    """

    ratio: tuple[float, ...] | None = None
    each: str = "epoch"
    size: int | None = None

    def epoch(self, pool: Pool, seed: int, epoch: int) -> Positions:
        counts = _shares(class_sizes(pool.labels), self.ratio, self.size)
        drawn = _draw(pool.labels, counts, generator("resample", seed, epoch))
        return _shuffled(drawn, seed, epoch)


def class_sizes(labels: Labels) -> tuple[int, ...]:
    """How many images each class has in the pool, up to the highest label there."""
    return tuple(int(count) for count in np.bincount(labels))


def largest_remainder(total: int, weights: Sequence[float]) -> tuple[int, ...]:
    """`total` divided in proportion to `weights`, in whole numbers that sum to `total` (Hamilton's method).

    Equal remainders go to the earlier weight.
    """
    whole = sum(weights)
    exact = [total * weight / whole for weight in weights]
    shares = [int(share + 1e-9) for share in exact]
    by_remainder = sorted(range(len(weights)), key=lambda at: (round(shares[at] - exact[at], 9), at))
    for at in by_remainder[: total - sum(shares)]:
        shares[at] += 1
    return tuple(shares)


def _shares(sizes: Sequence[int], ratio: Sequence[float] | None, size: int | None) -> tuple[int, ...]:
    """How many images of each class an epoch sees."""
    weights = (1.0,) * len(sizes) if ratio is None else tuple(ratio)
    if len(weights) != len(sizes) or min(weights) <= 0:
        written = " : ".join(f"{weight:g}" for weight in weights)
        raise RunError(f"the sampling ratio {written} does not fit the training pool of {len(sizes)} classes")
    if min(sizes) == 0:
        raise RunError(f"class number {sizes.index(0)} has no photograph in the training pool")
    if size is not None:
        return largest_remainder(size, weights)
    unit = min(number / weight for number, weight in zip(sizes, weights, strict=True))
    return tuple(max(1, int(weight * unit + 1e-9)) for weight in weights)


def _draw(labels: Labels, counts: Sequence[int], random: np.random.Generator) -> Positions:
    """`counts[c]` positions of each class c, class by class."""
    drawn = []
    for label, count in enumerate(counts):
        members = np.flatnonzero(labels == label)
        rounds, rest = divmod(count, len(members))
        drawn += [np.tile(members, rounds), random.permutation(members)[:rest]]
    return np.concatenate(drawn)


def _shuffled(positions: Positions, seed: int, epoch: int) -> Positions:
    return generator("order", seed, epoch).permutation(positions)

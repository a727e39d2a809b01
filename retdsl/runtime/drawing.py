"""Drawing from a training pool: evenly, with repeats, in turns, photographs or patients.

Enters: what is drawn from (`Units`), how many of each class, random numbers. Leaves: positions. Guaranteed: equal
arguments give equal positions; the work is done by whole arrays, so that a pool may have a million photographs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from retdsl.runtime.errors import RunError
from retdsl.runtime.randomness import generator

Positions: TypeAlias = npt.NDArray[np.int64]
Labels: TypeAlias = npt.NDArray[np.int64]

CHUNK = 4096
"""Turns of an endless list come from generators of their own, each good for about so many of its items."""


@dataclass(frozen=True)
class Units:
    """What is drawn: images, or patients, of whom one image is taken each time.

    labels: the class of each unit, int64 `[u]`. A patient with images of two classes is a unit in both. images: the
    images of each unit, one unit behind the other, int64 `[n]`; None where every unit is the image of its number.
    first, count: where those of each unit begin, and how many they are, int64 `[u]`.
    """

    labels: Labels
    images: Positions | None = None
    first: Positions | None = None
    count: Positions | None = None

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """How many units each class has."""
        return class_sizes(self.labels)

    def images_of(self, drawn: Positions, random: np.random.Generator) -> Positions:
        """An image for each unit drawn. The images of a unit that is drawn several times take turns, from any of them
        on, so that none comes twice before all have come once.
        """
        if self.images is None or self.first is None or self.count is None:
            return drawn
        begin = random.integers(self.count)
        turn = begin[drawn] + occurrences(drawn)
        images: Positions = self.images[self.first[drawn] + turn % self.count[drawn]]
        return images


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

    def units(self, by: str | None) -> Units:
        """The images; with `by` "patient", the patients."""
        return self._images if by is None or self.patients is None else self._patients

    @cached_property
    def _images(self) -> Units:
        return Units(self.labels)

    @cached_property
    def _patients(self) -> Units:
        assert self.patients is not None
        classes = int(self.labels.max()) + 1
        keys, unit, count = np.unique(self.patients * classes + self.labels, return_inverse=True, return_counts=True)
        first = np.concatenate([[0], np.cumsum(count)[:-1]])
        return Units(keys % classes, np.argsort(unit, kind="stable"), first, count)


def class_sizes(labels: Labels) -> tuple[int, ...]:
    """How many images each class has in the pool, up to the highest label there."""
    return tuple(int(count) for count in np.bincount(labels))


def draw(labels: Labels, counts: Sequence[int], random: np.random.Generator, *, replace: bool = False) -> Positions:
    """`counts[c]` positions of each class c, class by class.

    Evenly: each floor(count / n) times, and the rest without replacement; or with replacement, each draw by itself.
    """
    drawn = []
    for label, count in enumerate(counts):
        members = np.flatnonzero(labels == label)
        if replace:
            drawn.append(random.choice(members, count))
            continue
        rounds, rest = divmod(count, len(members))
        drawn += [np.tile(members, rounds), random.permutation(members)[:rest]]
    return np.concatenate(drawn)


def endless(members: Positions, start: int, stop: int, *key: int | str) -> Positions:
    """The places from `start` to before `stop` of an endless list: all members in random order, all in another, ...

    No state: any part of the list can be had at any time. key: of its random numbers.
    """
    turns = max(1, CHUNK // len(members))
    chunk = turns * len(members)
    parts = []
    for number in range(start // chunk, -(-stop // chunk)):
        rows = np.tile(members, (turns, 1))
        parts.append(generator(*key, number).permuted(rows, axis=1).ravel())
    skipped = start // chunk * chunk
    places: Positions = np.concatenate([members[:0], *parts])[start - skipped : stop - skipped]
    return places


def occurrences(drawn: Positions) -> Positions:
    """How often each has come before it in the row: 0, 0, 1, 0, 2 of 7, 4, 7, 1, 7."""
    order = np.argsort(drawn, kind="stable")
    of_one_kind = np.flatnonzero(np.diff(drawn[order], prepend=-1))
    begins = np.repeat(of_one_kind, np.diff(of_one_kind, append=len(drawn)))
    times = np.empty_like(drawn)
    times[order] = np.arange(len(drawn)) - begins
    return times


def shuffled(positions: Positions, seed: int, epoch: int) -> Positions:
    """In the order of this epoch."""
    return generator("order", seed, epoch).permutation(positions)


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


def allotted(sizes: Sequence[int], ratio: Sequence[float] | None, size: int | None) -> tuple[int, ...]:
    """How many of each class an epoch draws: `size` in all; without it, what the ratio (None: all alike) allows when
    the class that is rarest for it is used once. Raises RunError as `require_ratio` does.
    """
    weights = require_ratio(sizes, ratio)
    if size is not None:
        return largest_remainder(size, weights)
    unit = min(number / weight for number, weight in zip(sizes, weights, strict=True))
    return tuple(max(1, int(weight * unit + 1e-9)) for weight in weights)


def require_ratio(sizes: Sequence[int], ratio: Sequence[float] | None) -> tuple[float, ...]:
    """The ratio, equal where it is None. Raises RunError if it does not have a positive value for each class, or if
    a class has nothing to draw.
    """
    if ratio is not None and (len(ratio) != len(sizes) or min(ratio) <= 0):
        written = " : ".join(f"{part:g}" for part in ratio)
        raise RunError(f"the sampling ratio {written} does not fit the training pool of {len(sizes)} classes")
    if min(sizes) == 0:
        raise RunError(f"class number {sizes.index(0)} has no photograph in the training pool")
    return (1.0,) * len(sizes) if ratio is None else tuple(ratio)

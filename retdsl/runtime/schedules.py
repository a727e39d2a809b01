"""How the learning rate moves during training: by which factor the optimizer's rate is multiplied at each update.

Enters: the number of an update, counted from 1 over the whole training, and how long the training is. Leaves: a
factor, 0 to 1. Guaranteed: no state, so a resumed training goes on exactly where it stopped. Time is counted in epochs,
so that a schedule begins, falls and ends with them, even where some have more updates than others.

All warm up alike: over the first `warmup` epochs the factor rises in a straight line from nearly 0 to 1 (Goyal et al.,
2017), so that the first steps of a fresh head do not throw away what a network knew.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Course:
    """The length of a training. updates: of every epoch, in order, each 1 or more."""

    updates: tuple[int, ...]
    _ends: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ends", (0, *accumulate(self.updates)))

    @property
    def epochs(self) -> int:
        return len(self.updates)

    def until(self, epoch: int) -> int:
        """How many updates there are until an epoch has ended; none until epoch 0 has. What is beyond the end counts as
        the end.
        """
        return self._ends[min(epoch, self.epochs)]

    def epoch_of(self, update: int) -> int:
        """The epoch that an update is in; both count from 1. What is beyond the end is in the last."""
        return min(bisect_left(self._ends, update), self.epochs)

    def passed(self, updates: int) -> float:
        """How many epochs have passed after so many updates: 2.5 in the middle of the third one."""
        if updates <= 0:
            return 0.0
        epoch = self.epoch_of(updates)
        return epoch - 1 + (updates - self._ends[epoch - 1]) / self.updates[epoch - 1]


class Schedule(Protocol):
    def multiplier(self, update: int, course: Course) -> float:
        """What to multiply the optimizer's rate with at this update, counted from 1."""


@dataclass(frozen=True, slots=True)
class constant:
    """The same rate throughout, after the warm-up. warmup: epochs, 0 or more, not necessarily whole."""

    warmup: float = 0

    def multiplier(self, update: int, course: Course) -> float:
        return _warming(update, course, self.warmup)


@dataclass(frozen=True, slots=True)
class step:
    """Multiplied by `factor` after every `every` epochs, or after each of the epochs `at`; one of the two is given.

    Epochs are counted from the start of training, warm-up included.
    """

    every: int | None = None
    factor: float = 0.1
    at: Sequence[int] | None = None
    warmup: float = 0

    def multiplier(self, update: int, course: Course) -> float:
        finished = course.epoch_of(update) - 1
        falls = finished // self.every if self.every else sum(epoch <= finished for epoch in self.at or ())
        return _warming(update, course, self.warmup) * self.factor**falls


@dataclass(frozen=True, slots=True)
class cosine:
    """Falls along half a cosine from 1 after the warm-up to `floor` at the end of training.

    floor: a share of the optimizer's rate, in [0, 1]. Source: Loshchilov and Hutter, SGDR, ICLR 2017 (no restarts).
    """

    warmup: float = 0
    floor: float = 0.0

    def multiplier(self, update: int, course: Course) -> float:
        warming, progress = _fallen(update, course, self.warmup)
        if warming < 1:
            return warming
        return self.floor + (1 - self.floor) * _half_cosine(progress)


@dataclass(frozen=True, slots=True)
class polynomial:
    """Falls from 1 after the warm-up to `floor` at the end of training, as (1 - progress) ** power; 1 is a line.

    power: above 0; floor: a share of the optimizer's rate, in [0, 1].
    """

    power: float = 1.0
    floor: float = 0.0
    warmup: float = 0

    def multiplier(self, update: int, course: Course) -> float:
        warming, progress = _fallen(update, course, self.warmup)
        if warming < 1:
            return warming
        return self.floor + (1 - self.floor) * float((1 - progress) ** self.power)


@dataclass(frozen=True, slots=True)
class one_cycle:
    """Rises along half a cosine from 1 / start to 1, and falls along another to 1 / (start * end): a rate higher than
    could be held all the time, for a part of it.

    peak: the share of training, in (0, 1), after which the rate is that of the optimizer; start, end: 1 or more.
    Source: Smith, "A disciplined approach to neural network hyper-parameters", 2018.
    """

    peak: float = 0.3
    start: float = 25.0
    end: float = 10_000.0

    def multiplier(self, update: int, course: Course) -> float:
        progress = min(course.passed(update - 1) / course.epochs, 1.0)
        first, last = 1 / self.start, 1 / (self.start * self.end)
        if progress < self.peak:
            return 1 - (1 - first) * _half_cosine(progress / self.peak)
        return last + (1 - last) * _half_cosine((progress - self.peak) / (1 - self.peak))


def _fallen(update: int, course: Course, warmup: float) -> tuple[float, float]:
    """How far the warm-up is, and how much of what follows it has passed, both up to 1."""
    falling = course.epochs - warmup
    # Counted from the update before, so that the first one has the full rate and the last one is not wasted at 0.
    progress = min((course.passed(update - 1) - warmup) / falling, 1.0) if falling > 0 else 0.0
    return _warming(update, course, warmup), max(progress, 0.0)


def _half_cosine(progress: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * progress))


def _warming(update: int, course: Course, warmup: float) -> float:
    return min(1.0, course.passed(update) / warmup) if warmup > 0 else 1.0

"""How the learning rate moves during training: by which factor the optimizer's rate is multiplied at each update.

Enters: the number of an update, counted from 1 over the whole training, and how long the training is. Leaves: a
factor, 0 to 1. Guaranteed: no state, so a resumed training goes on exactly where it stopped.

All warm up alike: over the first `warmup` epochs the factor rises in a straight line from nearly 0 to 1 (Goyal et al.,
2017), so that the first steps of a fresh head do not throw away what a network knew.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Course:
    """The length of a training. updates: per epoch; epochs: in all."""

    updates: int
    epochs: int


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
    """Multiplied by `factor` after every `every` epochs, counted from the start of training, warm-up included."""

    every: int
    factor: float = 0.1
    warmup: float = 0

    def multiplier(self, update: int, course: Course) -> float:
        steps = (update - 1) // (self.every * course.updates)
        return _warming(update, course, self.warmup) * self.factor**steps


@dataclass(frozen=True, slots=True)
class cosine:
    """Falls along half a cosine from 1 after the warm-up to `floor` at the end of training.

    floor: a share of the optimizer's rate, in [0, 1]. Source: Loshchilov and Hutter, SGDR, ICLR 2017 (no restarts).
    """

    warmup: float = 0
    floor: float = 0.0

    def multiplier(self, update: int, course: Course) -> float:
        warming = _warming(update, course, self.warmup)
        if warming < 1:
            return warming
        falling = course.epochs - self.warmup
        # Counted from the update before, so that the first one has the full rate and the last one is not wasted at 0.
        progress = min(((update - 1) / course.updates - self.warmup) / falling, 1.0) if falling > 0 else 0.0
        return self.floor + (1 - self.floor) * 0.5 * (1 + math.cos(math.pi * max(progress, 0.0)))


def _warming(update: int, course: Course, warmup: float) -> float:
    return min(1.0, update / (warmup * course.updates)) if warmup > 0 else 1.0

"""How a network is trained, as its trainer needs it: resolved, with all that follows from the data."""

from __future__ import annotations

from dataclasses import dataclass

from retdsl.runtime.optimizers import Optimizer
from retdsl.runtime.schedules import Course, Schedule


@dataclass(frozen=True)
class Recipe:
    """How parameters are updated.

    weights: of the classes, resolved, or None; batch: images in a full batch; steps: images in a full step of each
    epoch, which are fewer where an epoch has fewer than a batch; None where none has; soft: whether batches to train on
    may have soft labels [n, C].
    """

    optimizer: Optimizer
    schedule: Schedule
    course: Course
    batch: int
    seed: int
    weights: tuple[float, ...] | None
    steps: tuple[int, ...] | None = None
    soft: bool = False

    def learning_rate(self, update: int) -> float:
        """The rate of this update, counted from 1 over the whole training."""
        return self.optimizer.lr * self.schedule.multiplier(update, self.course)

    def full_step(self, epoch: int) -> int:
        """How many images the gradient of a step is the mean of."""
        return self.batch if self.steps is None else self.steps[epoch - 1]

"""How a network is trained, as its trainer needs it: resolved, with all that follows from the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from retdsl.runtime.average import ema
from retdsl.runtime.clipping import Clipping
from retdsl.runtime.experiment import Experiment
from retdsl.runtime.network import matches
from retdsl.runtime.optimizers import Optimizer
from retdsl.runtime.schedules import Course, Schedule


@dataclass(frozen=True)
class Recipe:
    """How parameters are updated.

    weights: of the classes, resolved, or None; batch: images in a full batch; steps: images in a full step of each
    epoch, which are fewer where an epoch has fewer than that; None where none has; soft: whether batches to train on
    may have soft labels [n, C]; rates: factors of the learning rate by names of parameters, which may hold wildcards,
    the first that matches counts; accumulate: batches in a step; clip, average: None for none; workers: how many share
    each batch.
    """

    optimizer: Optimizer
    schedule: Schedule
    course: Course
    batch: int
    seed: int
    weights: tuple[float, ...] | None
    steps: tuple[int, ...] | None = None
    soft: bool = False
    rates: Mapping[str, float] = field(default_factory=dict)
    accumulate: int = 1
    clip: Clipping | None = None
    average: ema | None = None
    workers: int = 1

    @property
    def rows(self) -> int:
        """How many images of a batch one of the workers has at most."""
        return -(-self.batch // self.workers)

    def learning_rate(self, update: int) -> float:
        """The rate of this update, counted from 1 over the whole training."""
        return self.optimizer.lr * self.schedule.multiplier(update, self.course)

    def full_step(self, epoch: int) -> int:
        """How many images the gradient of a step is the mean of."""
        return self.batch * self.accumulate if self.steps is None else self.steps[epoch - 1]

    def update_of(self, epoch: int, batch: int) -> int:
        """The update, counted from 1 over the whole training, that a batch of an epoch is part of; both from 1."""
        return self.course.until(epoch - 1) + (batch - 1) // self.accumulate + 1

    def rate_of(self, name: str) -> float:
        """What the learning rate of a parameter is multiplied by."""
        return next((factor for pattern, factor in self.rates.items() if matches(name, (pattern,))), 1.0)


def recipe_of(
    experiment: Experiment,
    weights: tuple[float, ...] | None,
    batches: Sequence[int],
    images: Sequence[int],
    *,
    soft: bool = False,
    workers: int = 1,
) -> Recipe:
    """How an experiment is trained on its data.

    weights: of the classes, or None; batches, images: how many each epoch has; soft: whether the labels of the data
    are; workers: as of `Recipe`.
    """
    training = experiment.training
    step = training.batch * training.accumulate
    return Recipe(
        training.optimizer,
        training.schedule,
        Course(tuple(-(-count // training.accumulate) for count in batches)),
        training.batch,
        training.seed,
        weights,
        steps=tuple(min(step, count) for count in images),
        soft=experiment.soft or soft,
        rates=training.rates,
        accumulate=training.accumulate,
        clip=training.clip,
        average=training.average,
        workers=workers,
    )

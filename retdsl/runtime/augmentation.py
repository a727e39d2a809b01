"""What a step of an augment chain is: how often it acts, on images of which classes, and the choice between several.

Enters: nothing. Leaves: the base of all steps, and `one_of`. What acts, depends on the image's class and on random
numbers of its key alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from retdsl.runtime.decode import Photograph


class Random(Protocol):
    """Where random numbers come from: a `Chance`, or a generator of NumPy's."""

    def random(self) -> float: ...


class Draws(Random, Protocol):
    """What steps on single images draw from."""

    def uniform(self, low: float, high: float) -> float: ...

    def integers(self, count: int) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """Any step. p: the probability that it acts; on: only on images of these classes, None for all.

    mixes: whether it blends images with others of their batch (see `mixing`), and so makes targets of labels.
    finite: whether it does the same whenever it acts, so that an image it was done to comes again (see `variants`).
    """

    p: float = 1.0
    on: Sequence[str] | None = None
    mixes: ClassVar[bool] = False
    finite: ClassVar[bool] = False

    @property
    def repeats(self) -> bool:
        """Whether an image comes again, whatever is drawn for it."""
        return self.finite

    def acts(self, title: str | None, random: Random) -> bool:
        """Whether it acts this time on an image of the class `title`, None where that is not known."""
        return (self.on is None or title in self.on) and random.random() < self.p


@dataclass(frozen=True, slots=True, kw_only=True)
class OnImages(Augmentation):
    """A step that changes single images."""

    def apply(self, photo: Photograph, random: Draws) -> Photograph:
        """A photograph as the step leaves it, uint8 `[H, W, C]` as it came; the one given is never written to."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class one_of(Augmentation):
    """Does one of several steps, drawn anew each time; that one then acts by a `p` and an `on` of its own.

    weights: how often each is drawn, against the others; None for equally often.
    """

    steps: Sequence[Augmentation]
    weights: Sequence[float] | None = None

    @property
    def repeats(self) -> bool:
        return all(step.repeats for step in self.steps)

    def drawn(self, random: Random) -> Augmentation:
        """The step of this time."""
        weights = self.weights or (1.0,) * len(self.steps)
        left = random.random() * sum(weights)
        for step, weight in zip(self.steps, weights, strict=True):
            left -= weight
            if left < 0:
                return step
        return self.steps[-1]  # what is left is a rounding error


def acting(step: Augmentation, title: str | None, random: Random) -> Augmentation | None:
    """The step that acts this time: `step` itself, the one that `one_of` draws, or none."""
    while step.acts(title, random):
        if not isinstance(step, one_of):
            return step
        step = step.drawn(random)
    return None

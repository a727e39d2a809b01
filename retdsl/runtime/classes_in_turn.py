"""`class_aware`: the classes in turn, each with an endless list of its images that goes on from epoch to epoch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retdsl.runtime.drawing import Pool, Positions, endless, require_ratio
from retdsl.runtime.randomness import generator


@dataclass(frozen=True, slots=True)
class class_aware:
    """The classes in turn; of each, the next image of its list. A list that is at its end is shuffled and begun anew,
    whichever epoch it is, so that no image of a class comes twice before all of them have come once.

    size: images an epoch; default: as many as the pool has. by: as in `sampling`.
    Within a turn the classes come in their order, not in a random one: where images stand within a batch is the same to
    its gradient. Source: Shen, Lin and Huang, Relay Backpropagation, ECCV 2016.
    """

    size: int | None = None
    by: str | None = None

    def epoch(self, pool: Pool, seed: int, epoch: int) -> Positions:
        among = pool.units(self.by)
        sizes = among.sizes
        require_ratio(sizes, None)
        size = self.size or sum(sizes)
        start, stop = (epoch - 1) * size, epoch * size
        drawn = np.empty(size, np.int64)
        for label in range(len(sizes)):
            # Draw number g of all is of class g mod C, and number g div C of that class.
            members = np.flatnonzero(among.labels == label)
            first, last = (_before(at, label, len(sizes)) for at in (start, stop))
            drawn[(label - start) % len(sizes) :: len(sizes)] = endless(members, first, last, "turns", seed, label)
        return among.images_of(drawn, generator("class aware", seed, epoch))

    def counts(self, pool: Pool, epoch: int) -> tuple[int, ...]:
        sizes = pool.units(self.by).sizes
        require_ratio(sizes, None)
        size = self.size or sum(sizes)
        start, stop = (epoch - 1) * size, epoch * size
        classes = len(sizes)
        return tuple(_before(stop, label, classes) - _before(start, label, classes) for label in range(classes))


def _before(draws: int, label: int, classes: int) -> int:
    """How many of the first draws are of a class."""
    return (draws - label + classes - 1) // classes

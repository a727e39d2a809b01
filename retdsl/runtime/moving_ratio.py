"""`progressive`: a ratio of the classes that moves over the epochs, as from the photographs as they are to 1 : 1."""

from __future__ import annotations

from dataclasses import dataclass

from retdsl.runtime.drawing import Pool, Positions, allotted, draw, require_ratio, shuffled
from retdsl.runtime.randomness import generator


@dataclass(frozen=True, slots=True)
class progressive:
    """Every epoch all classes are drawn anew from the whole pool, in shares that move in a straight line.

    from_: the ratio of the first epoch, of the classes in their order, or "natural" for that of the pool; to: of epoch
    number `epochs` and all after it, None for equal; epochs: 2 or more; size: images an epoch; default: what the ratio
    of the epoch allows when the class that is rarest for it is used once, so that epochs differ in length; by: as in
    `sampling`. Source: Kang et al., Decoupling Representation and Classifier for Long-Tailed Recognition, ICLR 2020
    ("progressively-balanced").
    Raises RunError if a ratio does not have a positive value for each class.
    """

    epochs: int
    from_: tuple[float, ...] | str = "natural"
    to: tuple[float, ...] | str | None = None
    size: int | None = None
    by: str | None = None

    def epoch(self, pool: Pool, seed: int, epoch: int) -> Positions:
        among, random = pool.units(self.by), generator("progressive", seed, epoch)
        drawn = draw(among.labels, self.counts(pool, epoch), random)
        return shuffled(among.images_of(drawn, random), seed, epoch)

    def counts(self, pool: Pool, epoch: int) -> tuple[int, ...]:
        sizes = pool.units(self.by).sizes
        return allotted(sizes, self.ratio(sizes, epoch), self.size)

    def ratio(self, sizes: tuple[int, ...], epoch: int) -> tuple[float, ...]:
        """How the classes, of which there are so many, stand to one another in this epoch."""
        start, end = (
            tuple(map(float, sizes)) if isinstance(ratio, str) else require_ratio(sizes, ratio)
            for ratio in (self.from_, self.to)
        )
        moved = min(1.0, (epoch - 1) / (self.epochs - 1))
        if moved in (0, 1):
            return end if moved else start
        return tuple((1 - moved) * a / sum(start) + moved * b / sum(end) for a, b in zip(start, end, strict=True))

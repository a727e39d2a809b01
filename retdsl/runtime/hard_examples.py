"""`hard`: a part of every epoch from the images that the network finds hardest; and what is remembered for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from retdsl.runtime.drawing import Pool, Positions
from retdsl.runtime.randomness import generator
from retdsl.runtime.sampling import Sampling, natural


@dataclass(frozen=True, slots=True)
class hard:
    """From the second epoch on, a part of the images that another policy draws is replaced by the hardest ones.

    Class by class, so that an epoch has as many images of each as without it: of k images of a class, fraction times k
    (to the nearest) randomly chosen places go to those images of the class whose losses were largest when they were
    last seen, each once; images never seen are not among them. Of equal losses the first in the pool wins. Where fewer
    were seen, fewer places are taken.

    fraction: in (0, 1); of: the other policy, None for `natural`.
    Source: hard examples by their current loss, Shrivastava, Gupta and Girshick, CVPR 2016, who choose within a batch.
    """

    fraction: float
    of: Sampling | None = None

    def epoch(self, pool: Pool, seed: int, epoch: int) -> Positions:
        positions = self._base.epoch(pool, seed, epoch)
        if epoch == 1 or pool.losses is None:
            return positions
        positions, random = positions.copy(), generator("hard", seed, epoch)
        for label in np.unique(pool.labels):
            places = np.flatnonzero(pool.labels[positions] == label)
            hardest = _hardest(pool.losses, pool.labels == label, int(self.fraction * len(places) + 0.5))
            positions[random.choice(places, len(hardest), replace=False)] = random.permutation(hardest)
        return positions

    def counts(self, pool: Pool, epoch: int) -> tuple[int, ...]:
        return self._base.counts(pool, epoch)

    @property
    def _base(self) -> Sampling:
        return natural() if self.of is None else self.of


class LastLosses:
    """The loss of every training image when it was last seen: all that `hard` remembers of earlier epochs.

    values: float64 `[n]`, in the order of the pool, NaN where an image was never seen; changed in place. A run that is
    to go on exactly where it stopped has to save this one array. It cannot be computed again: losses are those of
    images as they were augmented, before the update that they were part of. All other policies remember nothing.
    """

    def __init__(self, images: int) -> None:
        self.values: npt.NDArray[np.float64] = np.full(images, np.nan)

    def state(self) -> dict[str, npt.NDArray[np.float64]]:
        return {"values": self.values.copy()}

    def restore(self, state: Mapping[str, npt.NDArray[np.float64]]) -> None:
        self.values[:] = state["values"]

    def note(self, positions: Positions, losses: npt.NDArray[np.float64]) -> None:
        """What an epoch saw, in its order; of an image that came several times, the last loss is kept."""
        last = len(positions) - 1 - np.unique(positions[::-1], return_index=True)[1]
        self.values[positions[last]] = losses[last]


def _hardest(losses: npt.NDArray[np.float64], eligible: npt.NDArray[np.bool_], count: int) -> Positions:
    """The positions of the largest losses, at most `count`."""
    seen = np.flatnonzero(eligible & ~np.isnan(losses))
    hardest: Positions = seen[np.argsort(-losses[seen], kind="stable")[:count]]
    return hardest

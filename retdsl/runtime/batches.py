"""The batches of an experiment: of the training side as its sampling draws it, of the others as they are.

Enters: an experiment, its photographs, prepared. Leaves: batches in order.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sized

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.dataset import Dataset
from retdsl.runtime.experiment import Experiment
from retdsl.runtime.loader import Batch, Images, Loader
from retdsl.runtime.network_input import normalize
from retdsl.runtime.sampling import Pool


class Batches:
    """The batches of every side of the split.

    last: the last step on every photograph; threads: how many make batches at once.
    """

    def __init__(
        self,
        experiment: Experiment,
        dataset: Dataset,
        images: Images,
        last: normalize | None,
        threads: int,
    ) -> None:
        self.dataset = dataset
        self._sampling = experiment.sampling
        self._seed = experiment.training.seed
        self._batch = experiment.training.batch
        self._last_batch = experiment.training.last_batch
        self._pool = Pool(dataset.labels(dataset.train))
        everything = range(len(dataset.samples))
        self._loader = Loader(
            images,
            dataset,
            everything,
            dataset.labels(everything),
            experiment.augment,
            last,
            self._batch,
            self._seed,
            threads,
        )

    def training(self, epoch: int) -> Iterator[Batch]:
        return self._loader.epoch(self._order(epoch), epoch, training=True)

    def of(self, indices: tuple[int, ...]) -> Iterator[Batch]:
        return self._loader.epoch(indices, 0, training=False)

    def in_epoch(self, epoch: int) -> int:
        return self.count(self._order(epoch))

    def images_in_epoch(self, epoch: int) -> int:
        return len(self._order(epoch))

    def count(self, indices: Sized) -> int:
        return math.ceil(len(indices) / self._batch)

    def _order(self, epoch: int) -> NDArray[np.int64]:
        indices = np.array(self.dataset.train, np.int64)
        return whole_batches(
            indices[self._sampling.epoch(self._pool, self._seed, epoch)], self._batch, self._last_batch
        )


def whole_batches(order: NDArray[np.int64], batch: int, rule: str) -> NDArray[np.int64]:
    """The order of an epoch, longer or shorter so that its last batch is as `rule` says.

    "keep": as it is, the last batch may be smaller. "pad": images from the epoch's start are seen once more, and count
    as any others. "drop": what is left over is not seen; an epoch smaller than a batch is one batch, and stays.
    """
    left_over = len(order) % batch
    if left_over == 0 or rule == "keep":
        return order
    if rule == "pad":
        return np.resize(order, len(order) - left_over + batch)
    return order[: len(order) - left_over] if len(order) > batch else order

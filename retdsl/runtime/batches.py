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
        self._pool = Pool(dataset.labels(dataset.train))
        everything = range(len(dataset.samples))
        targets = dataset.targets(everything)
        exclusive = experiment.network.loss.exclusive
        self._loader = Loader(
            images,
            dataset,
            everything,
            dataset.labels(everything) if exclusive or targets is None else targets,
            experiment.augment,
            last,
            self._batch,
            self._seed,
            threads,
            targets=targets,
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
        return indices[self._sampling.epoch(self._pool, self._seed, epoch)]

"""The batches of an experiment: of the training side as its sampling draws it, of the others as they are.

Enters: an experiment, its photographs, prepared. Leaves: batches in order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.dataset import Dataset
from retdsl.runtime.dealing import Deal, owners_of
from retdsl.runtime.drawing import Pool
from retdsl.runtime.experiment import Experiment
from retdsl.runtime.hard_examples import LastLosses
from retdsl.runtime.loader import Asked, Images, Loader
from retdsl.runtime.network_input import FloatImage, normalize
from retdsl.runtime.state import Stateful
from retdsl.runtime.views import Views
from retdsl.runtime.workers import Workers


class Batches:
    """The batches of every side of the split.

    last: the last step on every photograph; threads: how many make batches at once; workers: those who share them: each
    gets its rows of every batch to train on, and its share of what is to be predicted.
    """

    def __init__(
        self,
        experiment: Experiment,
        dataset: Dataset,
        images: Images,
        last: normalize | None,
        threads: int,
        workers: Workers | None = None,
    ) -> None:
        self.dataset = dataset
        self._workers = workers or Workers()
        self._sampling = experiment.sampling
        self._seed = experiment.training.seed
        self._batch = experiment.training.batch
        self._views = len(Views(experiment.training.views))
        self._train = np.array(dataset.train, np.int64)
        self._last_batch = experiment.training.last_batch
        self._losses = LastLosses(len(self._train))
        self._pool = Pool(dataset.labels(dataset.train), dataset.patient_numbers(dataset.train), self._losses.values)
        everything = range(len(dataset.samples))
        self._deal = None
        if self._workers.count > 1:
            owners = owners_of(np.asarray(dataset.patient_numbers(everything)), self._workers.count)
            self._deal = Deal(owners, self._workers.rank, self._workers.count)
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
            dataset.classes,
            targets=targets,
            views=experiment.training.views,
            draws=None if experiment.training.cache is None else experiment.training.cache.draws,
            deal=self._deal,
        )

    @property
    def remembers(self) -> Stateful:
        """All that the order of later epochs depends on besides the seed."""
        return self._losses

    def training(self, epoch: int, first: int = 0) -> Asked:
        """The batches of an epoch from one of them on. first: counted from 0."""
        return self._loader.asked(self._order(epoch), epoch, training=True, first=first)

    def of(self, indices: tuple[int, ...]) -> Asked:
        """To predict on: every photograph of this worker's share in each of its views, one after the other; `predict`
        joins the answers for the views, `Workers.joined_predictions` those of all workers.
        """
        return self._loader.asked(self._share(indices), 0, training=False)

    def calibration(self, photographs: int) -> FloatImage:
        """Photographs of the training side [n, C, H, W], as they are, at even distances in its order: at most so many,
        each in all its views. The same for every worker.
        """
        places = np.linspace(0, len(self._train) - 1, min(photographs, len(self._train))).round().astype(int)
        asked = self._loader.asked(self._train[places], 0, training=False)
        return np.concatenate([batch.images for batch in asked])

    def learned(self, indices: NDArray[np.int64], losses: NDArray[np.float64]) -> None:
        """Told what an epoch of training saw, in its order, for the epochs after it. indices: places in the samples."""
        self._losses.note(np.searchsorted(self._train, indices), losses)

    def in_epoch(self, epoch: int) -> int:
        """How many batches an epoch of training has, known before training begins."""
        return math.ceil(self.images_in_epoch(epoch) / self._batch)

    def images_in_epoch(self, epoch: int) -> int:
        """How many images an epoch of training has, known before training begins."""
        return images_of(sum(self._sampling.counts(self._pool, epoch)), self._batch, self._last_batch)

    def count(self, indices: Sequence[int]) -> int:
        """How many batches `of` has for them."""
        size = self._batch if self._deal is None else self._deal.most(self._batch)
        return math.ceil(len(self._share(indices)) * self._views / size)

    def _share(self, indices: Sequence[int]) -> Sequence[int]:
        """Never empty, where there is anything: what two workers predict counts once."""
        return self._workers.share(indices) or indices[:1]

    def _order(self, epoch: int) -> NDArray[np.int64]:
        order = self._train[self._sampling.epoch(self._pool, self._seed, epoch)]
        return whole_batches(order, self._batch, self._last_batch)


def whole_batches(order: NDArray[np.int64], batch: int, rule: str) -> NDArray[np.int64]:
    """The order of an epoch, longer or shorter so that its last batch is as `rule` says.

    "keep": as it is, the last batch may be smaller. "pad": images from the epoch's start are seen once more, and count
    as any others. "drop": what is left over is not seen; an epoch smaller than a batch is one batch, and stays.
    """
    return np.resize(order, images_of(len(order), batch, rule))


def images_of(images: int, batch: int, rule: str) -> int:
    """How many images an epoch has in the end; see `whole_batches`."""
    left_over = images % batch
    if left_over == 0 or rule == "keep":
        return images
    if rule == "pad":
        return images - left_over + batch
    return images - left_over if images > batch else images

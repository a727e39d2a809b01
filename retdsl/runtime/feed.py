"""The batches of an experiment: of the training side as its sampling draws it, of the others as they are.

Enters: an experiment, its photographs, prepared. Leaves: batches in order.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sized

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.dataset import Dataset
from retdsl.runtime.drawing import Pool
from retdsl.runtime.experiment import Experiment
from retdsl.runtime.hard_examples import LastLosses
from retdsl.runtime.loader import Batch, Images, Loader
from retdsl.runtime.network_input import FloatImage, normalize
from retdsl.runtime.state import Stateful
from retdsl.runtime.views import Views


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
        self._views = len(Views(experiment.training.views))
        self._train = np.array(dataset.train, np.int64)
        self._last_batch = experiment.training.last_batch
        self._losses = LastLosses(len(self._train))
        self._pool = Pool(dataset.labels(dataset.train), dataset.patient_numbers(dataset.train), self._losses.values)
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
            dataset.classes,
            targets=targets,
            views=experiment.training.views,
        )

    @property
    def remembers(self) -> Stateful:
        """All that the order of later epochs depends on besides the seed."""
        return self._losses

    def training(self, epoch: int, first: int = 0) -> Iterator[Batch]:
        """The batches of an epoch from one of them on. first: counted from 0."""
        return self._loader.epoch(self._order(epoch), epoch, training=True, first=first)

    def to_learn_from(self) -> Iterator[Batch]:
        """Every photograph of the training side once, in its order, as training sees it where nothing is drawn."""
        return self._loader.epoch(self._train, 0, training=True)

    def of(self, indices: tuple[int, ...]) -> Iterator[Batch]:
        """To predict on: every photograph in each of its views, one after the other; `predict` joins the answers."""
        return self._loader.epoch(indices, 0, training=False)

    def calibration(self, photographs: int) -> FloatImage:
        """Photographs of the training side [n, C, H, W], as they are, at even distances in its order: at most so many,
        each in all its views.
        """
        places = np.linspace(0, len(self._train) - 1, min(photographs, len(self._train))).round().astype(int)
        return np.concatenate([batch.images for batch in self.of(tuple(self._train[places].tolist()))])

    def learned(self, indices: NDArray[np.int64], losses: NDArray[np.float64]) -> None:
        """Told what an epoch of training saw, in its order, for the epochs after it. indices: places in the samples."""
        self._losses.note(np.searchsorted(self._train, indices), losses)

    def in_epoch(self, epoch: int) -> int:
        """How many batches an epoch of training has, known before training begins."""
        return self._batches_of(self.images_in_epoch(epoch))

    def images_in_epoch(self, epoch: int) -> int:
        """How many images an epoch of training has, known before training begins."""
        return images_of(sum(self._sampling.counts(self._pool, epoch)), self._batch, self._last_batch)

    def count(self, indices: Sized) -> int:
        """How many batches `of` has for them."""
        return self._batches_of(len(indices) * self._views)

    def _batches_of(self, images: int) -> int:
        return math.ceil(images / self._batch)

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

"""Batches for the network, made ahead of time by threads.

Enters: prepared photographs and the order in which an epoch sees them. Leaves: batches of float32 `[n, C, H, W]`.
Guaranteed: batches come in order and are the same for any number of threads; only a few wait in memory; when the
consumer stops early or anything fails, the threads end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from sys import getrefcount
from threading import Lock
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from retdsl.runtime.ahead import ahead
from retdsl.runtime.augment import Augmenter
from retdsl.runtime.augmentation import Augmentation, OnImages
from retdsl.runtime.dealing import Deal
from retdsl.runtime.decode import Photograph
from retdsl.runtime.mixing import Mixer
from retdsl.runtime.network_input import FloatImage, normalize, to_network
from retdsl.runtime.sample import Sample
from retdsl.runtime.views import Views


@dataclass(frozen=True, slots=True)
class Batch:
    """images: float32 `[n, C, H, W]`; labels: float32 `[n]`, or soft ones `[n, classes]` to train on; indices: int64
    `[n]`, places in the data set's samples; rows: int64 `[n]`, places in the batch of all workers, None if it is that.
    """

    images: FloatImage
    labels: npt.NDArray[np.float32]
    indices: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64] | None = None


class Images(Protocol):
    """Prepared photographs by index."""

    def __getitem__(self, index: int) -> Photograph: ...


class Named(Protocol):
    """A data set, for the names of its samples: random numbers hang on them."""

    @property
    def samples(self) -> tuple[Sample, ...]: ...


class Loader:
    """Makes the batches of one side of the split.

    images: prepared photographs by sample index; indices, labels: the samples that may be asked for, and their classes;
    augment: steps for training; normalize: the last step, None for plain [0, 1]; batch: images a batch; seed: of the
    augmentation; threads: how many make batches at once; classes: their names, for steps that act on some of them;
    targets: soft labels float32 `[n, classes]` of the samples, which training takes in place of their classes; views:
    what each photograph is shown as where it is not trained on; deal: which rows of a batch to train on this worker
    takes, None where it is the only one.
    """

    def __init__(
        self,
        images: Images,
        dataset: Named,
        indices: Sequence[int],
        labels: Sequence[int] | npt.NDArray[Any],
        augment: Sequence[Augmentation] = (),
        normalize: normalize | None = None,
        batch: int = 32,
        seed: int = 0,
        threads: int = 2,
        classes: Sequence[str] = (),
        *,
        targets: npt.NDArray[np.float32] | None = None,
        views: Sequence[OnImages] | None = None,
        deal: Deal | None = None,
    ) -> None:
        self._images = images
        self._samples = dataset.samples
        self._first = int(indices[0]) if len(indices) else 0
        self._label_of = dict(zip(map(int, indices), labels, strict=True))
        self._target_of = None if targets is None else dict(zip(map(int, indices), targets, strict=True))
        self._augment = Augmenter(augment, classes, seed)
        self._mix = Mixer(augment, classes, seed)
        self._views = Views(views)
        self._normalize = normalize
        self._buffers = Buffers()
        self._batch = batch
        self._own = batch if deal is None else deal.most(batch)
        self._threads = max(1, threads)
        self._deal = deal

    def epoch(
        self, order: Sequence[int] | npt.NDArray[np.int64], epoch: int, *, training: bool, first: int = 0
    ) -> Generator[Batch, None, None]:
        """The batches of one epoch; the last may be smaller.

        order: sample indices, which may repeat; epoch: for the random numbers; training: whether images are augmented;
        else each comes once for every view, one after the other; first: the batch to begin with, from 0.
        Raises RunError if a photograph that must be read anew cannot be.
        """
        turns = _turns(order) if training else [(int(i), view) for i in order for view in range(len(self._views))]
        size = self._batch if training else self._own
        parts = [turns[start : start + size] for start in range(first * size, len(turns), size)]

        def make(part: Sequence[tuple[int, int]]) -> Batch:
            return self._make(part, epoch, training)

        yield from ahead(make, parts, self._threads, "loader")

    def _make(self, turns: Sequence[tuple[int, int]], epoch: int, training: bool) -> Batch:
        rows = None
        if training and self._deal is not None:
            rows = self._deal.rows(np.array([index for index, _ in turns], np.int64))
            if not self._mix:
                return self._made([turns[row] for row in rows], epoch, rows)
        made = self._made(turns, epoch, None, training=training)
        # Who is mixed with whom depends on the whole batch: it is made as a whole, and then the rows are taken.
        return made if rows is None else Batch(made.images[rows], made.labels[rows], made.indices[rows], rows)

    def _made(
        self,
        turns: Sequence[tuple[int, int]],
        epoch: int,
        rows: npt.NDArray[np.int64] | None,
        *,
        training: bool = True,
    ) -> Batch:
        # A worker may have no row of a batch that is smaller than there are workers.
        height, width, channels = self._images[turns[0][0] if turns else self._first].shape
        room = self._batch if self._mix else self._own
        images = self._buffers.take((room, channels, height, width))[: len(turns)]
        for (index, turn), out in zip(turns, images, strict=True):
            image = self._images[index]
            if training:
                sample = self._samples[index]
                image = self._augment(image, epoch=epoch, name=sample.image, label=sample.label, occurrence=turn)
            else:
                image = self._views.of(image, turn)
            to_network(image, self._normalize, out)
        indices = np.array([index for index, _ in turns], np.int64)
        known = self._target_of if training and self._target_of is not None else self._label_of
        labels = np.array([known[index] for index, _ in turns], np.float32)
        if training and self._mix:
            names = [(self._samples[index].image, occurrence) for index, occurrence in turns]
            labels = self._mix(images, labels, names, epoch)
        return Batch(images, labels, indices, rows)


class Buffers:
    """Memory for batches, used again once nobody refers to it: the system gives fresh memory page by page, slowly."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._arrays: list[FloatImage] = []

    def take(self, shape: tuple[int, ...]) -> FloatImage:
        """An array of this shape that nobody else has; what is in it means nothing."""
        with self._lock:
            for place in range(len(self._arrays)):
                # Views hold a reference to the array they are of. Without any, there are this list's and the call's.
                if getrefcount(self._arrays[place]) == 2 and self._arrays[place].shape == shape:
                    return self._arrays[place][:]
            self._arrays = [array for array in self._arrays if array.shape == shape]
            self._arrays.append(np.empty(shape, np.float32))
            return self._arrays[-1][:]


def _turns(order: Sequence[int] | npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    """Each index of the order with how often it has been before."""
    seen: Counter[int] = Counter()
    turns = []
    for index in map(int, order):
        turns.append((index, seen[index]))
        seen[index] += 1
    return turns

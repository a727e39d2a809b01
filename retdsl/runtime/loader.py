"""Batches for the network, made ahead of time by threads.

Enters: prepared photographs and the order in which an epoch sees them. Leaves: batches of float32 `[n, C, H, W]`.
Guaranteed: batches come in order and are the same for any number of threads; only a few wait in memory; when the
consumer stops early or anything fails, the threads end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from sys import getrefcount
from threading import Lock
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from retdsl.runtime.ahead import ahead
from retdsl.runtime.augment import Augmenter, Variant
from retdsl.runtime.augmentation import Augmentation, OnImages
from retdsl.runtime.dealing import Deal
from retdsl.runtime.decode import Photograph
from retdsl.runtime.mixing import Mixer
from retdsl.runtime.network_input import FloatImage, normalize, to_network
from retdsl.runtime.sample import Sample
from retdsl.runtime.views import Views

Turn: TypeAlias = tuple[int, int]
"""A sample's index, and how often it has been in the epoch before; where nothing is trained on, its view."""

Part: TypeAlias = Sequence[Turn]
"""The turns that make a batch."""


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
    what each photograph is shown as where it is not trained on; draws: how many augmented variants a photograph has;
    deal: which rows of a batch to train on this worker takes, None where it is the only one.
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
        draws: int | None = None,
        deal: Deal | None = None,
    ) -> None:
        self._images = images
        self._samples = dataset.samples
        self._first = int(indices[0]) if len(indices) else 0
        self._label_of = dict(zip(map(int, indices), labels, strict=True))
        self._target_of = None if targets is None else dict(zip(map(int, indices), targets, strict=True))
        self._augment = Augmenter(augment, classes, seed, draws)
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
        """The batches of one epoch; the last may be smaller. As of `asked`, made one after the other."""
        yield from self.asked(order, epoch, training=training, first=first)

    def asked(
        self, order: Sequence[int] | npt.NDArray[np.int64], epoch: int, *, training: bool, first: int = 0
    ) -> Asked:
        """What one epoch asks for.

        order: sample indices, which may repeat; epoch: for the random numbers; training: whether images are augmented;
        else each comes once for every view, one after the other; first: the batch to begin with, from 0.
        """
        turns = _turns(order) if training else [(int(i), view) for i in order for view in range(len(self._views))]
        size = self._batch if training else self._own
        parts = [turns[start : start + size] for start in range(first * size, len(turns), size)]
        rows = None
        if training and self._deal is not None:
            rows = [self._deal.rows(indices_of(part)) for part in parts]
            # Who is mixed with whom depends on the whole batch: it is made as a whole, and then the rows are taken.
            if not self._mix:
                parts = [[part[row] for row in taken] for part, taken in zip(parts, rows, strict=True)]
        return Asked(self, parts, epoch, training=training, rows=rows)

    def ahead(self, parts: Iterable[Part], epoch: int, *, training: bool) -> Generator[Batch, None, None]:
        """Batches of these parts, made ahead of time. Raises RunError if a photograph that must be read anew cannot
        be.
        """

        def make(part: Part) -> Batch:
            return self._make(part, epoch, training)

        yield from ahead(make, parts, self._threads, "loader")

    def mixes(self, *, training: bool) -> bool:
        """Whether images are blended with others of their batch."""
        return training and bool(self._mix)

    def labels(self, part: Part, *, training: bool) -> npt.NDArray[np.float32]:
        """The labels of a part, before anything is blended."""
        known = self._target_of if training and self._target_of is not None else self._label_of
        return np.array([known[index] for index, _ in part], np.float32)

    def variant(self, turn: Turn, size: tuple[int, int], epoch: int, *, training: bool) -> Variant | None:
        """What is done to the photograph, of that height and width; None for what never comes again."""
        index, number = turn
        if not training:
            return self._views.variant(number, size)
        sample = self._samples[index]
        return self._augment.variant(size, epoch=epoch, name=sample.image, label=sample.label, occurrence=number)

    def _make(self, turns: Part, epoch: int, training: bool) -> Batch:
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
        labels = self.labels(turns, training=training)
        if self.mixes(training=training):
            names = [(self._samples[index].image, occurrence) for index, occurrence in turns]
            labels = self._mix(images, labels, names, epoch)
        return Batch(images, labels, indices_of(turns))


class Asked:
    """What an epoch asks for: photographs in their turns, part by part, each part a batch.

    Whoever goes through it gets the batches, made ahead of time by threads; who knows something of an image already may
    ask what is done to it (`variant`), and have others made (`made`). turn: an index with how often it has been before,
    or with a view. rows: which of the joined batch's this worker takes, for each part; None where it is alone.
    """

    def __init__(
        self,
        loader: Loader,
        parts: Sequence[Part],
        epoch: int,
        *,
        training: bool,
        rows: Sequence[npt.NDArray[np.int64]] | None = None,
    ) -> None:
        self.parts = parts
        self.rows = rows
        self._loader = loader
        self._epoch = epoch
        self._training = training

    def __iter__(self) -> Generator[Batch, None, None]:
        return self.made(self.parts) if self.rows is None else self._dealt(self.rows)

    def _dealt(self, rows: Sequence[npt.NDArray[np.int64]]) -> Generator[Batch, None, None]:
        with closing(self.made(self.parts)) as made:
            for batch, own in zip(made, rows, strict=True):
                if self.mixes:
                    yield Batch(batch.images[own], batch.labels[own], batch.indices[own], own)
                else:
                    yield replace(batch, rows=own)

    def made(self, parts: Iterable[Part]) -> Generator[Batch, None, None]:
        """Batches of any turns of this epoch."""
        return self._loader.ahead(parts, self._epoch, training=self._training)

    @property
    def mixes(self) -> bool:
        """Whether images depend on the others of their batch."""
        return self._loader.mixes(training=self._training)

    def labels(self, part: Part) -> npt.NDArray[np.float32]:
        """The labels of a part where nothing `mixes`."""
        return self._loader.labels(part, training=self._training)

    def variant(self, turn: Turn, size: tuple[int, int]) -> Variant | None:
        return self._loader.variant(turn, size, self._epoch, training=self._training)


def indices_of(part: Part) -> npt.NDArray[np.int64]:
    """Places in the samples."""
    return np.array([index for index, _ in part], np.int64)


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


def _turns(order: Sequence[int] | npt.NDArray[np.int64]) -> list[Turn]:
    """Each index of the order with how often it has been before."""
    seen: Counter[int] = Counter()
    turns = []
    for index in map(int, order):
        turns.append((index, seen[index]))
        seen[index] += 1
    return turns

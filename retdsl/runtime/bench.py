"""What an experiment's training spends its time with, measured on some of its photographs, on this device.

Enters: an experiment, its data's root. Leaves: a `Bench`, plain data. Guaranteed: what is measured is what trains, the
same loader, the same trainer, the same engines; nothing is written but the user's cache of prepared photographs.

Each stage is measured alone, and then all of them together, as a run has them: the loader's threads make batches while
the network computes. What every stage could do alone with the processor is therefore more than what it does in a run.
"""

from __future__ import annotations

import platform
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import count, cycle, islice
from pathlib import Path
from typing import Any

import numpy as np

from retdsl.runtime.bench_record import Bench
from retdsl.runtime.class_weights import class_weights
from retdsl.runtime.dataset import Dataset, require_labels_for
from retdsl.runtime.devices import contexts, in_words
from retdsl.runtime.engines import asked_engine, engines_of
from retdsl.runtime.errors import RunError
from retdsl.runtime.experiment import Experiment
from retdsl.runtime.feature_feed import FeatureFeed, feature_rows
from retdsl.runtime.feed import Batches
from retdsl.runtime.frozen_part import BehindFrozen
from retdsl.runtime.gemm import gemm_rates
from retdsl.runtime.image_cache import ImageCache
from retdsl.runtime.loader import Batch
from retdsl.runtime.mean_image import with_mean_image
from retdsl.runtime.mx import mx
from retdsl.runtime.network import require_photographs, require_scores
from retdsl.runtime.prepared import PreparedImages
from retdsl.runtime.recipe import Recipe, recipe_of
from retdsl.runtime.sample import Sample
from retdsl.runtime.synthetic import synthetic_fundus
from retdsl.runtime.trainer import Trainer
from retdsl.runtime.unreadable import gathered

BATCHES = 4
"""As many batches of different photographs are looked at."""

PAINTED = 400
"""Height and width of a painted photograph, in pixels."""

WARM_UP = 2
"""Batches that do not count: the first one binds."""


def measure(
    experiment: Experiment,
    root: Path,
    threads: int,
    seconds: float,
    *,
    painted: bool = False,
    cached: bool = True,
    engine: str | None = None,
) -> Bench:
    """Measures each stage for so many seconds, or two batches if they take longer.

    painted: takes synthetic photographs in place of the study's own; engine: what was asked for to compute what only
    predicts. Raises RunError for photographs, labels or weights that a run could not use either; of photographs those
    that are looked at.
    """
    network, training = experiment.network, experiment.training
    deploy = network.deploy_symbol()
    require_scores(network, deploy, experiment.data.classes)
    with _helped(painted=painted):
        dataset = _painted(experiment) if painted else _some(experiment, root)
        images = PreparedImages(dataset, threads, ImageCache(dataset.chain, lasts=cached and not painted))
        first = images.load_all(indices=dataset.train)
        unreadable, dataset = gathered(dataset.samples, first.refused), dataset.without(first.refused)
        if first.refused and (dataset.data.on_bad_image != "skip" or 0 in dataset.class_counts(dataset.train)):
            raise unreadable.error()
    require_photographs(network, images[dataset.train[0]].shape)
    last = with_mean_image(experiment.data.normalize, network.input_shape, experiment.folder, root)
    batches = Batches(experiment, dataset, images, last, threads)
    start = network.starting_values(deploy, training.seed, experiment.folder, root)
    devices = contexts(training.devices)
    engines = engines_of(experiment, asked_engine(engine))
    trainer = Trainer(network, start, _recipe(experiment, dataset), devices=devices, engines=engines)
    frozen = trainer.frozen_part
    rows = feature_rows(frozen, last, training.cache, len(dataset.samples), lasts=False)
    feed = FeatureFeed(frozen, rows, {index: looked.pixels for index, looked in first.looked.items()})
    stages = _Stages(trainer, batches, feed, seconds)
    return Bench(
        experiment=experiment.name,
        device=in_words(devices),
        processor=_processor(),
        gpus=mx.context.num_gpus(),
        threads=threads,
        batch=training.batch,
        photographs=len(dataset.train),
        painted=painted,
        loader=stages.loader(),
        whole=stages.whole(),
        forward=stages.forward(),
        step=stages.step(),
        kept=stages.kept(),
        frozen=frozen.engine,
        trained=f"mxnet {mx.__version__}",
        gflops=gemm_rates(devices[0]),
    )


class _Stages:
    """The stages of the first epoch, again and again, each for so many seconds; images per second."""

    def __init__(self, trainer: Trainer, batches: Batches, feed: FeatureFeed, seconds: float) -> None:
        self._trainer = trainer
        self._frozen = trainer.frozen_part
        self._batches = batches
        self._feed = feed
        self._seconds = seconds
        drawn = [batch for batch in islice(self._drawn(), WARM_UP) if isinstance(batch, Batch)]
        self._same = [Batch(batch.images.copy(), batch.labels, batch.indices) for batch in drawn]

    def loader(self) -> float:
        """Batches are made, and nobody looks at them."""
        return self._rate(lambda given: deque(given, maxlen=0), self._drawn)

    def whole(self) -> float:
        """An epoch as it is while no features are kept."""
        return self._rate(self._train, self._drawn)

    def forward(self) -> float | None:
        """The same batches pass the frozen part."""

        def work(given: Iterable[Any]) -> None:
            for batch in given:
                self._frozen(batch.images)
                mx.nd.waitall()

        return self._rate(work, lambda: cycle(self._same)) if self._frozen.is_there else None

    def step(self) -> float:
        """The same batches are learned from, where something is frozen, behind it."""
        behind: list[Batch | BehindFrozen] = list(self._same)
        if self._frozen.is_there:
            behind = [self._behind(batch) for batch in self._same]
        return self._rate(self._train, lambda: cycle(behind))

    def _behind(self, batch: Batch) -> BehindFrozen:
        images = [array.copy() for array in self._frozen(batch.images)]
        return BehindFrozen(images, batch.labels, batch.indices, lambda: batch)

    def kept(self) -> float | None:
        """An epoch all of whose features are kept; None where a run keeps none, or not all of them."""
        if self._feed.rows is None:
            return None
        deque(self._feed.of(self._batches.training(1)), maxlen=0)
        computed = self._feed.counts.computed
        again = next(iter(self._feed.of(self._batches.training(1))))
        if isinstance(again, Batch) or self._feed.counts.computed > computed:
            return None
        return self._rate(self._train, lambda: self._drawn(kept=True))

    def _drawn(self, *, kept: bool = False) -> Iterator[Batch | BehindFrozen]:
        """The batches of the epoch, without a smaller last one, which would be bound anew."""
        full = min(self._batches.images_in_epoch(1), self._frozen.batch)
        for _ in count():
            asked = self._batches.training(1)
            for batch in self._feed.of(asked) if kept else asked:
                if len(batch.labels) == full:
                    yield batch

    def _train(self, given: Iterable[Batch | BehindFrozen]) -> None:
        self._trainer.train_epoch(1, given)

    def _rate(self, work: Callable[[Any], object], batches: Callable[[], Iterator[Any]]) -> float:
        """Images per second of what takes batches, once it is warm."""
        work(islice(batches(), WARM_UP))
        seen = 0
        began = time.perf_counter()

        def until(given: Iterator[Any]) -> Iterator[Any]:
            nonlocal seen
            for at, batch in enumerate(given, start=1):
                seen += len(batch.labels)
                yield batch
                if at >= WARM_UP and time.perf_counter() - began > self._seconds:
                    return

        work(until(batches()))
        return seen / (time.perf_counter() - began)


def _some(experiment: Experiment, root: Path) -> Dataset:
    """A few photographs of the training side: the first of each class, and others from all over it."""
    dataset = experiment.data.open(root)
    require_labels_for(dataset, exclusive=experiment.network.loss.exclusive)
    firsts = {shown: index for index in reversed(dataset.train) for shown in dataset.samples[index].classes}
    wanted = min(len(dataset.train), max(BATCHES * experiment.training.batch, len(firsts)))
    spread = (dataset.train[at] for at in np.linspace(0, len(dataset.train) - 1, wanted).astype(int))
    chosen = set(list(dict.fromkeys([*firsts.values(), *spread]))[:wanted])
    return dataset.without(set(range(len(dataset.samples))) - chosen)


@contextmanager
def _helped(*, painted: bool) -> Iterator[None]:
    """What is wrong with photographs or labels need not keep anybody from measuring: whatever is raised says so."""
    try:
        yield
    except RunError as error:
        if not painted:
            error.help += ("`--synthetic` measures on painted photographs instead",)
        raise


def _painted(experiment: Experiment) -> Dataset:
    """Painted photographs, dealt out to the classes in turn: whoever measures time does not mind what they show."""
    photographs, classes = BATCHES * experiment.training.batch, len(experiment.data.classes)
    source = synthetic_fundus(max(photographs, 12), ratio=(1, 1), size=PAINTED)
    soft = experiment.data.soft or not experiment.network.loss.exclusive
    whole = [tuple(float(shown == label) for shown in range(classes)) for label in range(classes)]
    samples = tuple(
        Sample(f"synthetic/{i:05d}", i % classes, f"patient-{i:05d}", None, whole[i % classes] if soft else None)
        for i in range(photographs)
    )
    data = replace(experiment.data, source=source, labels=None, test=None, exclude=None)
    return Dataset(data, Path(), samples, tuple(range(photographs)), (), ())


def _processor() -> str:
    """What the processor calls itself; where the system does not tell, its kind."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _recipe(experiment: Experiment, dataset: Dataset) -> Recipe:
    """As a run has it, but for the length of an epoch, in which every step is a full one."""
    training = experiment.training
    weights = class_weights(experiment.network.loss.weights, dataset.class_counts(dataset.train), dataset.classes)
    steps = BATCHES * training.accumulate
    epochs = training.epochs
    return recipe_of(experiment, weights, [steps] * epochs, [steps * training.batch] * epochs, soft=dataset.soft)

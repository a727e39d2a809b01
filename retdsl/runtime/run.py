"""One experiment from photographs to figures.

Enters: an `Experiment`, the data's root, a run folder. Leaves: the run folder as `report` and `checkpoint` describe it.
Guaranteed: whatever ends a run, every file in the folder is whole, and each finished epoch is in `metrics.jsonl`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from retdsl.runtime.checkpoint import LOSS, Checkpoints, Snapshot, ranking
from retdsl.runtime.class_weights import class_weights
from retdsl.runtime.dataset import Dataset, require_every_class, require_labels_for, say_divided
from retdsl.runtime.errors import RunError
from retdsl.runtime.experiment import Experiment
from retdsl.runtime.feed import Batches
from retdsl.runtime.inference import Predictor, device, predict
from retdsl.runtime.loader import Batch
from retdsl.runtime.manifest import manifest
from retdsl.runtime.mean_image import with_mean_image
from retdsl.runtime.metrics import measure, undefined
from retdsl.runtime.mx import mx
from retdsl.runtime.network import require_scores
from retdsl.runtime.predictions import Predictions
from retdsl.runtime.progress import EpochReport, Progress, duration, figures_line
from retdsl.runtime.proof import Proof
from retdsl.runtime.reading import Reading, read_all
from retdsl.runtime.report import (
    RunFolder,
    facts_of_the_cache,
    facts_of_the_data,
    facts_of_the_experiment,
    facts_of_the_machine,
)
from retdsl.runtime.schedules import Course
from retdsl.runtime.trainer import BehindFrozen, Recipe, Trainer
from retdsl.runtime.unreadable import Unreadable

KEPT = 512 * 2**20
"""Bytes of validation images that are kept as the frozen part gives them on, so that it sees them only once."""

AnyBatch = TypeVar("AnyBatch", bound=Batch | BehindFrozen)


class Run:
    """A run in the making.

    threads: for decoding photographs and making batches; cached: False to leave the user's cache of prepared
    photographs alone.
    """

    def __init__(
        self,
        experiment: Experiment,
        root: Path,
        folder: RunFolder,
        progress: Progress,
        threads: int,
        *,
        cached: bool = True,
    ) -> None:
        training = experiment.training
        self._experiment = experiment
        self._root = root
        self._folder = folder
        self._progress = progress
        self._threads = threads
        self._cached = cached
        self._kept: list[BehindFrozen] | None = None
        self._skipped = Unreadable(0)
        self._rank = ranking(training.checkpoint, training.metrics)
        self.checkpoints = Checkpoints(folder.checkpoints, experiment.name, training.checkpoint, self._rank)

    def execute(self) -> None:
        """Trains, keeps the best epoch and measures it on the test images. Raises RunError."""
        started = time.perf_counter()
        network, training = self._experiment.network, self._experiment.training
        deploy = network.deploy_symbol()
        require_scores(network, deploy, self._experiment.data.classes)
        dataset = self._experiment.data.open(self._root)
        require_labels_for(dataset, exclusive=network.loss.exclusive)
        say_divided(self._experiment.name, dataset, self._progress.note)
        start = network.starting_values(deploy, training.seed, self._experiment.folder, self._root)
        last = with_mean_image(
            self._experiment.data.normalize, network.input_shape, self._experiment.folder, self._root
        )
        reading = self._read(dataset)
        dataset = reading.dataset
        batches = Batches(self._experiment, dataset, reading.images, last, self._threads)
        weights = class_weights(network.loss.weights, dataset.class_counts(dataset.train), dataset.classes)
        epochs = range(1, training.epochs + 1)
        recipe = Recipe(
            training.optimizer,
            training.schedule,
            Course(tuple(map(batches.in_epoch, epochs))),
            training.batch,
            training.seed,
            weights,
            steps=tuple(min(training.batch, batches.images_in_epoch(epoch)) for epoch in epochs),
            soft=self._experiment.soft or dataset.soft,
        )
        trainer = Trainer(network, start, recipe)
        self._folder.write_lock(
            {
                **facts_of_the_experiment(self._experiment, self._root),
                **self._folder.facts_of_the_spec(),
                **facts_of_the_data(dataset),
                "images": manifest(dataset, {index: found.sha256 for index, found in reading.looked.items()}),
                "leaks": reading.leaks.to_json(),
                "skipped": self._skipped.to_json(),
                "cache": facts_of_the_cache(reading),
                "class_weights": None if weights is None else dict(zip(dataset.classes, weights, strict=True)),
                **facts_of_the_machine(mx.__version__, str(device())),
            }
        )
        self._folder.write_symbols(self._experiment.name, trainer.whole_symbol, deploy.tojson())
        speed = self._train(trainer, batches)
        self._finish(reading, batches, trainer, speed, started)
        if damaged := reading.images.damaged:
            self._progress.note(f"{damaged} photographs in the cache were damaged, and have been prepared anew")

    def saved(self) -> str:
        """What of this run can be used if it ends now, in a sentence."""
        latest, found = self.checkpoints.latest, self.checkpoints.best
        if latest is None:
            return "no epoch is saved yet"
        last = f"epoch {latest} is saved in {self.checkpoints.params_path(latest)}"
        return last if found is None or found.epoch == latest else f"{last}, the best one so far is epoch {found.epoch}"

    def _read(self, dataset: Dataset) -> Reading:
        """All photographs prepared, or one error that names all that cannot be."""
        reading = read_all(dataset, self._threads, self._progress.reading, cached=self._cached)
        for trouble in reading.images.cache.trouble:
            self._progress.note(trouble)
        reading.require_sound()
        for note in reading.leaks.notes():
            self._progress.note(note)
        self._skipped = reading.skipped
        if reading.skipped:
            self._progress.note(reading.skipped.line())
            require_every_class(reading.dataset)
        height, width, channels = reading.images[reading.dataset.train[0]].shape
        wanted = tuple(self._experiment.network.input_shape)
        if channels != wanted[0]:
            raise RunError(f"photographs have {channels} channels when prepared, the network takes {wanted[0]}")
        if (height, width) != wanted[1:]:
            raise RunError(
                f"photographs are {height} x {width} when prepared, the network takes {wanted[1]} x {wanted[2]}",
                help=f"prepare them with resize({wanted[1]}, {wanted[2]})",
            )
        return reading

    def _train(self, trainer: Trainer, batches: Batches) -> float:
        """All phases. Returns how many images a second were trained on."""
        network, epochs = self._experiment.network, self._experiment.training.epochs
        proof = Proof(self._folder.write_lock)
        images, seconds = 0, 0.0
        starts = [start for start in network.phase_starts() if start <= epochs]
        for first, last in zip(starts, [*(start - 1 for start in starts[1:]), epochs], strict=True):
            self._begin_phase(trainer, first)
            proof.begin(first, last, trainer.frozen())
            took = [self._train_epoch(trainer, batches, epoch) for epoch in range(first, last + 1)]
            proof.end(trainer.frozen())
            images += sum(count for count, _ in took)
            seconds += sum(time for _, time in took)
        return images / seconds

    def _begin_phase(self, trainer: Trainer, epoch: int) -> None:
        """Binds what this epoch trains. The symbol of the checkpoints is that of the latest phase."""
        cuts = trainer.cuts
        if epoch > 1:
            trainer.begin_phase(epoch)
            self._progress.note(f"from epoch {epoch} on, {trainer.learns:,} parameters are trained")
        if trainer.cuts != cuts:
            self._kept = None
        self.checkpoints.start(trainer.whole_symbol)

    def _train_epoch(self, trainer: Trainer, batches: Batches, epoch: int) -> tuple[int, float]:
        """One epoch, its figures, and its checkpoint. Returns how many images it had, and the seconds it took."""
        epochs = self._experiment.training.epochs
        started = time.perf_counter()
        self._progress.training(epoch, epochs, batches.in_epoch(epoch))
        outcome = trainer.train_epoch(epoch, batches.training(epoch), self._progress.batch)
        seen = outcome.predictions
        batches.learned(seen.indices, outcome.losses)
        valid = self._validate(trainer, batches)
        saved, is_best = self.checkpoints.offer(
            epoch,
            {LOSS: outcome.loss} if valid is None else valid,
            lambda: Snapshot(trainer.parameters(), trainer.optimizer_states()),
            final=epoch == epochs,
        )
        images = len(outcome.predictions.indices)
        speed = images / outcome.seconds
        took = time.perf_counter() - started
        self._folder.add_epoch(
            {
                "epoch": epoch,
                "images": dict(
                    zip(batches.dataset.classes, batches.dataset.class_counts(seen.indices.tolist()), strict=True)
                ),
                "train": {**self._figures(trainer, seen), LOSS: outcome.loss},
                "valid": valid,
                "learning_rate": trainer.rate_after(epoch),
                "seconds": round(took, 3),
                "images_per_second": round(speed, 1),
                "saved": self.checkpoints.params_path(epoch).name if saved else None,
            }
        )
        note = "best" if is_best else ""
        self._progress.epoch(EpochReport(epoch, epochs, outcome.loss, valid, speed, took, note))
        return images, outcome.seconds

    def _validate(self, trainer: Trainer, batches: Batches) -> dict[str, float] | None:
        """The figures on the validation images, None if there are none."""
        if not batches.dataset.valid:
            return None
        count = batches.count(batches.dataset.valid)
        self._progress.stage("validating", count)
        if self._kept is not None:
            return self._figures(trainer, trainer.predict(self._watched(self._kept)))
        photographs = self._watched(batches.of(batches.dataset.valid))
        size = trainer.bytes_behind_frozen()
        if size is None or size * count * self._experiment.training.batch > KEPT:
            return self._figures(trainer, trainer.predict(photographs))
        self._kept = list(trainer.behind_frozen(photographs))
        return self._figures(trainer, trainer.predict(self._kept))

    def _finish(self, reading: Reading, batches: Batches, trainer: Trainer, speed: float, started: float) -> None:
        """Measures the best epoch, from its file, on the test images."""
        dataset = reading.dataset
        found = self.checkpoints.best
        assert found is not None  # the final epoch at least is saved and ranked
        network = self._experiment.network
        figures: dict[str, float] = {}
        if dataset.test:
            self._progress.stage("testing", batches.count(dataset.test))
            predictor = Predictor(
                network.deploy_symbol(),
                self.checkpoints.load(found.epoch),
                network.input,
                network.input_shape,
                self._experiment.training.batch,
            )
            predictions = predict(self._watched(batches.of(dataset.test)), predictor)
            figures = self._figures(trainer, predictions)
            self._folder.write_predictions(predictions, dataset.samples, dataset.classes)
        took = time.perf_counter() - started
        self._folder.write_test(
            {
                **figures,
                "images": len(dataset.test),
                "patients": dataset.patients(dataset.test),
                "class_counts": dict(zip(dataset.classes, dataset.class_counts(dataset.test), strict=True)),
                "skipped": self._skipped.to_json(),
                "best_epoch": found.epoch,
                "best_by": found.metric,
                "best_value": found.value,
                "epochs": self._experiment.training.epochs,
                "seconds": round(took, 3),
                "images_per_second": round(speed, 1),
                "leaks": reading.leaks.to_json(),
            }
        )
        self._summarise(figures, took)

    def _figures(self, trainer: Trainer, predictions: Predictions) -> dict[str, float]:
        """The loss and every metric."""
        losses = trainer.loss_of(predictions.probabilities, predictions.labels)
        metrics = self._experiment.training.metrics
        return {LOSS: float(losses.mean()), **measure(metrics, predictions.labels, predictions.probabilities)}

    def _watched(self, batches: Iterable[AnyBatch]) -> Iterator[AnyBatch]:
        """The same batches; the progress hears of each."""
        for batch in batches:
            yield batch
            self._progress.batch(len(batch.labels))

    def _summarise(self, figures: dict[str, float], seconds: float) -> None:
        found = self.checkpoints.best
        assert found is not None
        by = "" if math.isnan(found.value) else f" ({figures_line({f'valid {found.metric}': found.value})})"
        say = self._progress.note
        say(f"{self._experiment.name}: done in {duration(seconds)}, best epoch {found.epoch}{by}")
        say(f"  test        {figures_line(figures)}" if figures else "  test        no test images")
        if empty := undefined(figures):
            say(f"              {', '.join(empty)}: not defined, a class has no test image")
        say(f"  run folder  {self._folder.path}")

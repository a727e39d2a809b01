"""The epochs of a run: training, validation, checkpoints, and a line of figures for each.

Enters: a trainer, batches, the checkpoints of a run folder. Leaves: the folder's checkpoints and metrics.jsonl.
Guaranteed: whatever ends it, each finished epoch is in `metrics.jsonl`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from retdsl.runtime.checkpoint import LOSS, Checkpoints, Snapshot
from retdsl.runtime.experiment import Experiment
from retdsl.runtime.feed import Batches
from retdsl.runtime.loader import Batch
from retdsl.runtime.metrics import measure
from retdsl.runtime.predictions import Predictions
from retdsl.runtime.progress import EpochReport, Progress
from retdsl.runtime.proof import Proof
from retdsl.runtime.run_folder import RunFolder
from retdsl.runtime.trainer import BehindFrozen, Trainer

KEPT = 512 * 2**20
"""Bytes of validation images that are kept as the frozen part gives them on, so that it sees them only once."""

AnyBatch = TypeVar("AnyBatch", bound=Batch | BehindFrozen)


class Fitting:
    """The training of one run."""

    def __init__(
        self,
        experiment: Experiment,
        trainer: Trainer,
        batches: Batches,
        folder: RunFolder,
        checkpoints: Checkpoints,
        progress: Progress,
    ) -> None:
        self._experiment = experiment
        self._trainer = trainer
        self._batches = batches
        self._folder = folder
        self._checkpoints = checkpoints
        self._progress = progress
        self._kept: list[BehindFrozen] | None = None

    def run(self) -> float:
        """All phases. Returns how many images a second were trained on."""
        network, epochs, trainer = self._experiment.network, self._experiment.training.epochs, self._trainer
        proof = Proof(self._folder.write_lock)
        images, seconds = 0, 0.0
        starts = [start for start in network.phase_starts() if start <= epochs]
        for first, last in zip(starts, [*(start - 1 for start in starts[1:]), epochs], strict=True):
            self._begin_phase(first)
            proof.begin(first, last, trainer.frozen())
            took = [self._train_epoch(epoch) for epoch in range(first, last + 1)]
            proof.end(trainer.frozen())
            images += sum(count for count, _ in took)
            seconds += sum(time for _, time in took)
        return images / seconds

    def _begin_phase(self, epoch: int) -> None:
        """Binds what this epoch trains. The symbol of the checkpoints is that of the latest phase."""
        trainer = self._trainer
        cuts = trainer.cuts
        if epoch > 1:
            trainer.begin_phase(epoch)
            self._progress.note(f"from epoch {epoch} on, {trainer.learns:,} parameters are trained")
        if trainer.cuts != cuts:
            self._kept = None
        self._checkpoints.start(trainer.whole_symbol)

    def _train_epoch(self, epoch: int) -> tuple[int, float]:
        """One epoch, its figures, and its checkpoint. Returns how many images it had, and the seconds it took."""
        trainer, batches, epochs = self._trainer, self._batches, self._experiment.training.epochs
        started = time.perf_counter()
        self._progress.training(epoch, epochs, batches.in_epoch(epoch))
        outcome = trainer.train_epoch(epoch, batches.training(epoch), self._progress.batch)
        seen = outcome.predictions
        batches.learned(seen.indices, outcome.losses)
        valid = self._validate()
        saved, is_best = self._checkpoints.offer(
            epoch,
            {LOSS: outcome.loss} if valid is None else valid,
            lambda: Snapshot(trainer.parameters(), trainer.optimizer_states()),
            final=epoch == epochs,
        )
        best = self._checkpoints.best
        images = len(outcome.predictions.indices)
        speed = images / outcome.seconds
        took = time.perf_counter() - started
        self._folder.add_epoch(
            {
                "epoch": epoch,
                "epochs": epochs,
                "images": dict(
                    zip(batches.dataset.classes, batches.dataset.class_counts(seen.indices.tolist()), strict=True)
                ),
                "train": {**self._figures(seen), LOSS: outcome.loss},
                "valid": valid,
                "learning_rate": trainer.rate_after(epoch),
                "seconds": round(took, 3),
                "images_per_second": round(speed, 1),
                "saved": self._checkpoints.params_path(epoch).name if saved else None,
                "best": best and {"epoch": best.epoch, "metric": best.metric, "value": best.value},
            }
        )
        note = "best" if is_best else ""
        self._progress.epoch(EpochReport(epoch, epochs, outcome.loss, valid, speed, took, note))
        return images, outcome.seconds

    def _validate(self) -> dict[str, float] | None:
        """The figures on the validation images, None if there are none."""
        trainer, batches = self._trainer, self._batches
        if not batches.dataset.valid:
            return None
        count = batches.count(batches.dataset.valid)
        self._progress.stage("validating", count)
        if self._kept is not None:
            return self._figures(trainer.predict(watched(self._progress, self._kept)))
        photographs = watched(self._progress, batches.of(batches.dataset.valid))
        size = trainer.bytes_behind_frozen()
        if size is None or size * count * self._experiment.training.batch > KEPT:
            return self._figures(trainer.predict(photographs))
        self._kept = list(trainer.behind_frozen(photographs))
        return self._figures(trainer.predict(self._kept))

    def _figures(self, predictions: Predictions) -> dict[str, float]:
        """The loss and every metric."""
        losses = self._trainer.loss_of(predictions.probabilities, predictions.labels)
        metrics = self._experiment.training.metrics
        return {LOSS: float(losses.mean()), **measure(metrics, predictions.labels, predictions.probabilities)}


def watched(progress: Progress, batches: Iterable[AnyBatch]) -> Iterator[AnyBatch]:
    """The same batches; the progress hears of each."""
    for batch in batches:
        yield batch
        progress.batch(len(batch.labels))

"""The epochs of a run: training, validation, checkpoints, and a line of figures for each.

Enters: a trainer, batches, the checkpoints of a run folder. Leaves: the folder's checkpoints and metrics.jsonl.
Guaranteed: whatever ends it, each finished epoch is in `metrics.jsonl`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from retdsl.runtime.callbacks import Moment, every_batches
from retdsl.runtime.checkpoint import LOSS, Checkpoints, Snapshot
from retdsl.runtime.epoch_record import Diverged
from retdsl.runtime.errors import RunError
from retdsl.runtime.experiment import Experiment
from retdsl.runtime.feed import Batches
from retdsl.runtime.loader import Batch
from retdsl.runtime.metrics import measure
from retdsl.runtime.periodic import Periodic, log_to
from retdsl.runtime.periods import batches as batches_period
from retdsl.runtime.periods import count_of
from retdsl.runtime.predictions import Predictions
from retdsl.runtime.progress import EpochReport, Progress
from retdsl.runtime.proof import Proof
from retdsl.runtime.run_folder import RunFolder
from retdsl.runtime.stopping import Stopping
from retdsl.runtime.trainer import BehindFrozen, Trainer

KEPT = 512 * 2**20
"""Bytes of validation images that are kept as the frozen part gives them on, so that it sees them only once."""

AnyBatch = TypeVar("AnyBatch", bound=Batch | BehindFrozen)


class Fitting:
    """The training of one run.

    epochs: how many are finished; stopped: why it ended before the last one, or None. Raises RunError where early
    stopping has nothing to go by.
    """

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
        training = experiment.training
        self.epochs = 0
        self.stopped: str | None = None
        self._images, self._seconds = 0, 0.0
        self._stopping = None
        if training.stop is not None:
            self._stopping = Stopping(training.stop, training.metrics, experiment.network.phase_starts())
            if not batches.dataset.valid:
                raise RunError("`stop` needs validation images, and the split has none")
        callbacks = [*training.callbacks, *log_to(training.log, folder)]
        if training.validate is not None and isinstance(training.validate.n, batches_period):
            callbacks.append(every_batches(training.validate.n.n, self._look))
        self._periodic = Periodic(callbacks, batches.in_epoch)

    def run(self) -> None:
        """All phases, or those until training stops early. Raises RunError when it diverges."""
        network, epochs, trainer = self._experiment.network, self._experiment.training.epochs, self._trainer
        proof = Proof(self._folder.write_lock)
        starts = [start for start in network.phase_starts() if start <= epochs]
        for first, last in zip(starts, [*(start - 1 for start in starts[1:]), epochs], strict=True):
            self._begin_phase(first)
            proof.begin(first, last, trainer.frozen())
            for epoch in range(first, last + 1):
                self._train_epoch(epoch)
                if self.stopped is not None:
                    break
            proof.end(trainer.frozen(), self.epochs)

    @property
    def images_per_second(self) -> float:
        """How many images were trained on, in a second of training alone."""
        return self._images / self._seconds

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

    def _train_epoch(self, epoch: int) -> None:
        """One epoch, its figures, and its checkpoint."""
        trainer, batches, training = self._trainer, self._batches, self._experiment.training
        started = time.perf_counter()
        self._progress.training(epoch, training.epochs, batches.in_epoch(epoch))
        try:
            outcome = trainer.train_epoch(epoch, batches.training(epoch), self._progress.batch, self._periodic.batch)
        except Diverged as error:
            raise self._explained(error) from None
        seen = outcome.predictions
        batches.learned(seen.indices, outcome.losses)
        is_judged = epoch == training.epochs or self._is_validated(epoch)
        valid = self._validate() if is_judged else None
        if self._stopping is not None and self._stopping.after(epoch, valid) and epoch < training.epochs:
            self.stopped = self._stopping.reason
        ranked = {LOSS: outcome.loss} if is_judged and valid is None else valid
        saved, is_best = self._checkpoints.offer(
            epoch,
            ranked,
            lambda: Snapshot(trainer.judged_parameters(), trainer.optimizer_states()),
            final=epoch == training.epochs or self.stopped is not None,
        )
        self.epochs = epoch
        best = self._checkpoints.best
        images = len(outcome.predictions.indices)
        self._images += images
        self._seconds += outcome.seconds
        speed = images / outcome.seconds
        took = time.perf_counter() - started
        line = {
            "epoch": epoch,
            "epochs": training.epochs,
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
        self._folder.add_epoch(line)
        note = "best" if is_best else ""
        self._progress.epoch(EpochReport(epoch, training.epochs, outcome.loss, valid, speed, took, note))
        if self.stopped is not None:
            self._progress.note(f"stopped after epoch {epoch}: {self.stopped}")
        self._periodic.epoch(line)

    def _is_validated(self, epoch: int) -> bool:
        """Whether an epoch before the last one ends with validation."""
        rule = self._experiment.training.validate
        return rule is None or isinstance(rule.n, batches_period) or epoch % count_of(rule.n) == 0

    def _look(self, moment: Moment) -> None:
        """Validates within an epoch; the figures go to steps.jsonl, and choose no checkpoint."""
        valid = self._validate()
        place = {"epoch": moment.epoch, "batch": moment.batch, "updates": moment.updates}
        self._folder.add_step({**place, "valid": valid})
        self._progress.training(moment.epoch, self._experiment.training.epochs, self._batches.in_epoch(moment.epoch))

    def _explained(self, error: Diverged) -> Diverged:
        """The same error with the names of photographs, and with what of the run is left."""
        samples = self._batches.dataset.samples
        latest = self._checkpoints.latest
        saved = "no epoch is finished, and nothing is saved"
        if latest is not None:
            saved = f"the last good state is epoch {latest}, in {self._checkpoints.params_path(latest)}"
        names = [str(samples[index].image) for index in error.indices]
        return Diverged(error.what, [*error.items, *names], error.indices, saved)

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

"""The epochs of a run: training, validation, checkpoints, and a line of figures for each.

Enters: a trainer, batches, the checkpoints of a run folder. Leaves: the folder's checkpoints and metrics.jsonl.
Guaranteed: whatever ends it, each finished epoch is in `metrics.jsonl`, and from the newest of the saved states it goes
on as if it had never been interrupted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from retdsl.runtime.callbacks import Moment, every_batches
from retdsl.runtime.checkpoint import LOSS, Checkpoints, Snapshot, every
from retdsl.runtime.epoch_record import Diverged, EpochRecord
from retdsl.runtime.errors import RunError
from retdsl.runtime.experiment import Experiment
from retdsl.runtime.feature_feed import FeatureFeed
from retdsl.runtime.feed import Batches
from retdsl.runtime.frozen_part import BehindFrozen, FrozenPart
from retdsl.runtime.generations import Generations
from retdsl.runtime.journal import Clock, Journal, Trail
from retdsl.runtime.loader import Batch
from retdsl.runtime.metrics import measure
from retdsl.runtime.periodic import Periodic, log_to
from retdsl.runtime.periods import batches as batches_period
from retdsl.runtime.periods import count_of
from retdsl.runtime.predictions import Predictions
from retdsl.runtime.progress import EpochReport, Progress
from retdsl.runtime.proof import Proof
from retdsl.runtime.remembering import Begun, Memory
from retdsl.runtime.run_folder import RunFolder
from retdsl.runtime.state_file import Position
from retdsl.runtime.stopping import Stopping
from retdsl.runtime.trainer import Trainer
from retdsl.runtime.workers import Workers

AnyBatch = TypeVar("AnyBatch", bound=Batch | BehindFrozen)


class Fitting:
    """The training of one run.

    feed: makes that of a phase, from its frozen part; epochs: how many are finished; stopped: why it ended before the
    last one, or None. Raises RunError where early stopping has nothing to go by.
    """

    def __init__(
        self,
        experiment: Experiment,
        trainer: Trainer,
        batches: Batches,
        folder: RunFolder,
        checkpoints: Checkpoints,
        progress: Progress,
        feed: Callable[[FrozenPart], FeatureFeed],
        clock: Clock | None = None,
        workers: Workers | None = None,
    ) -> None:
        self._workers = workers or Workers()
        self._experiment = experiment
        self._trainer = trainer
        self._batches = batches
        self._folder = folder
        self._checkpoints = checkpoints
        self._progress = progress
        self._make_feed = feed
        self.feed = feed(trainer.frozen_part)
        self._journal = Journal(folder.metrics)
        self._steps = Trail(folder.steps)
        self._at = Position()
        self._begun: Begun | None = None
        self._before = 0  # batches of the epochs before this one
        self._proof = Proof(folder.write_lock)
        self._clock = clock or Clock()
        self._stopping = self._make_stopping()
        self._periodic = self._make_periodic()
        self.epochs = 0
        """How many epochs are done."""
        self.memory = Memory(Generations(folder.states), checkpoints, progress.note, self._workers)
        self.memory.add("trainer", trainer)
        self.memory.add("losses", batches.remembers)
        self.memory.add("journal", self._journal)
        self.memory.add("steps", self._steps)
        self.memory.add("proof", self._proof)
        self.memory.add("clock", self._clock)
        if self._stopping is not None:
            self.memory.add("stopping", self._stopping)

    def _make_stopping(self) -> Stopping | None:
        training = self._experiment.training
        if training.stop is None:
            return None
        if not self._batches.dataset.valid:
            raise RunError("`stop` needs validation images, and the split has none")
        return Stopping(training.stop, training.metrics, self._experiment.network.phase_starts())

    def _make_periodic(self) -> Periodic:
        training = self._experiment.training
        callbacks = [*(training.callbacks if self._workers.first else ()), *log_to(training.log, self._steps.add)]
        if training.validate is not None and isinstance(training.validate.n, batches_period):
            callbacks.append(every_batches(training.validate.n.n, self._look))
        return Periodic(callbacks, self._batches.in_epoch)

    @property
    def seconds(self) -> float:
        """Wall time of the whole run so far, without that between interruptions and going on."""
        return self._clock.seconds

    @property
    def images_per_second(self) -> float:
        """How many images were trained on, in a second of training alone."""
        return self._clock.images_per_second

    @property
    def stopped(self) -> str | None:
        """Why training ended before its last epoch, in words; None if it did not."""
        ended = self._stopping is not None and self._stopping.ended and self.epochs < self._experiment.training.epochs
        return self._stopping.reason if ended and self._stopping is not None else None

    def recall(self) -> Position:
        """Goes back to the newest good state of an interrupted run, from which `run` goes on. Raises RunError."""
        self._at, self._begun = self.memory.recall()
        self._before = self._at.batches - self._at.batch
        self.epochs = self._at.epoch - 1
        if self._at == Position():
            self._journal.restore({"lines": np.array([], np.uint8)})
            self._steps.restore({"bytes": np.array(0)})
        return self._at

    def run(self) -> None:
        """All phases, what is left of them, or those until training stops early. Raises RunError when it diverges."""
        network, epochs, trainer = self._experiment.network, self._experiment.training.epochs, self._trainer
        starts = [start for start in network.phase_starts() if start <= epochs]
        for first, last in zip(starts, [*(start - 1 for start in starts[1:]), epochs], strict=True):
            # A phase at whose very end a state was saved is entered once more: its end may not have been proved.
            if last < self._at.epoch - (0 if self._at.batch else 1):
                continue
            self._begin_phase(first)
            self._proof.begin(first, last, trainer.frozen())
            for epoch in range(max(first, self._at.epoch), last + 1):
                if self.stopped is None:
                    self._train_epoch(epoch)
            self._proof.end(trainer.frozen(), min(last, self.epochs))

    def _begin_phase(self, first: int) -> None:
        """Binds what is trained from this epoch on. The symbol of the checkpoints is that of the latest phase."""
        trainer = self._trainer
        if first > 1:
            trainer.begin_phase(first)
            self.feed = self._make_feed(trainer.frozen_part)
            self._progress.note(f"from epoch {first} on, {trainer.learns:,} parameters are trained")
        self._checkpoints.start(trainer.whole_symbol)

    def _train_epoch(self, epoch: int) -> None:
        """One epoch, or the rest of it, its figures, and its checkpoint."""
        trainer, batches, training = self._trainer, self._batches, self._experiment.training
        started = time.perf_counter()
        done, begun = (self._at.batch, self._begun) if epoch == self._at.epoch else (0, None)
        count = batches.in_epoch(epoch)
        self._progress.training(epoch, training.epochs, count - done)
        try:
            outcome = trainer.train_epoch(
                epoch,
                self.feed.of(batches.training(epoch, done)),
                self._progress.batch,
                self._periodic.batch if self._periodic.hears_batches else None,
                begun=begun,
                pauses=_Pauses(training.checkpoint, self.memory, epoch, self._before, count),
            )
        except Diverged as error:
            raise self._explained(error) from None
        seen = outcome.predictions
        batches.learned(seen.indices, outcome.losses)
        is_judged = epoch == training.epochs or self._is_validated(epoch)
        valid = self._validate() if is_judged else None
        self.epochs = epoch
        if self._stopping is not None:
            self._stopping.after(epoch, valid)
        ranked = {LOSS: outcome.loss} if is_judged and valid is None else valid
        saved, is_best = self._checkpoints.offer(
            epoch,
            ranked,
            lambda: Snapshot(trainer.judged_parameters(), trainer.optimizer_states()),
            final=epoch == training.epochs or self.stopped is not None,
        )
        best = self._checkpoints.best
        images = len(outcome.predictions.indices)
        self._clock.trained(images, outcome.seconds)
        speed = images / outcome.seconds
        took = time.perf_counter() - started
        self._before += count
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
        self._journal.add(line)
        self._periodic.epoch(line)
        if saved:
            self.memory.save(Position(epoch + 1, 0, self._before))
        note = "best" if is_best else ""
        self._progress.epoch(EpochReport(epoch, training.epochs, outcome.loss, valid, speed, took, note))
        if self.stopped is not None:
            self._progress.note(f"stopped after epoch {epoch}: {self.stopped}")

    def _is_validated(self, epoch: int) -> bool:
        """Whether an epoch before the last one ends with validation."""
        rule = self._experiment.training.validate
        return rule is None or isinstance(rule.n, batches_period) or epoch % count_of(rule.n) == 0

    def _look(self, moment: Moment) -> None:
        """Validates within an epoch; the figures go to steps.jsonl, and choose no checkpoint."""
        valid = self._validate()
        place = {"epoch": moment.epoch, "batch": moment.batch, "updates": moment.updates}
        self._steps.add({**place, "valid": valid})
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
        self._progress.stage("validating", batches.count(batches.dataset.valid))
        photographs = self.feed.of(batches.of(batches.dataset.valid))
        return self._figures(trainer.predict(watched(self._progress, photographs)))

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


@dataclass(frozen=True)
class _Pauses:
    """The moments within an epoch at which a state is saved. before, batches: of earlier epochs, and of this one."""

    policy: every
    memory: Memory
    epoch: int
    before: int
    batches: int

    def due(self, batches: int) -> bool:
        # At the end of the epoch another state is saved anyway.
        return batches < self.batches and self.policy.is_due_within(self.epoch, self.before + batches)

    def reached(self, record: EpochRecord) -> None:
        self.memory.save(Position(self.epoch, record.batches, self.before + record.batches), record)

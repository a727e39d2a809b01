"""The best epoch of a run answers photographs of the run itself, once training has ended.

Enters: the parameters of that epoch, from its file; sides of the data set. Leaves: `Answers`. Guaranteed: what is
answered does not depend on the precision of the frozen part: whoever uses the network will have it in float32.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from retdsl.runtime.answers import Answers, answers_of
from retdsl.runtime.engines import Engines
from retdsl.runtime.experiment import Experiment
from retdsl.runtime.feature_feed import FeatureFeed
from retdsl.runtime.feed import Batches
from retdsl.runtime.fitting import watched
from retdsl.runtime.inference import Predictor, predict
from retdsl.runtime.initial import Array
from retdsl.runtime.precision import in_words
from retdsl.runtime.predictions import Predictions
from retdsl.runtime.progress import Progress
from retdsl.runtime.state_file import Position, State, state_of, state_parts
from retdsl.runtime.trainer import Trainer
from retdsl.runtime.workers import Workers


@dataclass(frozen=True)
class BestEpoch:
    """epoch: its number; parameters: all of the network's, by name; trainer: in its last phase; feed: behind the frozen
    part of that phase, which knows most photographs already.
    """

    experiment: Experiment
    epoch: int
    parameters: Mapping[str, Array]
    trainer: Trainer
    batches: Batches
    feed: FeatureFeed
    engines: Engines
    workers: Workers
    progress: Progress

    def answers(self, stage: str, side: tuple[int, ...]) -> Answers:
        """What it says of the photographs of a side, the same to all workers. stage: what the progress calls this.

        From what the frozen part made of them, which is kept; where that has a lower precision, from photographs.
        """
        self.progress.stage(stage, self.batches.count(side))
        return self._named(self._learned(side) if self.experiment.training.precision is None else self._deployed(side))

    def compare_precisions(self, side: tuple[int, ...], exact: Answers) -> None:
        """Tells lock.json and people how far the probabilities of a side are from those in float32 where the frozen
        part has its lower precision. exact: the answers of that side in float32.

        Not measured where some of the part, or all of it, was unfrozen since: what training saw then is there no more.
        """
        if self.trainer.frozen_part.is_there and not self._unfrozen_since():
            lower = self._named(self._learned(side))
            differences = np.abs(lower.probabilities - exact.probabilities)
            self.engines.answered(float(differences.max()), float(differences.mean()))
        self.progress.note(in_words(self.engines.facts["precision"]))

    def _unfrozen_since(self) -> bool:
        """Whether the frozen part was larger in this epoch than in the last one."""
        after = range(self.epoch + 1, self.experiment.training.epochs + 1)
        return any(phase.part is not None and phase.from_epoch in after for phase in self.experiment.network.phases)

    def _learned(self, side: tuple[int, ...]) -> Predictions:
        """As training sees them."""
        return self.trainer.predict(watched(self.progress, self.feed.of(self.batches.of(side))), self.parameters)

    def _deployed(self, side: tuple[int, ...]) -> Predictions:
        """As whoever uses the network will have them."""
        rows = -(-self.experiment.training.batch // self.workers.count)
        predictor = Predictor(
            self.experiment.network, self.parameters, rows, self.engines, self.trainer.frozen_part.where
        )
        return self.workers.joined_predictions(predict(watched(self.progress, self.batches.of(side)), predictor))

    def _named(self, predictions: Predictions) -> Answers:
        dataset = self.batches.dataset
        return answers_of(predictions, dataset.samples, dataset.classes)


def told_parameters(workers: Workers, load: Callable[[], Mapping[str, Array]]) -> Mapping[str, Array]:
    """Parameters that the first worker reads for all: who writes the files has them."""
    if workers.count == 1:
        return load()

    def read() -> bytes:
        return b"".join(state_parts(State(Position(), {}, {"all": load()})))

    return state_of(workers.told(read)).owners["all"]

"""What an epoch of training gives, batch by batch, and the error where that is no number."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.errors import RunError
from retdsl.runtime.losses import hard_labels
from retdsl.runtime.predictions import Predictions

HALF = 0.5
"""A finding counts, for the figures, in a photograph that has it by so much: mixing may leave a part of it."""

OnBatch = Callable[[int, float], None]
"""Told after each batch: how many images it had, and the mean loss of the epoch so far."""


@dataclass(frozen=True)
class EpochOutcome:
    """One epoch of training. loss: mean over its images, each as it was before its update; losses: of each of them,
    float64 [n], in the order of the predictions, by the very labels that were trained on; seconds: wall time.
    """

    loss: float
    losses: NDArray[np.float64]
    predictions: Predictions
    seconds: float


class EpochRecord:
    """What an epoch's batches gave.

    exclusive: whether a photograph shows one class only; on_batch: told of every batch.
    """

    def __init__(self, *, exclusive: bool, on_batch: OnBatch | None = None) -> None:
        self._exclusive = exclusive
        self._on_batch = on_batch
        self._indices: list[NDArray[Any]] = []
        self._labels: list[NDArray[Any]] = []
        self._probabilities: list[NDArray[np.float32]] = []
        self._losses: list[NDArray[np.float64]] = []
        self._images = 0
        self._total = 0.0
        self._batches = 0
        self.seconds = 0.0
        """Wall time that the batches so far took, where training was interrupted after them."""

    @property
    def images(self) -> int:
        """How many images there were."""
        return self._images

    @property
    def loss(self) -> float:
        return self._total / self._images if self._images else math.nan

    @property
    def batches(self) -> int:
        """How many batches there were."""
        return self._batches

    def add(
        self,
        indices: NDArray[np.int64],
        labels: NDArray[np.float32],
        probabilities: NDArray[np.float32],
        losses: NDArray[np.float64],
    ) -> None:
        """One batch: its images, their labels [n] or [n, C], what the network said before the step, with which loss."""
        self._indices.append(indices)
        self._labels.append(hard_labels(labels) if self._exclusive else labels >= HALF)
        self._probabilities.append(probabilities)
        self._losses.append(losses)
        self._images += len(probabilities)
        self._total += float(losses.sum())
        self._batches += 1
        if self._on_batch is not None:
            self._on_batch(len(probabilities), self.loss)

    def state(self) -> dict[str, NDArray[Any]]:
        return {
            "sums": np.array([self._total, self.seconds]),
            "counts": np.array([self._images, self._batches]),
            **{name: np.concatenate(values) for name, values in self._columns().items() if values},
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self._total, self.seconds = map(float, state["sums"])
        self._images, self._batches = map(int, state["counts"])
        for name, values in self._columns().items():
            values[:] = [state[name]] if name in state else []

    def _columns(self) -> dict[str, list[Any]]:
        """What there is of every image, in the order of the batches."""
        return {
            "indices": self._indices,
            "labels": self._labels,
            "probabilities": self._probabilities,
            "losses": self._losses,
        }

    def losses(self) -> NDArray[np.float64]:
        return np.concatenate(self._losses)

    def predictions(self) -> Predictions:
        return Predictions(
            np.concatenate(self._indices).astype(np.int64),
            np.concatenate(self._labels).astype(np.int64),
            np.concatenate(self._probabilities),
        )


def is_number(losses: NDArray[np.float64], probabilities: NDArray[np.float32]) -> bool:
    """Whether the losses of a batch, and all that the network said, are numbers."""
    return math.isfinite(float(losses.sum())) and bool(np.isfinite(probabilities).all())


class Diverged(RunError):
    """A training that has lost its way.

    items: where; indices: the photographs whose numbers are none, if it is due to them; saved: what is left of it.
    """

    def __init__(self, what: str, items: Sequence[str], indices: Sequence[int] = (), saved: str | None = None) -> None:
        cure = "try a tenth of the learning rate, a warm-up, or `clip = norm(1)`"
        if indices:
            cure = "look at these photographs, and at what `normalize` divides by"
        super().__init__(f"training diverged: {what}", items=items, help=(cure, *([saved] if saved else [])))
        self.what = what
        self.indices = tuple(indices)

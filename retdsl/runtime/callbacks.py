"""What is done every so many batches or epochs of training, as with `every_n_batch` and `every_n_epoch` of MXNet.jl.

Whoever edits a generated program gives functions: `Training(callbacks=(every_batches(100, look), every_epochs(1, f)))`.
What they raise ends the training. They may look at anything, and must change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Moment:
    """A batch of training, and the update if it was the last of a step.

    epoch, batch: from 1, the batch within its epoch; updates: so many in all; images: in the epoch so far; loss:
    mean of this batch; mean_loss: of the epoch so far; learning_rate: of the step that the batch is part of;
    gradient_norm: of the last step's mean gradient, before clipping, NaN before there was one; images_per_second: of
    the epoch so far.
    """

    epoch: int
    batch: int
    updates: int
    images: int
    loss: float
    mean_loss: float
    learning_rate: float
    gradient_norm: float
    images_per_second: float


@dataclass(frozen=True, slots=True)
class every_batches:
    """Calls `then` with a Moment after every n batches, counted over the whole training."""

    n: int
    then: Callable[[Moment], object]


@dataclass(frozen=True, slots=True)
class every_epochs:
    """Calls `then` after every n epochs, with the line of figures that metrics.jsonl has of the epoch."""

    n: int
    then: Callable[[Mapping[str, Any]], object]


Callback: TypeAlias = every_batches | every_epochs

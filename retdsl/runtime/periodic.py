"""The rhythm of a training: which callbacks are due after a batch or an epoch, and the lines of steps.jsonl.

Enters: each batch and each epoch that is done. Leaves: calls. Guaranteed: nothing is counted, so that a run that was
resumed goes on in the same rhythm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from retdsl.runtime.callbacks import Callback, Moment, every_batches, every_epochs
from retdsl.runtime.checkpoint import every
from retdsl.runtime.periods import batches, count_of


class Periodic:
    """Calls what is due. in_epoch: how many batches an epoch has."""

    def __init__(self, callbacks: Sequence[Callback], in_epoch: Callable[[int], int]) -> None:
        self._callbacks = callbacks
        self._in_epoch = in_epoch
        self._before: tuple[int, int] = (0, 0)

    @property
    def hears_batches(self) -> bool:
        """Whether anything is ever due after a batch."""
        return any(isinstance(callback, every_batches) for callback in self._callbacks)

    def batch(self, moment: Moment) -> None:
        """After every batch."""
        number = self._batches_before(moment.epoch) + moment.batch
        for callback in self._callbacks:
            if isinstance(callback, every_batches) and number % callback.n == 0:
                callback.then(moment)

    def epoch(self, line: Mapping[str, Any]) -> None:
        """After every epoch."""
        for callback in self._callbacks:
            if isinstance(callback, every_epochs) and line["epoch"] % callback.n == 0:
                callback.then(line)

    def _batches_before(self, epoch: int) -> int:
        if self._before[0] != epoch:
            self._before = epoch, sum(map(self._in_epoch, range(1, epoch)))
        return self._before[1]


def log_to(rule: every | None, add: Callable[[Mapping[str, Any]], None]) -> list[Callback]:
    """What writes lines of steps.jsonl, as often as a rule says. add: takes them."""
    if rule is None:
        return []
    if isinstance(rule.n, batches):
        return [every_batches(rule.n.n, lambda moment: add(asdict(moment)))]
    shown = ("epoch", "learning_rate", "images_per_second")
    return [every_epochs(count_of(rule.n), lambda line: add({key: line[key] for key in shown}))]

"""When a training ends before its last epoch: `stop = early(auc, patience = 10)`.

Enters: the validation figures of each epoch. Leaves: whether to stop. Guaranteed: no epoch is the last before the last
part has been unfrozen; patience counts from there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.checkpoint import best, every, ranking
from retdsl.runtime.metrics import Metric


@dataclass(frozen=True, slots=True)
class early:
    """Stops when a validation figure has not become better for `patience` epochs.

    metric: one of those that are measured, or "loss"; patience: 1 or more; min_delta: 0 or more, by less than which it
    has not become better. Source: Prechelt, "Early stopping - but when?", 1998.
    """

    metric: Metric | str
    patience: int = 10
    min_delta: float = 0.0


class Stopping:
    """Early stopping at work.

    metrics: those that are measured; phases: the epochs that begin a phase. Raises RunError when the metric is not
    among them.
    """

    def __init__(self, rule: early, metrics: Sequence[Metric], phases: Sequence[int]) -> None:
        found = ranking(every(keep=best(rule.metric)), metrics)
        self.key = found.key
        self._rule = rule
        self._higher = found.higher_is_better
        self._last_phase = max(phases, default=1)
        self._best = math.nan
        self._since = 0
        self.ended = False
        """Whether training has come to its end."""

    def after(self, epoch: int, figures: Mapping[str, float] | None) -> bool:
        """Whether training ends with this epoch. figures: of validation, None for an epoch without."""
        value = math.nan if figures is None else figures.get(self.key, math.nan)
        gain = (value - self._best) if self._higher else (self._best - value)
        if not math.isnan(value) and (math.isnan(self._best) or gain > self._rule.min_delta):
            self._best, self._since = value, epoch
        waited = epoch - max(self._since, self._last_phase - 1)
        self.ended = figures is not None and waited >= self._rule.patience
        return self.ended

    @property
    def reason(self) -> str:
        """Why it stops, in words."""
        since = f"since epoch {self._since}" if self._since else "in any epoch"
        at = "" if math.isnan(self._best) else f", where it was {self._best:#.4g}"
        return f"valid {self.key} has not become better {since}{at}"

    def state(self) -> dict[str, NDArray[Any]]:
        return {"best": np.array(self._best), "since": np.array(self._since), "ended": np.array(self.ended)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self._best, self._since, self.ended = float(state["best"]), int(state["since"]), bool(state["ended"])

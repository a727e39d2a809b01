"""How far a gradient may reach: `clip = norm(1)`, `clip = value(0.5)`, in the units of the mean over a full step.

It happens before weight decay is added, and before an optimizer sees the gradient, so that it means the same for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class norm:
    """Scales all gradients alike if the norm over all trained parameters is larger than `limit`, above 0.

    Source: Pascanu, Mikolov and Bengio, ICML 2013.
    """

    limit: float

    def scale(self, length: float) -> float:
        """What gradients of this norm are multiplied by."""
        return min(1.0, self.limit / length) if length > 0 else 1.0


@dataclass(frozen=True, slots=True)
class value:
    """Cuts every number of the gradients off at `limit`, above 0, and -limit."""

    limit: float


Clipping: TypeAlias = norm | value

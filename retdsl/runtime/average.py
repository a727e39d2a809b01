"""Which average of the weights a network is judged by: `average = ema(0.999)`. `averaging` works it out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ema:
    """An exponential average. decay: in [0, 1), how much of it each update keeps: it reaches over 1 / (1 - decay)."""

    decay: float = 0.999

    def kept(self, update: int) -> float:
        """How much of the average so far counts at this update, from 1; nothing at the first."""
        if update == 1 or self.decay == 0:
            return 0.0
        return self.decay * (1 - self.decay ** (update - 1)) / (1 - self.decay**update)

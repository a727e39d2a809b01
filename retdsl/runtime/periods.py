"""Periods of training, in batches or in epochs: `200 batches`, `2 epochs`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class batches:
    """So many steps of training, counted over all epochs. n: 1 or more."""

    n: int


@dataclass(frozen=True, slots=True)
class epochs:
    """So many epochs of training. n: 1 or more."""

    n: int


Period: TypeAlias = batches | epochs


def count_of(period: int | Period) -> int:
    """How many batches or epochs; a plain number is one of epochs."""
    return period if isinstance(period, int) else period.n

"""The processes that train one network together, and what they tell one another.

Enters: arrays of one process. Leaves: those of all. Guaranteed: every process leaves with the same numbers, to the bit,
so that all of them go the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.forward import MxArray

Kind = TypeVar("Kind", bound=np.generic)


class Workers:
    """One process, alone. rank: its number, from 0; count: how many there are."""

    rank: int = 0
    count: int = 1

    def sum(self, arrays: Mapping[str, MxArray]) -> None:
        """Makes of every array the sum over all processes."""

    def broadcast(self, arrays: Mapping[str, MxArray]) -> None:
        """Makes of every array that of the first process."""

    def joined(self, rows: NDArray[Kind]) -> NDArray[Kind]:
        """The rows of all processes [n, ...], one behind the other, in the order of their ranks."""
        return rows

    def leave(self) -> None:
        """Told that this process has come to its end in good order."""

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: Any) -> None:
        self.leave()

"""What is remembered from one update of a training to the next, and has to be saved with it.

Whatever remembers anything says so by `state`, arrays by name, and takes it back by `restore`. What follows from the
seed, the epoch and the data alone is not remembered but made again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from numpy.typing import NDArray

if TYPE_CHECKING:
    from retdsl.runtime.epoch_record import EpochRecord


class Stateful(Protocol):
    """Something that remembers. After `restore(state())` it goes on as if nothing had happened."""

    def state(self) -> dict[str, NDArray[Any]]:
        """A copy of all that it remembers."""

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Remembers what `state` once gave."""


class Pauses(Protocol):
    """Moments within an epoch at which everything that is remembered is in order, and may be saved."""

    def due(self, batches: int) -> bool:
        """Whether to stop after so many batches of the epoch."""

    def reached(self, record: EpochRecord) -> None:
        """Training has stopped. record: of the epoch so far. It goes on when this returns."""

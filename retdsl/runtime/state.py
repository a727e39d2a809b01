"""What is remembered from one update of a training to the next, and has to be saved with it.

Whatever remembers anything says so by `state`, arrays by name, and takes it back by `restore`. What follows from the
seed, the epoch and the data alone is not remembered but made again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from numpy.typing import NDArray


class Stateful(Protocol):
    """Something that remembers. After `restore(state())` it goes on as if nothing had happened."""

    def state(self) -> dict[str, NDArray[Any]]:
        """A copy of all that it remembers."""

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Remembers what `state` once gave."""

"""The processes that train one network together, and what they tell one another.

Enters: arrays of one process. Leaves: those of all. Guaranteed: every process leaves with the same numbers, to the bit,
so that all of them go the same way.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.predictions import Predictions


class Workers:
    """One process, alone. rank: its number, from 0; count: how many there are; servers: of their sums;
    beside: how many of them share this machine.
    """

    rank: int = 0
    count: int = 1
    servers: int = 0
    beside: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the one that writes files and speaks to people."""
        return self.rank == 0

    def sum(self, arrays: Mapping[str, Any]) -> None:
        """Makes of every array, MXNet's, the sum over all processes."""

    def broadcast(self, arrays: Mapping[str, Any]) -> None:
        """Makes of every array, MXNet's, that of the first process."""

    def joined(self, columns: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The rows of all processes, [n, ...] for each name, one behind the other in the order of their ranks."""
        return dict(columns)

    def told(self, make: Callable[[], bytes]) -> bytes:
        """What the first process makes; the others do not even try."""
        own = np.frombuffer(make() if self.first else b"", np.uint8)
        return self.joined({"told": own})["told"].tobytes()

    def share(self, rows: Sequence[Any]) -> Sequence[Any]:
        """The piece of this process, where rows are dealt in pieces that are equally long, or differ by one."""
        ends = [len(rows) * rank // self.count for rank in (self.rank, self.rank + 1)]
        return rows[ends[0] : ends[1]]

    def joined_predictions(self, own: Predictions) -> Predictions:
        """Those of all processes; a photograph that several have predicted counts once."""
        if self.count == 1:
            return own
        found = self.joined({"indices": own.indices, "labels": own.labels, "probabilities": own.probabilities})
        _, first = np.unique(found["indices"], return_index=True)
        order = np.sort(first)
        return Predictions(*(found[name][order] for name in ("indices", "labels", "probabilities")))

    def fail(self, code: int, text: str) -> int:
        """Says why this process cannot go on; returns the exit code, or ends the process with all the others."""
        if text:
            print(text, file=sys.stderr)
        return code

    def on_end(self, then: Callable[[], None]) -> None:
        """What to do, from another thread, should this process have to end because the job does."""

    def leave(self) -> None:
        """Told that this process has come to its end in good order."""

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, kind: Any, *_: Any) -> None:
        if kind is None:
            self.leave()

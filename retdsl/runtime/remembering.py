"""All that a training remembers, collected by name: saved as one state, and brought back from the newest good one.

Enters: whatever is `Stateful`, under the name that it is known by on the disk. Leaves: states on the disk, and, after
an interruption, everything as it was at one of them. Guaranteed: a training that goes on from a state ends as it would
have without the interruption; a state that is damaged, or lacks a file that belongs to it, is passed over for the one
before.

Whoever remembers anything from one update to the next registers it: `memory.add("early stopping", stopping)`. What
follows from the seed, the epoch, the batch and the data needs no place here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.checkpoint import Checkpoints
from retdsl.runtime.epoch_record import EpochRecord
from retdsl.runtime.errors import RunError
from retdsl.runtime.generations import Generations
from retdsl.runtime.state import Stateful
from retdsl.runtime.state_file import Position, State, state_of, state_parts
from retdsl.runtime.workers import Workers

CHECKPOINTS, RECORD = "checkpoints", "record"
"""Names of two owners that are always there: what is saved and best so far, and the epoch that is under way."""

Begun = Mapping[str, NDArray[Any]]
"""What there is of an epoch that was interrupted: the state of its record."""


class Memory:
    """What one run remembers. say: told what of the disk could not be used, in a sentence; workers: those who make it
    together, of whom the first has the states, and tells the others of the one to go on from.
    """

    def __init__(
        self,
        generations: Generations,
        checkpoints: Checkpoints,
        say: Callable[[str], None],
        workers: Workers | None = None,
    ) -> None:
        self._workers = workers or Workers()
        self._generations = generations
        self._checkpoints = checkpoints
        self._say = say
        self._owners: dict[str, Stateful] = {}

    def add(self, name: str, stateful: Stateful) -> None:
        """To be called for everything before `recall`."""
        self._owners[name] = stateful

    def save(self, at: Position, record: EpochRecord | None = None) -> None:
        """Puts everything on the disk, and takes away what no state needs any more. record: within an epoch."""
        if not self._workers.first:
            return
        owners = {name: stateful.state() for name, stateful in self._owners.items()}
        owners[CHECKPOINTS] = self._checkpoints.state()
        if record is not None:
            owners[RECORD] = record.state()
        self._generations.save(State(at, self._checkpoints.files, owners))
        self._checkpoints.prune()

    def forget(self) -> None:
        """Takes the states away: the training is finished."""
        self._generations.clear()

    def recall(self) -> tuple[Position, Begun | None]:
        """Everything as it was at the newest good state; at the very beginning where none was saved.

        Raises RunError if there are states, and none can be used.
        """
        state = self._told()
        if state is None:
            self._checkpoints.restore({"latest": np.array([]), "best": np.array([])}, {}, Position().epoch)
            return Position(), None
        known, found = {*self._owners, CHECKPOINTS}, {*state.owners} - {RECORD}
        if known != found:
            raise RunError(
                f"the saved states of this run are of another version of retdsl: {', '.join(sorted(known ^ found))}",
                help="go on with the version that began it; lock.json says which",
            )
        for name, stateful in self._owners.items():
            stateful.restore(state.owners[name])
        self._checkpoints.restore(state.owners[CHECKPOINTS], state.files, state.at.epoch)
        self._generations.remove_after(state.at.batches)
        return state.at, state.owners.get(RECORD)

    def _told(self) -> State | None:
        """The state that the first of the workers has found, for all of them."""
        if self._workers.count == 1:
            return self._newest_good()

        def found() -> bytes:
            state = self._newest_good()
            return b"" if state is None else b"".join(state_parts(state))

        content = self._workers.told(found)
        return state_of(content) if content else None

    def _newest_good(self) -> State | None:
        """Raises RunError where there are states, but none from which the end can be reached."""
        troubles: list[str] = []
        second_best: tuple[State, list[str]] | None = None
        for path, found in self._generations.load():
            if not isinstance(found, State):
                troubles.append(f"{path.name}: {found}")
                continue
            damaged = self._checkpoints.damaged(found.files)
            if not damaged:
                for trouble in troubles:
                    self._say(f"{trouble}; going on from the state before it, after {found.at}")
                return found
            troubles.append(f"{path.name}: {', '.join(damaged)} is damaged, or gone")
            if second_best is None and not {*damaged} & self._checkpoints.needed(found.owners[CHECKPOINTS]):
                second_best = found, damaged
        if second_best is not None:
            state, damaged = second_best
            self._say(f"{', '.join(damaged)} is damaged, or gone, and cannot be had again; nothing else depends on it")
            return State(state.at, {n: d for n, d in state.files.items() if n not in damaged}, state.owners)
        if troubles:
            raise RunError(
                "this run cannot go on: every state that it saved is damaged",
                items=troubles,
                help="train it anew, into another folder; what else is in this one stays as it is",
            )
        return None

"""The two newest states of a run, so that there is always a good one.

Enters: a folder. Leaves: `NUMBER.state` in it, NUMBER being how many batches there were. Guaranteed: a state is removed
only after two newer ones are on the disk.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from retdsl.runtime.files import cannot_write, make_folder
from retdsl.runtime.state_file import BadState, State, read_state, write_state

KEPT = 2
"""How many states there are: the newest, and one in case that it is damaged."""

NAME = re.compile(r"(\d+)\.state")


class Generations:
    """The states of one run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, state: State) -> None:
        """Puts a state beside the one before. Raises RunError when the system refuses; the others are still there."""
        write_state(make_folder(self._folder) / f"{state.at.batches:010d}.state", state)
        self._remove(self.paths()[KEPT:])

    def load(self) -> Iterator[tuple[Path, State | BadState]]:
        """The states that are there, the newest first; of one that cannot be used, what is wrong with it."""
        for path in self.paths():
            try:
                yield path, read_state(path)
            except BadState as error:
                yield path, error

    def remove_after(self, batches: int) -> None:
        """Takes away what lies beyond a state that training goes on from."""
        self._remove([path for path in self.paths() if _batches(path) > batches])

    def clear(self) -> None:
        """Takes away all states, and the folder."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def paths(self) -> list[Path]:
        """Of all states, the newest first."""
        found = self._folder.iterdir() if self._folder.is_dir() else ()
        return sorted((path for path in found if NAME.fullmatch(path.name)), key=_batches, reverse=True)

    def _remove(self, paths: list[Path]) -> None:
        for path in paths:
            try:
                path.unlink()
            except OSError as error:
                raise cannot_write(path, error) from error


def _batches(path: Path) -> int:
    return int(path.stem)

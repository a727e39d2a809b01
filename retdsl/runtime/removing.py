"""Files taken away while work goes on.

Enters: paths. Leaves: nothing of them. Guaranteed: a name is gone when `take` returns, so that files disappear in the
order in which they are taken; `wait` returns when their space is free.

A file without a name is there as long as somebody has it open, and whoever lets go of it last waits until its space is
free: with some megabytes that can take as long as training a small head for an epoch. A thread does that waiting.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from threading import Thread


class Removing:
    """Takes files away."""

    def __init__(self) -> None:
        self._waiting: list[Thread] = []

    def take(self, path: Path) -> None:
        """Takes a file away, where it is there. Raises OSError when the system refuses."""
        handle = None
        with suppress(OSError):  # of one that cannot be opened the name goes all the same, or the system says why not
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            path.unlink(missing_ok=True)
        finally:
            if handle is not None:
                self._waiting.append(Thread(target=os.close, args=(handle,), daemon=True))
                self._waiting[-1].start()

    def wait(self) -> None:
        """Waits until all space is free."""
        while self._waiting:
            self._waiting.pop().join()

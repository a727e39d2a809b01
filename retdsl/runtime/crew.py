"""Processes of a job on this machine: how they are started, and what is said when one has ended.

Enters: a program with its arguments, and a `Place`. Leaves: a process of its own, deaf to Ctrl-C, which is the
foreman's to hear. Guaranteed: what it says goes to a file of its own, but what the first worker says goes to people.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from retdsl.runtime.place import WORKER, Place, own_host

SPEAKS = (WORKER, 0)
"""The role and the rank of the process that speaks to people."""

MEMORY = "this happens when memory runs out: use a smaller `batch`, or fewer workers on a machine"


class Started(Protocol):
    """A process that belongs to the job, and that this one has started. name: its role and rank; host: where it is."""

    @property
    def name(self) -> str: ...

    @property
    def host(self) -> str: ...

    def poll(self) -> int | None:
        """Its exit code, None while it runs."""

    def why(self, code: int) -> tuple[str, Sequence[str]]:
        """Why it has ended by itself, in words that follow its name, and what to do about it."""

    def end(self) -> None:
        """Ends it, at once, and waits for that."""


class LocalProcess:
    """A process of the job on this machine. command: with all arguments; log: the file for what it says."""

    def __init__(self, place: Place, command: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
        self.name = place.name
        self.host = own_host()
        self._log = log
        self._process = started(place, command, log, {**environment, **place.environment()})

    def poll(self) -> int | None:
        return self._process.poll()

    def why(self, code: int) -> tuple[str, Sequence[str]]:
        help = [MEMORY] if code == -signal.SIGKILL else []
        return exit_in_words(code), [*help, *last_words(self._log)]

    def end(self) -> None:
        end(self._process)


def started(place: Place, command: Sequence[str], log: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """The process of this place. What it says goes to the log, but the first worker's words to where ours go."""
    with log.open("wb") as file:
        said = None if (place.role, place.rank) == SPEAKS else file
        return subprocess.Popen(
            command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
        )


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process with all that it has started, whether it wants to or not."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def last_words(log: Path) -> list[str]:
    """The last line that says anything in a log, and where the rest is; nothing if there is none."""
    try:
        lines = [line.strip() for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    except OSError:
        return []
    return [f"the last that it said: {lines[-1][:300]}", f"all that it said is in {log}"] if lines else []


def exit_in_words(code: int) -> str:
    """`was ended by SIGKILL`, `ended with exit code 3`."""
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"

"""A process of a job on another machine, by ssh.

Enters: a machine, a `Place`, a command. Leaves: the process at work there. Guaranteed: no password is asked for, and a
machine that does not answer is given up within seconds. When the job ends, the process ends: by itself, as soon as it
is told or its line to the foreman is cut, else by ssh, which ends it as it ends.
"""

from __future__ import annotations

import shlex
import shutil
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from retdsl.launching.hosts import Host
from retdsl.runtime.crew import MEMORY, end, exit_in_words, last_words, started
from retdsl.runtime.errors import RunError
from retdsl.runtime.place import Place

CONNECTS = 6
"""Seconds that a machine has to answer."""

SSH_FAILED = 255

TOLD = ("PYTHONPATH", "RETDSL_CACHE", "RETDSL_CACHE_LIMIT", "OMP_NUM_THREADS", "PS_VERBOSE")
"""Variables that the processes on other machines get as they are here; the others they have of their own."""


def find_ssh() -> str:
    """Raises RunError where there is none."""
    found = shutil.which("ssh")
    if found is None:
        help = "install it (Debian: openssh-client), or start the program by srun or mpirun"
        raise RunError("ssh is not installed, and other machines are reached by it", help=help)
    return found


class RemoteProcess:
    """A process of the job on another machine. command: without the Python that runs it; folder: where it runs."""

    def __init__(
        self, host: Host, place: Place, command: Sequence[str], log: Path, folder: Path, environment: Mapping[str, str]
    ) -> None:
        self.name = place.name
        self.host = host.name
        self._log = log
        told = {name: environment[name] for name in TOLD if name in environment} | place.environment()
        words = [f"{name}={shlex.quote(value)}" for name, value in told.items()]
        there = f"cd {shlex.quote(str(folder))} && exec env {' '.join(words)} {shlex.join([host.python, *command])}"
        options = ["-o", "BatchMode=yes", "-o", f"ConnectTimeout={CONNECTS}", "-o", "ServerAliveInterval=3"]
        ssh = [find_ssh(), *options, "-o", "ServerAliveCountMax=2", host.name, there]
        self._process = started(place, ssh, log, environment)

    def poll(self) -> int | None:
        return self._process.poll()

    def why(self, code: int) -> tuple[str, Sequence[str]]:
        words = last_words(self._log)
        if code == SSH_FAILED:
            return "could not be started or reached by ssh", [*words, f"does `ssh {self.host} true` work?"]
        # ssh tells of a process that was ended by a signal as shells do.
        code = 128 - code if 128 < code < 128 + 65 else code
        return exit_in_words(code), [*([MEMORY] if code == -signal.SIGKILL else []), *words]

    def end(self) -> None:
        end(self._process)

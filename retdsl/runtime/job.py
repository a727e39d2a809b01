"""A program as one process of a job: what `main` does where `find_place` says that it is one.

Enters: a `Place`. Leaves: `Together` for a worker; a server or the scheduler works here until the job ends; whoever
leads the ranks of `srun` or `mpirun` starts what they do not, and stays until the job ends.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from retdsl.runtime.crew import LocalProcess
from retdsl.runtime.errors import RunError
from retdsl.runtime.files import make_folder
from retdsl.runtime.foreman import Ending, Foreman, listening
from retdsl.runtime.member import MEETING, Member
from retdsl.runtime.place import SCHEDULER, SERVER, WORKER, Place
from retdsl.runtime.run_folder import RunFolder
from retdsl.runtime.together import Together

LOGS = "workers"
"""The folder in a run's for what its processes say, as long as it is needed."""


def take_place(place: Place) -> Together:
    """Joins the job; returns for workers alone. Raises RunError if it cannot be joined."""
    member = Member(place)
    if place.role != WORKER:
        os.environ["OMP_NUM_THREADS"] = "1"  # to add up is little work, and the processors are the workers'
        member.take_place()
        from retdsl.runtime import mx  # a server or the scheduler stays in here  # noqa: F401

        os._exit(0)
    member.take_place()
    return Together(member)


def lead_ranks(place: Place, command: Sequence[str], folder: RunFolder) -> int:
    """Leads a job whose workers `srun` or `mpirun` has started. place: of this process, which is the first of them.

    Starts the scheduler, the servers, and a process for its own part as the first worker; returns the exit code.
    """
    try:
        listener = listening(place.port)
    except OSError as error:
        raise port_taken(place.port, error, "say another one, for all ranks: RETDSL_JOB=HOST:PORT") from None
    parts = [(SCHEDULER, 0), *((SERVER, number) for number in range(place.servers)), (WORKER, 0)]
    places = [replace(place, role=role, rank=rank, leads=False) for role, rank in parts]
    logs = make_folder(folder.path / LOGS)
    crew = (LocalProcess(one, command, log_of(one, logs), os.environ) for one in places)
    ending = led(Foreman(listener, place.workers, place.servers, place.key, crew, MEETING))
    return tell_ending(ending, folder)


def led(foreman: Foreman) -> Ending:
    """Leads a job from its start to its end; what asks this process to end, as Ctrl-C does or a batch system, ends the
    job in good order.
    """
    before = {kind: signal.signal(kind, lambda *_: foreman.interrupt()) for kind in (signal.SIGINT, signal.SIGTERM)}
    try:
        return foreman.lead()
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def tell_ending(ending: Ending, folder: RunFolder, say: Callable[[str], None] | None = None) -> int:
    """Tells how a job ended, if it did not end well, and how to go on; returns the exit code."""
    if ending.code == 0:
        shutil.rmtree(folder.path / LOGS, ignore_errors=True)
    if ending.text:
        lines = [ending.text]
        lines += [f"   = note: {ending.who} says so"] if ending.who else []
        lines += [f"   = help: {help}" for help in ending.help]
        if folder.can_go_on:
            lines.append(f"   = help: {folder.how_to_go_on()}")
        (say or _print)("\n".join(lines))
    return ending.code


def log_of(place: Place, logs: Path) -> Path:
    return logs / f"{place.name.replace(' ', '-')}.log"


def port_taken(port: int, error: OSError, help: str) -> RunError:
    return RunError(f"port {port} cannot be used: {error.strerror or error}", help=help)


def _print(text: str) -> None:
    print(text, file=sys.stderr)

"""A job at work: a run by several workers, from the start of its processes to the end of them all.

Enters: the program of a run, and what is asked of the job. Leaves: the run folder, as one process would leave it, and
an exit code. Guaranteed: nothing of the job runs any more when this returns.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

from retdsl.launching.hosts import HERE, Host, address_for, read_hosts, require_own, workers_on
from retdsl.launching.remote import RemoteProcess, find_ssh
from retdsl.records import dataclass
from retdsl.running import environment
from retdsl.runtime.crew import LocalProcess, Started
from retdsl.runtime.errors import RunError
from retdsl.runtime.files import make_folder
from retdsl.runtime.foreman import Foreman, listening
from retdsl.runtime.job import LOGS, led, log_of, port_taken, tell_ending
from retdsl.runtime.member import MEETING
from retdsl.runtime.place import SCHEDULER, SERVER, WORKER, Place
from retdsl.runtime.run_folder import RunFolder

MOST = 256
"""Workers, or servers, of a job."""


@dataclass(frozen=True, slots=True)
class Job:
    """workers: the machine of each; servers: how many, in turn on the same machines; address: by which the machines
    reach this one; port: to meet at, 0 for any that is free.
    """

    workers: tuple[Host, ...]
    servers: int
    address: str
    port: int


def planned(
    workers: int | None, servers: int | None, hostfile: Path | None, address: str | None = None, port: int = 0
) -> Job:
    """The job that is asked for. Raises RunError for what cannot be had."""
    hosts = [HERE] if hostfile is None else read_hosts(hostfile)
    placed = workers_on(hosts, workers)
    if any(not host.is_here for host in placed):
        find_ssh()
    return Job(tuple(placed), servers or 1, address or address_for(placed), port)


def work(job: Job, train_py: Path, run: Path, options: Sequence[str]) -> int:
    """Trains by several workers into a run folder, and returns the exit code. options: of the program.

    Raises RunError if the job cannot begin.
    """
    key = secrets.token_hex(16)
    try:
        listener = listening(job.port, "127.0.0.1" if job.address == "127.0.0.1" else "")
    except OSError as error:
        raise port_taken(job.port, error, "leave out --port, and one that is free is chosen") from None
    port = int(listener.getsockname()[1])
    try:
        require_own(job.address, port)
    except RunError:
        listener.close()
        raise
    logs = make_folder(run.resolve() / LOGS)
    command = [str(train_py.resolve()), *options]
    variables, here = environment(train_py), Path.cwd()

    def crew() -> Iterator[Started]:
        for role, rank, host in _roles(job):
            beside = sum(one == host for one in job.workers)
            place = Place(role, rank, len(job.workers), job.servers, job.address, port, max(1, beside), key)
            try:
                if host.is_here:
                    yield LocalProcess(place, [host.python, *command], log_of(place, logs), variables)
                else:
                    yield RemoteProcess(host, place, command, log_of(place, logs), here, variables)
            except OSError as error:
                raise RunError(f"{place.name} cannot be started: {error.strerror or error}", where=host.name) from None

    ending = led(Foreman(listener, len(job.workers), job.servers, key, crew(), MEETING))
    return tell_ending(ending, RunFolder(run))


def _roles(job: Job) -> list[tuple[str, int, Host]]:
    """Role, rank and machine of every process: the scheduler is here, servers and workers on the machines in turn."""
    machines = list(dict.fromkeys(job.workers))
    servers = [(SERVER, number, machines[number % len(machines)]) for number in range(job.servers)]
    return [(SCHEDULER, 0, HERE), *servers, *((WORKER, rank, host) for rank, host in enumerate(job.workers))]


def program_of(run: Path) -> Path:
    """The program of a run that is to go on. Raises RunError for a folder that holds none."""
    from retdsl.runtime.resuming import read_record

    read_record(RunFolder(run))
    train_py = run / "program" / "train.py"
    if not train_py.is_file():
        help = f"it goes on by the program that began it: srun or mpirun ... python train.py --resume {run}"
        raise RunError("the program of this run is not in its folder", where=train_py, help=help)
    return train_py


def planned_again(
    run: Path,
    workers: int | None,
    servers: int | None,
    hostfile: Path | None,
    address: str | None = None,
    port: int = 0,
) -> Job:
    """The job that goes on with a run: as large as the one before unless something else is asked for."""
    from retdsl.runtime.resuming import read_record

    record = read_record(RunFolder(run))
    before = [record.get(key) for key in ("workers", "servers")]
    numbers = [old if asked is None else asked for asked, old in zip((workers, servers), before, strict=True)]
    if not isinstance(numbers[0], int) or numbers[0] < 1:
        raise RunError("how many workers this run had is not in its record", where=run, help="say it with -n")
    return planned(numbers[0], numbers[1] if isinstance(numbers[1], int) else 1, hostfile, address, port)

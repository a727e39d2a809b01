"""Which place a process has in a job of several: told by the launcher, or by the rank that `srun` or `mpirun` gave it.

Enters: the environment. Leaves: a `Place`, or None for a process that trains alone. Guaranteed: nothing is guessed that
is not said; a rank that makes no sense is an error, not a run of its own.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from retdsl.runtime.errors import RunError

JOB, ROLE, RANK, COUNT, SERVERS = "RETDSL_JOB", "RETDSL_ROLE", "RETDSL_RANK", "RETDSL_WORKERS", "RETDSL_SERVERS"
"""Variables: where the job is led from, as `HOST:PORT`, or `none` for a program that is to train alone whatever else is
said; and what this process is in it.
"""

LOCAL, KEY = "RETDSL_WORKERS_HERE", "RETDSL_JOB_KEY"
"""Variables: how many workers share this machine, and what proves that a process belongs to the job."""

ALONE = "none"

WORKER, SERVER, SCHEDULER = "worker", "server", "scheduler"

RANKS = (
    # Of a job step SLURM tells more exactly than of the whole allocation.
    ("SLURM_PROCID", ("SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"), ("SLURM_JOB_ID", "SLURM_STEP_ID")),
    ("OMPI_COMM_WORLD_RANK", ("OMPI_COMM_WORLD_SIZE",), ("PMIX_NAMESPACE", "OMPI_MCA_ess_base_jobid")),
    ("PMI_RANK", ("PMI_SIZE",), ("PMI_JOBID", "PMI_KVSNAME", "HYDI_CONTROL_FD")),
)
"""What `srun`, Open MPI's and MPICH's `mpirun` tell a process: its rank, how many there are, and which job it is."""

PORTS = range(20_000, 30_000)
"""From which ranks choose the port to meet at, by the job that they are of, where none is told."""


@dataclass(frozen=True, slots=True)
class Place:
    """role: `worker`, `server` or `scheduler`; rank: from 0; workers, servers: how many there are; host, port: where
    the job is led from; local: workers on this machine; key: what all processes of the job know; leads: whether this
    very process is to lead the job, and to start what nobody else starts.
    """

    role: str
    rank: int
    workers: int
    servers: int
    host: str
    port: int
    local: int = 1
    key: str = ""
    leads: bool = False

    @property
    def name(self) -> str:
        return self.role if self.role == SCHEDULER else f"{self.role} {self.rank}"

    def environment(self) -> dict[str, str]:
        """What tells a process that it has this place."""
        return {
            JOB: f"{self.host}:{self.port}",
            ROLE: self.role,
            RANK: str(self.rank),
            COUNT: str(self.workers),
            SERVERS: str(self.servers),
            LOCAL: str(self.local),
            KEY: self.key,
        }


def find_place(environ: Mapping[str, str] = os.environ) -> Place | None:
    """The place of this process; None where it trains alone. Raises RunError for variables that make no sense."""
    address = environ.get(JOB, "")
    if address == ALONE:
        return None
    if ROLE in environ:
        host, port = _address(address)
        rank, count, servers, local = (_number(environ, name) for name in (RANK, COUNT, SERVERS, LOCAL))
        return Place(environ[ROLE], rank, count, servers, host, port, local, environ.get(KEY, ""))
    for rank_name, count_names, job_names in RANKS:
        count_name = next((name for name in count_names if name in environ), None)
        if rank_name in environ and count_name is not None:
            rank, count = _number(environ, rank_name), _number(environ, count_name)
            if rank >= count:
                raise RunError(f"{rank_name} is {rank}, and {count_name} says that there are {count} processes")
            return None if count == 1 else _by_rank(environ, rank, count, job_names)
    return None


def _by_rank(environ: Mapping[str, str], rank: int, count: int, job_names: tuple[str, ...]) -> Place:
    job = "\0".join(environ.get(name, "") for name in job_names).strip("\0")
    if address := environ.get(JOB, ""):
        host, port = _address(address)
    else:
        # Processes that one `mpirun` starts on a machine have one parent; of several machines it says which job it is.
        job = job or f"parent {os.getppid()}"
        host = _first_host(environ, count)
        port = PORTS[int.from_bytes(sha256(job.encode()).digest()[:8], "big") % len(PORTS)]
    servers = _number(environ, SERVERS) if SERVERS in environ else 1
    if servers < 1:
        raise RunError(f"{SERVERS} is {servers}: a job needs one server or more")
    local = next(
        (_number(environ, name) for name in ("OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS") if name in environ),
        _slurm_local(environ) or count,
    )
    key = environ.get(KEY) or sha256(f"{job}\0{address}".encode()).hexdigest()
    return Place(WORKER, rank, count, servers, host, port, min(local, count), key, leads=rank == 0)


def _first_host(environ: Mapping[str, str], count: int) -> str:
    """Where rank 0 is: this machine where all are on one, else the first that SLURM names. Raises RunError."""
    here = environ.get("OMPI_COMM_WORLD_LOCAL_SIZE") or environ.get("MPI_LOCALNRANKS")
    nodes = environ.get("SLURM_STEP_NODELIST") or environ.get("SLURM_JOB_NODELIST") or environ.get("SLURM_NODELIST")
    number = environ.get("SLURM_STEP_NUM_NODES") or environ.get("SLURM_JOB_NUM_NODES") or environ.get("SLURM_NNODES")
    if here == str(count) or number == "1" or (here is None and not nodes):
        return "127.0.0.1"
    if nodes:
        return first_node(nodes)
    raise RunError(
        f"the {count} processes are on several machines, and nothing says where they meet",
        help=f"say where the first one runs, with a free port: mpirun -x {JOB}=node1:29500 ...",
    )


def first_node(nodes: str) -> str:
    """The first of SLURM's list: `gpu[03-07,12],head` begins with gpu03."""
    found = re.match(r"([^\[,]*)(?:\[(\w+)[^\]]*\]([^,\[]*))?", nodes)
    return "" if found is None else f"{found[1]}{found[2] or ''}{found[3] or ''}"


def _slurm_local(environ: Mapping[str, str]) -> int | None:
    """SLURM_TASKS_PER_NODE is like `2(x3),1`; the first number is right for the first machines, and near for others."""
    tasks = environ.get("SLURM_STEP_TASKS_PER_NODE") or environ.get("SLURM_TASKS_PER_NODE") or ""
    found = re.match(r"\d+", tasks)
    return int(found[0]) if found else None


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
        raise RunError(f"{JOB} is `{text}`: it should be HOST:PORT, or `{ALONE}`")
    return host.strip("[]"), int(port)


def _number(environ: Mapping[str, str], name: str) -> int:
    text = environ.get(name, "")
    if not text.isdecimal():
        raise RunError(f"{name} is `{text}`: it should be a number")
    return int(text)


def own_host() -> str:
    """The name of this machine, for messages."""
    return socket.gethostname()

"""Host files, and which worker goes to which machine.

Enters: the text of a host file, a line a machine, as Open MPI takes them:

    # comment
    node1 slots=2
    node2 slots=4 python=/opt/study/bin/python

Leaves: `Host`s, and one of them for each worker. Guaranteed: every mistake of a file is told at once.
"""

from __future__ import annotations

import re
import shlex
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from retdsl.records import dataclass
from retdsl.runtime.errors import RunError

LOCAL = ("localhost", "127.0.0.1", "::1")

NAME = re.compile(r"[A-Za-z0-9_@%:][A-Za-z0-9_.@%:-]*")
"""What ssh takes for a host, and never for an option."""

ANSWERS = 5.0
"""Seconds that this machine has to answer itself."""

FORM = "a line is `HOST`, `HOST slots=4` or `HOST slots=4 python=/path/to/python`"


@dataclass(frozen=True, slots=True)
class Host:
    """name: as ssh takes it; slots: workers that it may have; None for as many as come; python: what runs programs."""

    name: str
    slots: int | None = None
    python: str = sys.executable

    @property
    def is_here(self) -> bool:
        """Whether it is this machine."""
        return self.name in (*LOCAL, socket.gethostname())


HERE = Host("localhost")


def read_hosts(path: Path) -> list[Host]:
    """The machines of a host file. Raises RunError with all that is wrong with it."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise RunError(f"the host file cannot be read: {error.strerror or error}", where=path) from None
    except UnicodeDecodeError:
        raise RunError("the host file is not text in UTF-8", where=path, help=FORM) from None
    hosts: list[Host] = []
    problems: list[str] = []
    for number, line in enumerate(lines, start=1):
        try:
            words = shlex.split(line, comments=True)
        except ValueError as error:
            problems.append(f"line {number}: {error}")
            continue
        if not words:
            continue
        host, trouble = _host(words)
        if host is not None and host.name in {known.name for known in hosts}:
            trouble = [f"`{host.name}` stands there twice"]
        if host is None or trouble:
            problems += [f"line {number}: {what}" for what in trouble]
        else:
            hosts.append(host)
    if problems:
        raise RunError("the host file has mistakes", where=path, items=problems, help=FORM)
    if not hosts:
        raise RunError("the host file names no machine", where=path, help=FORM)
    return hosts


def _host(words: Sequence[str]) -> tuple[Host | None, list[str]]:
    name, *options = words
    slots: int | None = None
    python, trouble = sys.executable, []
    if not NAME.fullmatch(name):
        trouble.append(f"`{name}` is no name of a machine")
    for option in options:
        key, _, value = option.partition("=")
        if key == "slots" and value.isdecimal() and int(value) > 0:
            slots = int(value)
        elif key == "python" and value:
            python = value
        else:
            trouble.append(f"`{option}` means nothing")
    return (None if trouble else Host(name, slots, python)), trouble


def workers_on(hosts: Sequence[Host], workers: int | None) -> list[Host]:
    """The machine of each worker, machine after machine where slots are told, else in turn.

    workers: None for one a slot. Raises RunError if there are not enough slots.
    """
    slots = [host.slots for host in hosts]
    known = sum(slot or 0 for slot in slots)
    if all(slot is not None for slot in slots):
        wanted = known if workers is None else workers
        if wanted > known:
            raise RunError(f"{wanted} workers are wanted, and the host file has {known} slots", help="give it more")
        return [host for host in hosts for _ in range(host.slots or 0)][:wanted]
    wanted = len(hosts) if workers is None else workers
    found: list[Host] = []
    while len(found) < wanted:  # some machine takes as many as come, so that this ends
        free = [host for host in hosts if host.slots is None or found.count(host) < host.slots]
        found += free[: wanted - len(found)]
    return sorted(found, key=hosts.index)


def address_for(hosts: Sequence[Host]) -> str:
    """By which address of this machine the others reach it. Raises RunError if that cannot be found out."""
    others = list(dict.fromkeys(host for host in hosts if not host.is_here))
    if not others:
        return "127.0.0.1"
    for host in others:
        try:
            found = socket.getaddrinfo(host.name.rpartition("@")[2], 9, socket.AF_INET, socket.SOCK_DGRAM)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                probe.connect(found[0][4])  # nothing is sent: the system says by which way it would be
                return str(probe.getsockname()[0])
        except (OSError, UnicodeError):
            continue
    raise RunError(
        f"no address is known of {', '.join(host.name for host in others[:3])}",
        help=(
            "is the name right?",
            "if ssh alone knows it, say by which address it can reach this machine: --address",
        ),
    )


def require_own(address: str, port: int) -> None:
    """Raises RunError if what listens here at this port is not reached by this address: all would wait in vain."""
    try:
        socket.create_connection((address, port), timeout=ANSWERS).close()
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise RunError(
            f"this machine is not reached by the address {address}: {why}",
            help="--address is one of its own (`hostname -I` lists them), by which the other machines reach it, too",
        ) from None

"""A program run with its end in sight: `python interrupting.py FOLDER MOMENT LOG train.py ...` kills itself, as
`kill -9` would.

Enters: the folder whose files are watched; the moment: `never`, `write N` (before its Nth change to the folder, from 0)
or `second S` (so long after training began). Leaves: what the program leaves; every change to the folder is a line
`SECONDS KIND NAME` of the file LOG. The program itself knows nothing of it: Python tells of every file that is opened,
renamed or removed (https://docs.python.org/3/library/audit_events.html).

A script of its own that needs nothing but Python, so that it can stand before any program.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

CHANGES = ("os.mkdir", "os.rename", "os.remove", "os.truncate")

BEGINS = "checkpoints"
"""The folder that a run makes when it begins to train."""


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def watch(folder: str, moment: str, log: str) -> None:
    """From now on, every change to the folder is logged, and at the moment the process dies."""
    kind, _, number = moment.partition(" ")
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    began, count, timer = time.perf_counter(), 0, None

    def listen(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal count, timer
        if event not in CHANGES and not (event == "open" and _writes(arguments[2])):
            return
        path = arguments[1] if event == "os.rename" else arguments[0]
        name = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""
        if not name.startswith(folder):
            return
        if kind == "write" and count == int(number):
            die()
        count += 1
        short = os.path.relpath(name, folder)
        os.write(file, f"{time.perf_counter() - began:.4f} {event.removeprefix('os.')} {short}\n".encode())
        if kind == "second" and timer is None and short == BEGINS:
            timer = threading.Timer(float(number), die)
            timer.daemon = True
            timer.start()

    sys.addaudithook(listen)


def _writes(flags: object) -> bool:
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR))


if __name__ == "__main__":
    _, watched, when, where, *sys.argv = sys.argv
    sys.path[0] = str(Path(sys.argv[0]).resolve().parent)
    watch(watched, when, where)
    runpy.run_path(sys.argv[0], run_name="__main__")

"""Runs that are killed at a write, in this process: nothing on the disk changes any more from then on.

Whatever a run does to its files comes by Python's audit events (open for writing, rename, remove, truncate), which are
counted. At the chosen one `Killed` is raised, and again at each that follows, so that no clean-up happens either, as
none would after `kill -9`.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path


class Killed(BaseException):
    """No `except Exception` holds it up."""


class _Watch:
    def __init__(self) -> None:
        self.folder: str | None = None
        self.at: int | None = None
        self.events: list[str] = []
        self.dead = False


_watch = _Watch()
_hooked = False


def _listen(event: str, arguments: tuple) -> None:
    if _watch.folder is None or event not in ("open", "os.rename", "os.remove", "os.truncate", "os.mkdir"):
        return
    path = arguments[0] if event != "os.rename" else arguments[1]
    if not isinstance(path, str | bytes | os.PathLike):
        return
    name = os.fsdecode(path)
    if not name.startswith(_watch.folder):
        return
    if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)):
        return
    _watch.events.append(f"{event} {os.path.relpath(name, _watch.folder)}")
    if _watch.dead or len(_watch.events) - 1 == _watch.at:
        _watch.dead = True
        raise Killed(_watch.events[-1])


@contextmanager
def killed(folder: Path, at: int | None):
    """Within it, a run in `folder` is killed before its write number `at`, from 0. Gives the list of its writes."""
    global _hooked
    if not _hooked:
        sys.addaudithook(_listen)
        _hooked = True
    _watch.folder, _watch.at, _watch.events, _watch.dead = str(folder), at, [], False
    try:
        yield _watch.events
    except Killed:
        pass
    finally:
        _watch.folder = None

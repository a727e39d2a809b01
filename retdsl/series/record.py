"""`series.json`: the runs of a series, and how far each has come.

Enters: a folder. Leaves: a `Series`, whose states are kept in the file. Guaranteed: the file is whole whenever somebody
reads it; a run is done when its folder says so, whatever became of the process that watched it; one process at a time
works on a series.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from retdsl.ir import Trained
from retdsl.records import dataclass, replace
from retdsl.runtime.errors import RunError
from retdsl.runtime.files import write_json

FILE = "series.json"

PATIENCE = 5.0
"""Seconds that a program which was killed may take until it is gone."""

PLANNED, RUNNING, DONE, FAILED, STOPPED = "planned", "running", "done", "failed", "stopped"
STATES = (PLANNED, RUNNING, DONE, FAILED, STOPPED)


@dataclass(frozen=True, slots=True)
class Member:
    """One run. folder: its name within the series; error: why it failed, in a sentence."""

    folder: str
    trained: Trained
    state: str = PLANNED
    error: str | None = None

    @property
    def title(self) -> str:
        """`first, fold 2, seed 7`."""
        fold = "" if self.trained.fold is None else f", fold {self.trained.fold}"
        return f"{self.trained.experiment}{fold}, seed {self.trained.seed}"


@dataclass(frozen=True, slots=True)
class Joined:
    """One ensemble. folder: its name within the series; members: folders of the runs that it joins."""

    name: str
    folder: str
    members: tuple[str, ...]
    state: str = PLANNED
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """path: the folder. facts: what else series.json says: `study`, `spec`, `root`, `options` and so on."""

    path: Path
    facts: Mapping[str, Any]
    members: tuple[Member, ...]
    ensembles: tuple[Joined, ...] = ()

    @property
    def root(self) -> Path:
        """Where relative data paths start."""
        return Path(str(self.facts["root"]))

    @property
    def options(self) -> tuple[str, ...]:
        """What programs are run with, so that those that come later compute as the first did."""
        return tuple(map(str, self.facts.get("options", ())))

    @property
    def left(self) -> tuple[Member, ...]:
        """The runs that are not done."""
        return tuple(member for member in self.members if member.state != DONE)

    def member(self, folder: str) -> Member:
        return next(member for member in self.members if member.folder == folder)

    def having(self, changed: Member | Joined) -> Series:
        """The series with what is known now of one run or ensemble."""
        if isinstance(changed, Member):
            return replace(self, members=tuple(changed if m.folder == changed.folder else m for m in self.members))
        return replace(self, ensembles=tuple(changed if e.folder == changed.folder else e for e in self.ensembles))

    def write(self) -> None:
        """Writes series.json."""
        members = [
            {
                "folder": member.folder,
                "experiment": member.trained.experiment,
                "fold": member.trained.fold,
                "seed": member.trained.seed,
                **_progress(member),
            }
            for member in self.members
        ]
        ensembles = [
            {"name": one.name, "folder": one.folder, "members": list(one.members), **_progress(one)}
            for one in self.ensembles
        ]
        write_json(self.path / FILE, {**self.facts, "members": members, "ensembles": ensembles})


def _progress(one: Member | Joined) -> dict[str, str]:
    return {"state": one.state, **({} if one.error is None else {"error": one.error})}


def is_series(path: Path) -> bool:
    """Whether a folder holds a series, not a run."""
    return (path / FILE).is_file()


def read_series(path: Path) -> Series:
    """The series in a folder, its states as the folders of its runs tell them. Raises RunError."""
    file = path / FILE
    if not file.is_file():
        what = "there is no such folder" if not path.is_dir() else f"this folder holds no series: it has no {FILE}"
        raise RunError(what, where=path, help="name a folder that `retdsl train` has made of several runs")
    try:
        found = json.loads(file.read_text("utf-8"))
        members = tuple(_member(one, path) for one in found.pop("members"))
        ensembles = tuple(_ensemble(one) for one in found.pop("ensembles"))
        series = Series(path, found, members, ensembles)
        if not (str(found["root"]) and members and isinstance(found.get("options", []), list)):
            raise ValueError("its parts are not what they should be")
        return series
    except OSError as error:
        raise RunError(f"{FILE} cannot be read: {error}", where=file) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(f"{FILE} is damaged: {type(error).__name__}: {error}", where=file) from None


def _member(found: Mapping[str, Any], path: Path) -> Member:
    """A run as series.json has it; test.json, which a run writes last, has the last word."""
    fold = found["fold"]
    trained = Trained(str(found["experiment"]), None if fold is None else int(fold), int(found["seed"]))
    folder, state = _folder(found["folder"]), _state(found["state"])
    ended = (path / folder / "test.json").is_file()
    if ended or state == DONE:
        return Member(folder, trained, DONE if ended else STOPPED)
    return Member(folder, trained, state, found.get("error"))


def _ensemble(found: Mapping[str, Any]) -> Joined:
    members = tuple(_folder(one) for one in found["members"])
    return Joined(str(found["name"]), _folder(found["folder"]), members, _state(found["state"]), found.get("error"))


def _folder(name: object) -> str:
    """The name of a folder of the series: nothing that leads out of it."""
    if not isinstance(name, str) or Path(name).name != name or name in ("", ".", ".."):
        raise ValueError(f"{name!r} is no folder of the series")
    return name


def _state(name: object) -> str:
    if name not in STATES:
        raise ValueError(f"{name!r} is no state")
    return str(name)


@contextmanager
def working_on(path: Path) -> Iterator[int]:
    """Keeps others from working on a series, as long as the file that it gives is open here or in a program that was
    given it. Raises RunError if somebody works on it already.
    """
    folder = os.open(path, os.O_RDONLY)
    try:
        deadline = time.monotonic() + PATIENCE
        while not _locked(folder):
            if time.monotonic() > deadline:
                help = f"`retdsl series {path}` tells how far it has come"
                raise RunError("another process works on this series", where=path, help=help)
            time.sleep(0.1)
        yield folder
    finally:
        os.close(folder)


def _locked(folder: int) -> bool:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

"""A run folder read back: what every command that looks at a run starts from.

Enters: a path. Leaves: a `RunRecord`. Guaranteed: a folder that holds no run, or one that is damaged, is a RunError
that says which file is wrong; nothing in the folder changes. What a run that was stopped may lack is None or empty.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from retdsl import __version__
from retdsl.ir import Experiment, Program
from retdsl.program_json import program_of
from retdsl.runtime.answers import Answers, read_answers
from retdsl.runtime.errors import RunError
from retdsl.runtime.files import read_json_object
from retdsl.runtime.resuming import NO_RUN


class RunRecord:
    """A run as its folder tells it. path: the folder; lock: lock.json."""

    def __init__(self, path: Path, lock: Mapping[str, Any]) -> None:
        self.path = path
        self.lock = lock

    @property
    def name(self) -> str:
        """Of the experiment."""
        return str(self.lock.get("experiment", self.path.name))

    @property
    def is_ensemble(self) -> bool:
        return "members" in self.lock

    @cached_property
    def members(self) -> tuple[RunRecord, ...]:
        """The runs that answer: a run itself; those that an ensemble joins, which lie beside its folder or in it.

        Raises RunError if one of them is gone.
        """
        if not self.is_ensemble:
            return (self,)
        named = self.lock["members"]
        if not isinstance(named, list) or not named or not all(isinstance(name, str) for name in named):
            raise RunError("lock.json is damaged: `members` is no list of folders", where=self.path / "lock.json")
        here = self.path.resolve() if self.path.name in ("", "..") else self.path
        found = {name: [at for at in (here.parent / name, here / name) if _is_run(at)] for name in named}
        if missing := [name for name in named if not found[name]]:
            help = "an ensemble answers with all of its members: keep their folders beside it"
            raise RunError("members of this ensemble are gone", where=self.path, items=missing, help=help)
        return tuple(read_run(found[name][0]) for name in named)

    @property
    def train_py(self) -> Path:
        """The program that ran. Raises RunError where it is gone."""
        path = self.path / "program" / "train.py"
        if not path.is_file():
            help = "`retdsl train` keeps the program in the run folder"
            raise RunError("the program of this run is not in its folder", where=path, help=help)
        return path

    @property
    def program(self) -> Mapping[str, Any]:
        """program.json: the checked program, as plain data."""
        return read_json_object(self.path / "program" / "program.json")

    @cached_property
    def checked_program(self) -> Program:
        """program.json as the program that it was. Raises RunError, for one of another version, too."""
        where = self.path / "program" / "program.json"
        try:
            program = program_of(self.program)
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            made_by = self.lock.get("made_by", "another version of retdsl")
            help = f"it was made by {made_by}, this is retdsl {__version__}"
            raise RunError(f"program.json cannot be understood: {error}", where=where, help=help) from None
        if not program.experiments:
            raise RunError("program.json is damaged: it has no experiment", where=where)
        return program

    @property
    def experiment(self) -> Experiment:
        """The checked experiment. Raises RunError as `checked_program` does."""
        known = self.checked_program.experiments
        return next((one for one in known if one.name == self.name), known[0])

    @property
    def spec(self) -> str | None:
        """The text of spec.retina."""
        path = self.path / "spec.retina"
        return path.read_text("utf-8") if path.is_file() else None

    @cached_property
    def epochs(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl, one an epoch."""
        return read_epochs(self.path) if (self.path / "metrics.jsonl").is_file() else []

    @cached_property
    def test(self) -> Mapping[str, Any] | None:
        """test.json: the final figures; None while there are none."""
        path = self.path / "test.json"
        return read_json_object(path) if path.is_file() else None

    @cached_property
    def predictions(self) -> Answers | None:
        """What the best epoch says of the test side; None while it says nothing."""
        return _answers(self.path / "predictions.csv")

    @cached_property
    def validation(self) -> Answers | None:
        """What the best epoch says of the validation side; None while it says nothing."""
        return _answers(self.path / "validation.csv")


def read_run(path: Path) -> RunRecord:
    """The run in a folder. Raises RunError if there is none, or if its lock.json cannot be read."""
    lock = path / "lock.json"
    if not lock.is_file() and (path / "series.json").is_file():
        inside = sorted(one.parent.name for one in path.glob("*/lock.json"))
        help = "name one of the runs in it, or an ensemble" if inside else "none of its runs has begun yet"
        raise RunError("this folder holds a series of runs, not a run", where=path, items=inside, help=help)
    if not lock.is_file():
        what = "there is no such folder" if not path.is_dir() else "this folder holds no run: it has no lock.json"
        raise RunError(what, where=path, help=NO_RUN)
    return RunRecord(path, read_json_object(lock))


def read_epochs(run: Path) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl in a run folder. Raises RunError if it cannot be read."""
    return read_json_lines(run / "metrics.jsonl")


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """A file with a JSON object in each line. Raises RunError if it cannot be read."""
    try:
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise RunError(f"{path.name} cannot be read: {error}", where=path) from None


def _is_run(path: Path) -> bool:
    return (path / "lock.json").is_file()


def _answers(path: Path) -> Answers | None:
    return read_answers(path) if path.is_file() else None

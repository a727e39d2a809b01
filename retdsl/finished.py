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

from retdsl.runtime.answers import Answers, read_answers
from retdsl.runtime.errors import RunError


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
    def members(self) -> tuple[Path, ...]:
        """Of an ensemble the folders of the runs that it joins, which lie beside it; of a run none."""
        return tuple(self.path.resolve().parent / str(name) for name in self.lock.get("members", ()))

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
        return _json(self.path / "program" / "program.json")

    @property
    def spec(self) -> str | None:
        """The text of spec.retina."""
        path = self.path / "spec.retina"
        return path.read_text("utf-8") if path.is_file() else None

    @cached_property
    def epochs(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl, one an epoch."""
        path = self.path / "metrics.jsonl"
        if not path.is_file():
            return []
        try:
            return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        except (OSError, ValueError) as error:
            raise RunError(f"metrics.jsonl cannot be read: {error}", where=path) from None

    @cached_property
    def test(self) -> Mapping[str, Any] | None:
        """test.json: the final figures; None while there are none."""
        path = self.path / "test.json"
        return _json(path) if path.is_file() else None

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
        raise RunError(what, where=path, help="name a folder that `retdsl train` has made, as in `runs/NAME-DATE-TIME`")
    return RunRecord(path, _json(lock))


def _json(path: Path) -> Mapping[str, Any]:
    """A JSON object. Raises RunError."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path.name} cannot be read: {error}", where=path) from None
    if not isinstance(found, dict):
        raise RunError(f"{path.name} is damaged: it is no object", where=path)
    return found


def _answers(path: Path) -> Answers | None:
    return read_answers(path) if path.is_file() else None

"""What a run leaves behind: the files of a run folder, apart from its checkpoints.

Enters: figures, predictions, facts about the run. Leaves: `test.json`, `predictions.csv`, `validation.csv`,
`lock.json`; it says where `journal` and `generations` put theirs.
Guaranteed: whole files; a figure that means nothing is null; an existing run is never overwritten.
"""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from socket import gethostname
from typing import IO, Any

from retdsl.runtime.answers import Answers
from retdsl.runtime.errors import RunError
from retdsl.runtime.facts import digest
from retdsl.runtime.files import cannot_write, make_folder, write_json, write_text
from retdsl.runtime.generations import Generations

HERE = f"{gethostname()}\n".encode()
"""What `.running` says, besides being locked: where its process is."""

PATIENCE = 0.2
"""Seconds for which a lock may be one that somebody holds only to look."""


class RunFolder:
    """The folder of one run: `runs/NAME-YYYYMMDD-HHMMSS` unless another is given."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / "checkpoints"
        self.states = path / "resume"
        self.metrics = path / "metrics.jsonl"
        self.steps = path / "steps.jsonl"
        self.lock = path / "lock.json"
        self.running = path / ".running"

    def start(self) -> None:
        """Makes the folder. Raises RunError when a run is in it already."""
        self.require_fresh()
        make_folder(self.path)

    def require_fresh(self) -> None:
        """Raises RunError when a run is in the folder already."""
        if self.metrics.exists() or self.checkpoints.exists():
            raise RunError("this folder holds a run already", where=self.path, help="choose another one with --run")

    @property
    def finished(self) -> bool:
        """Whether the run came to its end: test.json is the last file that it writes."""
        return (self.path / "test.json").is_file()

    @property
    def can_go_on(self) -> bool:
        """Whether anything is saved that a run can go on from."""
        return self.states.is_dir() and any(self.states.iterdir())

    def how_to_go_on(self) -> str:
        """The command that goes on with this run."""
        has_program = (self.path / "program" / "train.py").is_file()
        several = self.workers > 1
        if has_program:
            return f"go on with: retdsl {'launch' if several else 'train'} --resume {self.path}"
        return f"go on with: {'srun or mpirun ... ' if several else ''}python train.py --resume {self.path}"

    @property
    def workers(self) -> int:
        """How many workers train it together, as far as its record says."""
        try:
            found = json.loads(self.lock.read_text()).get("workers", 1)
        except (OSError, ValueError, AttributeError):
            return 1
        return found if isinstance(found, int) else 1

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within it, no other process can work in this folder; however this one ends, others can then.

        Raises RunError if another one is at work. On a file system that knows no locks, nothing is kept off.
        """
        make_folder(self.path)
        try:
            file = self.running.open("ab")
        except OSError as error:
            raise cannot_write(self.running, error) from error
        with file:
            if not _locked(file):
                help = "wait for its end, or stop it"
                raise RunError("another process is at work on this run", where=self.path, help=help)
            with suppress(OSError):  # a full disk: what follows will say so
                file.truncate(0)
                file.write(HERE)
                file.flush()
            try:
                yield
            finally:
                self.running.unlink(missing_ok=True)

    def at_work(self) -> bool | None:
        """Whether a process works in this folder that `held` it; None where that may be one of another machine."""
        try:
            with self.running.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return False if file.read() == HERE else None  # what is left of it was killed, if it was here
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        except OSError:
            return None

    def clear_leftovers(self) -> None:
        """Takes away unfinished files of a process that was killed while it wrote."""
        for path in self.path.rglob(".*.part"):
            path.unlink(missing_ok=True)

    def tidy(self) -> None:
        """Takes away what a finished run no longer needs: it may have been killed before it did so itself.

        Raises OSError when the system refuses.
        """
        Generations(self.states).clear()
        self.clear_leftovers()
        self.running.unlink(missing_ok=True)

    def facts_of_the_spec(self) -> dict[str, str]:
        """The SHA-256 of spec.retina, if whoever made the run put it there."""
        spec = self.path / "spec.retina"
        return {"spec_sha256": digest(spec, "spec")} if spec.is_file() else {}

    def write_symbols(self, name: str, whole: str, deploy: str) -> None:
        """Puts the network with its loss and the one without beside the program, if the program lies in the run."""
        program = self.path / "program"
        if program.is_dir():
            write_text(program / f"{name}-symbol.json", whole)
            write_text(program / f"{name}-deploy-symbol.json", deploy)

    def write_lock(self, facts: Mapping[str, Any]) -> None:
        """Adds `facts` to lock.json, beside what others have put there."""
        known = json.loads(self.lock.read_text()) if self.lock.exists() else {}
        write_json(self.lock, {**known, **facts})

    def write_test(self, figures: Mapping[str, Any]) -> None:
        write_json(self.path / "test.json", figures)

    def write_predictions(self, answers: Answers) -> None:
        """On the test side, at the best epoch."""
        write_text(self.path / "predictions.csv", answers.text())

    def write_validation(self, answers: Answers) -> None:
        """On the validation side, at the best epoch."""
        write_text(self.path / "validation.csv", answers.text())


def _locked(file: IO[bytes]) -> bool:
    """Locks a file, or else tells that another process has. That may be one that only looks (`at_work`), for a moment.

    On a file system that knows no locks, all is well.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        except OSError:
            return True
        else:
            return True


def new_run_folder(name: str, runs: Path) -> Path:
    """A folder of `runs` that does not exist yet, named after the experiment and the time."""
    stem = f"{name}-{datetime.now():%Y%m%d-%H%M%S}"
    candidates = [runs / stem, *(runs / f"{stem}-{number}" for number in range(2, 1000))]
    return next(path for path in candidates if not path.exists())

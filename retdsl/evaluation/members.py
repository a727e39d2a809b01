"""The runs that a folder stands for: itself, or the members of an ensemble.

Enters: a folder. Leaves: its record, those of its members, its metrics and its program. Guaranteed: a program is only
run if it is the one that ran, and can be run here.
"""

from __future__ import annotations

import ast
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from retdsl import __version__, runtime
from retdsl.evaluation.programs import program_of
from retdsl.finished import RunRecord, read_run
from retdsl.ir import Experiment, Program
from retdsl.objects import made
from retdsl.records import dataclass
from retdsl.running import run_program
from retdsl.runtime.answers import Answers
from retdsl.runtime.errors import RunError
from retdsl.runtime.metrics import Metric
from retdsl.weights.files import sha256_of


@dataclass(frozen=True, slots=True)
class Finished:
    """record: of the folder that was named; members: the runs that answer for it, itself if it is no ensemble."""

    record: RunRecord
    members: tuple[RunRecord, ...]

    @property
    def is_ensemble(self) -> bool:
        return "members" in self.record.lock

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Those of the experiment; of an ensemble those of all members, each once. Raises RunError."""
        calls = [call for member in self.members for call in experiment_of(member).training.metrics]
        return tuple(made(call) for call in dict.fromkeys(calls))

    @property
    def classes(self) -> tuple[str, ...]:
        return experiment_of(self.members[0]).data.classes


def read_finished(path: Path) -> Finished:
    """What a folder stands for. Raises RunError for one that holds no run, or an ensemble whose members are gone."""
    record = read_run(path)
    named = record.lock.get("members")
    if named is None:
        return Finished(record, (record,))
    if not isinstance(named, list) or not named or not all(isinstance(name, str) for name in named):
        raise RunError("lock.json is damaged: `members` is no list of folders", where=path / "lock.json")
    found, missing = [], []
    for name in named:
        places = (path / name, path.parent / name, Path(name))
        place = next((place for place in places if (place / "lock.json").is_file()), None)
        if place is None:
            missing.append(name)
        else:
            found.append(read_run(place))
    if missing:
        help = "an ensemble answers with all of its members: keep their folders beside it"
        raise RunError("members of this ensemble are gone", where=path, items=missing, help=help)
    return Finished(record, tuple(found))


def experiment_of(record: RunRecord) -> Experiment:
    """The checked experiment of a run. Raises RunError."""
    program = whole_program_of(record)
    return next((one for one in program.experiments if one.name == record.name), program.experiments[0])


def whole_program_of(record: RunRecord) -> Program:
    """program.json of a run, as the program that it was. Raises RunError."""
    where = record.path / "program" / "program.json"
    try:
        program = program_of(record.program)
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        made_by = record.lock.get("made_by", "another version of retdsl")
        help = f"it was made by {made_by}, this is retdsl {__version__}"
        raise RunError(f"program.json cannot be understood: {error}", where=where, help=help) from None
    if not program.experiments:
        raise RunError("program.json is damaged: it has no experiment", where=where)
    return program


def require_program(record: RunRecord) -> Path:
    """The program of a run, if it may be run. Raises RunError for one that is not what ran, or cannot run here."""
    train_py, then = record.train_py, record.lock.get("program_sha256")
    if then is not None and sha256_of(train_py) != then:
        help = "it was changed since; put it back, or train it as a run of its own"
        raise RunError("this is not the program that was run", where=train_py, help=help)
    made_by = str(record.lock.get("made_by") or "")
    if made_by == f"retdsl {__version__}" and not _unknown_names(train_py):
        return train_py
    unknown = _unknown_names(train_py)
    with tempfile.TemporaryFile() as said:
        code = 1 if unknown else run_program(train_py, "--help", answer=said, said=said)
        said.seek(0)
        words = said.read().decode(errors="replace").strip().splitlines()
    if code != 0:
        items = [f"`{name}` is not in this version" for name in unknown] or words[-1:]
        help = f"pip install {made_by.replace(' ', '==')}" if made_by else "install the version that has made it"
        what = f"the program of this run was made by {made_by or 'another version'}, and retdsl {__version__} cannot"
        raise RunError(f"{what} run it", where=train_py, items=items, help=help)
    return train_py


def mean_answers(answers: Sequence[Answers]) -> Answers:
    """What several networks say of the same photographs: the mean of their probabilities. Raises RunError."""
    first = answers[0]
    for other in answers[1:]:
        if (other.images, other.classes) != (first.images, first.classes):
            raise RunError("the members of this ensemble do not answer about the same photographs")
    mean = mean_of([each.probabilities for each in answers])
    return Answers(first.images, first.patients, first.classes, first.labels, mean)


def mean_of(probabilities: Sequence[Any]) -> Any:
    """float32 [n, C] of each member to their mean, summed in float64."""
    return np.mean(np.stack(probabilities).astype(np.float64), axis=0).astype(np.float32)


def _unknown_names(train_py: Path) -> list[str]:
    """What a program imports from the runtime and is not there. A program that is no Python has none."""
    try:
        tree = ast.parse(train_py.read_text("utf-8"))
    except (OSError, ValueError, SyntaxError):
        return []
    if (train_py.parent / "retdsl").is_dir():  # it brings its own runtime along
        return []
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "retdsl.runtime"]
    return [alias.name for node in imports for alias in node.names if not hasattr(runtime, alias.name)]


def operating_points(record: RunRecord) -> list[Mapping[str, Any]]:
    """The frozen thresholds in test.json; none of a run that has none."""
    found = (record.test or {}).get("operating_points", [])
    return [point for point in found if isinstance(point, dict) and isinstance(point.get("threshold"), float | int)]

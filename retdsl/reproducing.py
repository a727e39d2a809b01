"""Whether a run can be had again: what it was made of compared with what is here, and then the very program run anew.

Enters: a run folder. Leaves: an `Outcome`, whose first difference is the one to mend first: what is made of a thing
comes after it. Guaranteed: the run folder stays as it is, and a program that is not the one that ran is never run.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from retdsl import running
from retdsl.finished import read_epochs, read_json_lines, read_run
from retdsl.records import dataclass
from retdsl.runtime.differences import Difference, differences_of
from retdsl.runtime.engines import engine_of
from retdsl.runtime.errors import RunError
from retdsl.weights.files import sha256_of

TIMES = frozenset({"seconds", "images_per_second"})
"""What no two runs have alike."""

STEPS = "steps.jsonl"


@dataclass(frozen=True, slots=True)
class Outcome:
    """differences: in the order in which to mend them, none if all is as it was; ran: whether the program ran anew;
    compared: what was found to be the same, in words.
    """

    differences: tuple[Difference, ...]
    ran: bool
    compared: tuple[str, ...]


def reproduce(run: Path, root: Path | None = None, *, only_check: bool = False) -> Outcome:
    """Compares what a run was made of with what is here; if all is the same, runs its program again and compares.

    root: where the photographs are now, if not where they were. only_check: run nothing. Raises RunError for a folder
    that holds no run, for a record that cannot be read or says too little, and if the program fails.
    """
    record = read_record(run)
    train_py = read_run(run).train_py
    differences = [*_changed_files(record, run, train_py)]
    if not differences:  # else another program would say what there is
        place = root or Path(record["root"])
        threads = ["--threads", str(record["threads"])] if record["threads"] else []
        engine = engine_of(record)
        options = [*threads, *(["--engine", engine] if engine else [])]
        differences = [*differences_of(record, _facts(train_py, place, options))]
    if differences or only_check:
        count = f"{len(record['images'])} photographs"
        made_of = ("program", "versions", "threads", "device", "labels", count, "split", "weights")
        return Outcome(tuple(differences), False, () if differences else made_of)
    with tempfile.TemporaryDirectory(prefix="retdsl-reproduce-") as folder:
        again = Path(folder) / "run"
        code = running.run_program(train_py, "--run", str(again), "--root", str(place), *options)
        running.require_answer(code)
        compared: list[str] = []
        return Outcome(tuple(differences_of_runs(run, again, compared)), True, tuple(compared))


def read_record(run: Path) -> dict[str, Any]:
    """lock.json of a run. Raises RunError if there is none, or if it cannot be used."""
    path, record = run / "lock.json", read_run(run).lock
    needed = ("program_sha256", "versions", "threads", "device", "root", "split_sha256", "images", "weights")
    lacking = [key for key in needed if key not in record]
    if lacking == ["images"]:
        help = "train it once more; the new run can be reproduced"
        raise RunError("this run is older than the manifest of its photographs", where=path, help=help)
    if lacking or not _is_sound(record):
        what = f"it lacks {', '.join(lacking)}" if lacking else "its parts are not what they should be"
        raise RunError(f"lock.json is damaged: {what}", where=path)
    return dict(record)


def _is_sound(record: Mapping[str, Any]) -> bool:
    """Whether the parts of a record have the form that they are read in."""
    keys = ("image", "side", "label", "sha256")
    rows, threads = record["images"], record["threads"]
    return (
        isinstance(record["versions"], dict)
        and isinstance(record.get("checkpoints", {}), dict)
        and isinstance(record["root"], str)
        and (threads is None or (isinstance(threads, int) and threads > 0))
        and isinstance(rows, list)
        and all(isinstance(row, dict) and all(isinstance(row.get(key), str) for key in keys) for row in rows)
    )


def differences_of_runs(run: Path, again: Path, same: list[str]) -> Iterator[Difference]:
    """What the results of two runs differ in; what does not goes to `same`. Only what the first has is compared."""
    epochs = read_epochs(run)
    found = _first_epoch_that_differs(epochs, read_epochs(again))
    if found is not None:
        yield found
    same += [] if found else [f"{counted(len(epochs), 'epoch')} of metrics.jsonl"]
    if (run / STEPS).is_file():
        lines = [read_json_lines(each / STEPS) if (each / STEPS).is_file() else [] for each in (run, again)]
        row = _first_unlike(*([dict(_figures(line)) for line in each] for each in lines))
        if row is not None:
            yield Difference("steps", f"{STEPS} differs, first in line {row}")
        same += [STEPS] if row is None else []
    for name in ("predictions", "validation"):
        file = run / f"{name}.csv"
        if file.is_file():
            row = _first_unlike(_rows(file), _rows(again / file.name))
            if row is not None:
                yield Difference(name, f"{file.name} differs, first in line {row}")
            same += [file.name] if row is None else []
    parameters = sorted((run / "checkpoints").glob("*.params"))
    for path in parameters:
        other = again / "checkpoints" / path.name
        hashes = sha256_of(path), sha256_of(other) if other.is_file() else None
        if hashes[0] != hashes[1]:
            yield Difference("parameters", f"the parameters {path.name} differ", *hashes)
            return
    same += [f"{counted(len(parameters), 'file')} of parameters"] if parameters else []


def _changed_files(record: Mapping[str, Any], run: Path, train_py: Path) -> Iterator[Difference]:
    """What of the run folder itself is not as it was."""
    spec = run / "spec.retina"
    if "spec_sha256" in record and (not spec.is_file() or sha256_of(spec) != record["spec_sha256"]):
        yield Difference("spec", f"{spec} is not the spec that was run")
    if sha256_of(train_py) != record["program_sha256"]:
        yield Difference("program", f"{train_py} is not the program that was run")
    for name, then in record.get("checkpoints", {}).items():
        path = run / "checkpoints" / name
        now = sha256_of(path) if path.is_file() else None
        if now != then:
            yield Difference("checkpoint", f"{path} is not what the run saved" if now else f"{path} is gone", then, now)


def _facts(train_py: Path, root: Path, options: Sequence[str]) -> dict[str, Any]:
    """What the program finds out about itself, its data and this machine."""
    with tempfile.TemporaryFile() as answer:
        code = running.run_program(train_py, "--facts", "--root", str(root), *options, answer=answer)
        answer.seek(0)
        found = answer.read()
    running.require_answer(code)
    return dict(json.loads(found))


def _first_epoch_that_differs(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> Difference | None:
    for at, line in enumerate(old):
        epoch = line.get("epoch", at + 1)
        if at >= len(new):
            return Difference("metrics", f"epoch {epoch} is missing")
        for key, value in _figures(line):
            other = dict(_figures(new[at])).get(key)
            if value != other:
                return Difference("metrics", f"epoch {epoch}: {key} is {other}, it was {value}", str(value), str(other))
    return None


def _first_unlike(old: Sequence[object], new: Sequence[object]) -> int | None:
    """The number of the first line, from 1, that is not the same in both."""
    return next((at for at, (one, other) in enumerate(zip_longest(old, new), 1) if one != other), None)


def _figures(line: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    """Everything in a line of metrics.jsonl or steps.jsonl but the times: `valid auc`, 0.93."""
    for key, value in line.items():
        if isinstance(value, Mapping):
            yield from _figures(value, f"{within}{key} ")
        elif key not in TIMES:
            yield f"{within}{key}", value


def counted(n: int, thing: str) -> str:
    """`1 epoch`, `2 epochs`."""
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"


def _rows(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines() if path.is_file() else []

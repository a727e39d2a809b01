"""Whether what is here is still the run that was interrupted, so that going on means going on exactly.

Enters: a run folder, and facts of today. Leaves: the record of the run, or a `RunError` that says all that differs.
Guaranteed: nothing in the folder changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from retdsl.runtime.differences import Difference, differences_of, differences_of_the_machine
from retdsl.runtime.errors import RunError
from retdsl.runtime.experiment import Experiment
from retdsl.runtime.facts import digest
from retdsl.runtime.files import read_json_object
from retdsl.runtime.run_folder import RunFolder

NO_RUN = "name a folder that `retdsl train` has made, as in `runs/NAME-DATE-TIME`"


def read_record(folder: RunFolder) -> dict[str, Any]:
    """lock.json of a run that is to go on; empty if it was interrupted before it had one. Raises RunError for a folder
    that holds no run.
    """
    if not folder.path.is_dir():
        raise RunError("there is no such run", where=folder.path, help=NO_RUN)
    if not folder.lock.is_file():
        begun = folder.running.exists() or (folder.path / "program" / "train.py").is_file()
        if folder.checkpoints.exists() or not begun:
            raise RunError("this folder holds no run: it has no lock.json", where=folder.path, help=NO_RUN)
        return {}
    record = read_json_object(folder.lock)
    if not isinstance(record.get("experiment"), str):
        raise RunError("lock.json is damaged", where=folder.lock)
    return record


def threads_of(record: Mapping[str, Any]) -> int | None:
    """How many threads the run computes with; None if it does not say."""
    threads = record.get("threads")
    return threads if isinstance(threads, int) and threads > 0 else None


def root_of(record: Mapping[str, Any]) -> Path | None:
    """Where its photographs were; None if it does not say."""
    return Path(record["root"]) if isinstance(record.get("root"), str) else None


def require_same_program(record: Mapping[str, Any], experiment: Experiment, folder: RunFolder) -> None:
    """Raises RunError if the program or the spec of the run are not those that were begun."""
    if record and record["experiment"] != experiment.name:
        raise RunError(f"this is a run of `{record['experiment']}`, not of `{experiment.name}`", where=folder.path)
    _require([*_changed_files(record, experiment, folder)], folder)


def require_same_machine(
    record: Mapping[str, Any], now: Mapping[str, Any], folder: RunFolder, *, inexact: bool
) -> list[str]:
    """What differs in versions, threads and the device, which only an exact run minds; unless `inexact`, RunError."""
    if "versions" not in record:
        return []
    found = [*differences_of_the_machine(record, now)]
    if not inexact:
        how = "or go on all the same with --inexact: the end will then differ in its last digits, or more"
        _require(found, folder, how)
    return [difference.message for difference in found]


def require_same_data(record: Mapping[str, Any], now: Mapping[str, Any], folder: RunFolder) -> None:
    """Raises RunError if photographs, labels, the split or weights are not those that were trained on."""
    if "images" not in record:
        return
    machine = {found.subject for found in differences_of_the_machine(record, now)}
    try:
        found = [found for found in differences_of(record, now) if found.subject not in machine]
    except (KeyError, TypeError, AttributeError):
        raise RunError("lock.json is damaged: its parts are not what they should be", where=folder.lock) from None
    _require(found, folder)


def require_states(folder: RunFolder) -> None:
    """Raises RunError if states that the run must have saved are gone: beginning anew would cost what is there."""
    if folder.can_go_on or not folder.metrics.is_file():
        return
    # After the first epoch that is saved comes its state; of a run that was killed in between there is one such line.
    if folder.metrics.read_text("utf-8", "replace").count('"saved": "') > 1:
        raise RunError(
            "the states that this run could go on from are gone",
            where=folder.states,
            help="train it anew, into another folder; what it has saved stays as it is",
        )


def _changed_files(record: Mapping[str, Any], experiment: Experiment, folder: RunFolder) -> Iterator[Difference]:
    program = None if experiment.program is None else Path(experiment.program)
    help = "`retdsl train` of the changed spec begins a run of its own"
    begun_with = record.get("program_sha256")
    if begun_with is not None and program is not None and digest(program, "program") != begun_with:
        yield Difference("program", f"{program} is not the program that was run", help=help)
    if "spec_sha256" in record and folder.facts_of_the_spec().get("spec_sha256") != record["spec_sha256"]:
        yield Difference("spec", "spec.retina is not the spec that was run", help=help)


def _require(found: Iterable[Difference], folder: RunFolder, how: str | None = None) -> None:
    """Raises RunError that tells all the differences."""
    differences = list(found)
    if differences:
        helps = dict.fromkeys(found.help for found in differences if found.help)
        raise RunError(
            "the run cannot go on exactly: not everything is as it was",
            where=folder.path,
            items=[found.message for found in differences],
            help=[*helps, *([how] if how else [])],
        )

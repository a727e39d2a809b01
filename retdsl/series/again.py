"""Whether a folder can be had again: that of a run, of a series with all of its runs, of an ensemble with its members.

Enters: a folder. Leaves: an `Outcome`, as of a single run; a difference says whose it is. Guaranteed: nothing in the
folders changes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from retdsl import reproducing
from retdsl.finished import RunRecord, read_run
from retdsl.records import replace
from retdsl.reproducing import Outcome, counted
from retdsl.runtime.differences import Difference
from retdsl.runtime.errors import RunError
from retdsl.series.ensembles import PREDICTIONS, TEST, VALIDATION, hashes_of, join
from retdsl.series.record import DONE, is_series, read_series


def reproduce(path: Path, root: Path | None = None, *, only_check: bool = False) -> Outcome:
    """As `reproducing.reproduce`, which it is for a run; of a series that is not finished, what is done is compared."""
    if is_series(path):
        series = read_series(path)
        runs = [path / member.folder for member in series.members if member.state == DONE]
        ensembles = [path / one.folder for one in series.ensembles if one.state == DONE]
        if not runs:
            raise RunError("no run of this series is done", where=path)
        return _all(runs, ensembles, root, only_check=only_check)
    record = read_run(path)
    if not record.is_ensemble:
        return reproducing.reproduce(path, root, only_check=only_check)
    return _all([member.path for member in record.members], [path], root, only_check=only_check)


def _all(runs: Sequence[Path], ensembles: Sequence[Path], root: Path | None, *, only_check: bool) -> Outcome:
    """Runs, then the ensembles that were made of them; what differs in a run stands before what was made of it."""
    differences: list[Difference] = []
    ran, compared = False, [counted(len(runs), "run")]
    for run in runs:
        outcome = reproducing.reproduce(run, root, only_check=only_check)
        ran = ran or outcome.ran
        differences += [replace(found, message=f"{run.name}: {found.message}") for found in outcome.differences]
        compared += [what for what in outcome.compared if what not in compared]
    for folder in ensembles:
        differences += _differences_of_ensemble(read_run(folder))
    compared += [counted(len(ensembles), "ensemble")] if ensembles else []
    return Outcome(tuple(differences), ran, () if differences else tuple(compared))


def _differences_of_ensemble(record: RunRecord) -> Iterator[Difference]:
    """The members' answers compared with those that were joined, then joined anew."""
    then = record.lock.get("answers_sha256") or {}
    changed = False
    for member in (one.path for one in record.members):
        now = hashes_of(member)
        for file in (PREDICTIONS, VALIDATION):
            old, new = then.get(member.name, {}).get(file), now.get(file)
            if old != new:
                changed = True
                text = f"{record.path.name}: {file} of its member {member.name} is not what was joined"
                yield Difference("member", text, old, new)
    if changed:
        return
    with tempfile.TemporaryDirectory(prefix="retdsl-reproduce-") as folder:
        join(record.name, [member.path for member in record.members], Path(folder))
        for file in (PREDICTIONS, VALIDATION, TEST):
            old_file, new_file = record.path / file, Path(folder) / file
            pair = [each.read_bytes() if each.is_file() else b"" for each in (old_file, new_file)]
            if pair[0] != pair[1]:
                yield Difference(file, f"{record.path.name}: {file} is not what its members give together")

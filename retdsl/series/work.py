"""The runs of a series, one after the other: `start_series`, `work`.

Enters: a spec and a plan, or the series that these once became. Leaves: a run folder for every member and every
ensemble. Guaranteed: all programs are compiled before the first one runs, and are the ones that run, whatever becomes
of the spec in the meantime; a run that fails leaves the others alone; wherever the work is stopped, by a signal or by
the loss of power, it can be gone on with, and what was done stays.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile

from retdsl import __version__, compiler, running
from retdsl.check.overrides import Override
from retdsl.compiler import Checked, Refused, Spec
from retdsl.ir import Experiment, Program, Trained
from retdsl.records import replace
from retdsl.runtime.errors import RunError
from retdsl.runtime.files import make_folder
from retdsl.runtime.run_folder import RunFolder, new_run_folder
from retdsl.series.ensembles import join
from retdsl.series.plan import Plan
from retdsl.series.record import DONE, FAILED, RUNNING, STOPPED, Joined, Member, Series, read_series, working_on

Say = Callable[[str], None]
Finished = Callable[[Path, running.Look | None], None]

OF_A_RUN = frozenset({"spec.retina", "program"})
"""What of a run's folder is there before it runs."""


def start_series(
    spec: Spec,
    checked: Checked,
    settings: Sequence[Override],
    chosen: Sequence[str],
    plan: Plan,
    runs: Path,
    options: Sequence[str],
    passes: Collection[str] | None = None,
) -> Series:
    """A new folder of `runs` with the program of every run of the plan, none of which has run yet.

    settings, chosen: what the command line says on top of the spec, and of which experiments; options: what every
    program is run with; passes: which every program is compiled with, None for all. Raises RunError for a folder that
    cannot be written.
    """
    study = Path(spec.source.name).stem
    path = make_folder(new_run_folder(study, runs))
    members = {trained: Member(folder_of(trained), trained) for trained in plan.members}
    ensembles = [
        Joined(ensemble.name, ensemble.name, tuple(members[one].folder for one in joined))
        for ensemble, joined in plan.ensembles
    ]
    facts = {
        "study": study,
        "spec": str(spec.source.path or spec.source.name),
        "root": str(spec.root),
        "made_by": f"retdsl {__version__}",
        "started": datetime.now().astimezone().isoformat(timespec="seconds"),
        "overrides": dict(setting.said for setting in settings),
        "options": list(options),
    }
    for trained, member in members.items():
        program, experiment = _as_trained(spec, checked, settings, chosen, trained)
        running.prepare(program, checked, experiment, path / member.folder, spec.root, passes)
    series = Series(path, facts, tuple(members.values()), tuple(ensembles))
    series.write()
    return series


def folder_of(trained: Trained) -> str:
    """The name of a run's folder within its series: `first-fold2-seed7`."""
    fold = "" if trained.fold is None else f"-fold{trained.fold}"
    return f"{trained.experiment}{fold}-seed{trained.seed}"


def _as_trained(
    spec: Spec, checked: Checked, settings: Sequence[Override], chosen: Sequence[str], trained: Trained
) -> tuple[Program, Experiment]:
    """An experiment with another fold and seed: what `--set NAME.fold=2 --set NAME.seed=8` makes of it."""
    program = checked.program
    assert program is not None, "a spec with errors is not run"
    [own] = compiler.select(program, [trained.experiment])
    wanted = {"fold": (trained.fold, own.fold), "seed": (trained.seed, own.training.seed)}
    pairs = [f"{own.name}.{key}={new}" for key, (new, was) in wanted.items() if new != was]
    if not pairs:
        return program, own
    more = compiler.overrides(pairs, checked.diagnostics)
    again = compiler.check(spec, [*settings, *more], chosen=chosen)
    if again.program is None:
        why = next(
            (message.message for message in again.diagnostics if message.severity == "error"), "it cannot be compiled"
        )
        raise Refused(f"{own.name} cannot be trained with {' and '.join(pairs)}: {why}")
    return again.program, compiler.select(again.program, [own.name])[0]


def work(series: Series, say: Say, more_options: Sequence[str] = (), finished: Finished | None = None) -> Series:
    """Makes the runs that are not done, then the ensembles whose members are; returns what the series has come to.

    say: takes a line for people before every run; more_options: for the programs, besides those of the series;
    finished: told the folder of every run that is done, and how to ask its program, and that of every ensemble. Raises
    RunError if another process works on it, and KeyboardInterrupt when it is stopped.
    """
    with working_on(series.path) as lock, NamedTemporaryFile(prefix="retdsl-") as told:
        among = ["--among", told.name]
        for at, member in enumerate(series.members, 1):
            if member.state == DONE:
                continue
            say(f"run {at} of {len(series.members)}: {member.title}")
            series = _keep(series, replace(member, state=RUNNING, error=None))
            done = partial(_done, series, member, finished)
            try:
                error = _run(series, member, [*series.options, *more_options, *among], lock, done)
            except KeyboardInterrupt:
                if read_series(series.path).member(member.folder).state != DONE:
                    _keep(series, replace(member, state=STOPPED, error=None))
                raise
            series = _keep(series, replace(member, state=DONE if error is None else FAILED, error=error))
        for ensemble in series.ensembles:
            ensemble = _joined(series, ensemble)
            series = _keep(series, ensemble)
            if ensemble.state == DONE:
                say(f"ensemble {ensemble.name}: the mean of {len(ensemble.members)} runs")
            if ensemble.state == DONE and finished is not None:
                finished(series.path / ensemble.folder, None)
    return series


def _done(series: Series, member: Member, finished: Finished | None, look: running.Look) -> None:
    """A member's program has trained: that stays, whatever becomes of the page of its run."""
    _keep(series, replace(member, state=DONE, error=None))
    if finished is not None:
        finished(series.path / member.folder, look)


def _keep(series: Series, changed: Member | Joined) -> Series:
    series = series.having(changed)
    series.write()
    return series


def _run(
    series: Series, member: Member, options: Sequence[str], lock: int, done: Callable[[running.Look], None]
) -> str | None:
    """Runs a member's program; why it failed, in a sentence. done: called when it has trained."""
    run = series.path / member.folder
    try:
        if RunFolder(run).can_go_on:
            code = running.resume(run, options, keeping=(lock,), then=done)
        else:
            _clear(run)
            arguments = ("--run", str(run), "--root", str(series.root), *options)
            code = running.run_program(run / "program" / "train.py", *arguments, keeping=(lock,), then=done)
    except RunError as error:
        return str(error)
    if code == running.INTERRUPTED:
        raise KeyboardInterrupt
    if code != 0:
        return "its spec or its data have errors" if code == running.WRONG else f"it ended with exit code {code}"
    return None


def _clear(run: Path) -> None:
    """Takes away what a run that did not come to its end has left: the same program comes to the same once more."""
    if not (run / "program" / "train.py").is_file():
        help = "start the series anew, or put the folder back"
        raise RunError("the program of this run is not in its folder", where=run, help=help)
    for left in run.iterdir():
        if left.name in OF_A_RUN:
            continue
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)
        else:
            left.unlink()


def _joined(series: Series, ensemble: Joined) -> Joined:
    """An ensemble, made of its members if all of them are done."""
    missing = [name for name in ensemble.members if series.member(name).state != DONE]
    if missing:
        return replace(ensemble, state=FAILED, error=f"not all of its members are done: {', '.join(missing)}")
    try:
        join(ensemble.name, [series.path / name for name in ensemble.members], series.path / ensemble.folder)
    except RunError as error:
        return replace(ensemble, state=FAILED, error=str(error))
    return replace(ensemble, state=DONE, error=None)

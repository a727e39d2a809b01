"""`retdsl train FILE`: compiles the experiments of a spec and runs exactly what was compiled, one run or a series.

`retdsl train --resume FOLDER` goes on with a run, or a series, that was interrupted, by the programs in its folder.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from retdsl import compiler, running
from retdsl.commands.report import expect_report, try_report
from retdsl.commands.spec import ENGINES, add_passes, add_root, add_set, checked_spec
from retdsl.commands.terminal import DONE, INTERRUPTED, WRONG, say
from retdsl.diagnostics import Diagnostics
from retdsl.ir import Program

if TYPE_CHECKING:
    from retdsl.series.plan import Plan

MOST_REPEATS = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("file", nargs="?", metavar="FILE", help="a .retina file, or the name of a study that ships")
    what.add_argument("--resume", type=Path, metavar="FOLDER", help="go on exactly where a run, or a series, stopped")
    parser.add_argument("--inexact", action="store_true", help="--resume: on another machine, too, but not bit by bit")
    add_root(parser)
    add_set(parser)
    parser.add_argument("--train", action="append", default=[], metavar="NAME", help="only this experiment or ensemble")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="train each N times, its seeds counting up")
    parser.add_argument("--folds", action="store_true", help="train each for every fold of its data in turn")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--runs", type=Path, default=Path("runs"), metavar="DIR", help="where run folders go")
    where.add_argument("--run", type=Path, metavar="DIR", help="the run folder, for a single run")
    parser.add_argument("--threads", type=int, metavar="N", help="processor threads (default: all)")
    parser.add_argument("--engine", choices=ENGINES, help="what computes what only predicts (default: auto)")
    parser.add_argument("--no-cache", action="store_true", help="prepare all photographs anew, and keep none")
    parser.add_argument("--plain", action="store_true", help="plain lines instead of a live progress bar")
    add_passes(parser)


def run(arguments: argparse.Namespace) -> int:
    if arguments.resume is not None:
        return _resume(arguments)
    if arguments.inexact:
        raise compiler.Refused("--inexact is for --resume: it lets a run go on where not everything is as it was")
    spec, program, checked = checked_spec(arguments)
    options = _options(arguments)
    passes = compiler.passes_named(arguments.passes)
    if not 1 <= arguments.repeat <= MOST_REPEATS:
        raise compiler.Refused(f"--repeat must be from 1 to {MOST_REPEATS}")
    from retdsl.runtime.run_folder import new_run_folder
    from retdsl.series.plan import plan

    wanted = plan(program, arguments.train, arguments.repeat, folds=arguments.folds)
    if wanted.is_single:
        [experiment] = compiler.select(program, [wanted.members[0].experiment])
        run = arguments.run or new_run_folder(experiment.name, arguments.runs)
        options += _plain(arguments)
        then = partial(try_report, run)
        return running.train(
            program, checked, experiment, run, spec.root, options, passes, then, meanwhile=expect_report
        )
    if arguments.run is not None:
        help = "name one experiment with --train, or give --runs DIR"
        raise compiler.Refused(f"--run is for a single run, and these are {len(wanted.members)}", help)
    from retdsl.series.work import start_series

    settings = compiler.overrides(arguments.set, Diagnostics())
    series = start_series(spec, checked, settings, arguments.train, wanted, arguments.runs, options, passes)
    say(f"{len(series.members)} runs in {series.path}")
    if not arguments.no_cache:
        _say_shared(program, wanted, passes)
    return _work(series.path, arguments)


def _say_shared(program: Program, wanted: Plan, passes: Collection[str]) -> None:
    """Which of the experiments that are trained now share their features: whoever comes later is quicker."""
    of = {member.experiment for member in wanted.members}
    for group in compiler.sharing(program, passes):
        names = [name for name in group if name in of]
        if len(names) > 1:
            say(f"{', '.join(names[:-1])} and {names[-1]} share what their frozen parts make of a photograph")


def _options(arguments: argparse.Namespace) -> list[str]:
    """What every program is given. Raises Refused."""
    if arguments.threads is not None and arguments.threads < 1:
        raise compiler.Refused("--threads must be 1 or more")
    options = [] if arguments.threads is None else ["--threads", str(arguments.threads)]
    options += [] if arguments.engine is None else ["--engine", arguments.engine]
    return [*options, *(["--no-cache"] if arguments.no_cache else [])]


def _resume(arguments: argparse.Namespace) -> int:
    """Goes on with a run or a series; it is what its folder says, so nothing about it can be asked for."""
    from retdsl.series.record import is_series

    folder: Path = arguments.resume
    given = [f"--{key}" for key in ("set", "train", "run", "folds", "passes") if getattr(arguments, key)]
    given += ["--repeat"] if arguments.repeat != 1 else []
    if is_series(folder):
        given += [f"--{key}" for key in ("root", "threads", "inexact") if getattr(arguments, key)]
    if given:
        help = "a changed experiment is a run of its own: retdsl train FILE"
        raise compiler.Refused(f"{given[0]} cannot be given with --resume: it goes on as it began", help)
    if is_series(folder):
        return _resume_series(folder, arguments)
    options = [*_options(arguments), *_plain(arguments), *(["--inexact"] if arguments.inexact else [])]
    options += [] if arguments.root is None else ["--root", str(arguments.root.resolve())]
    _say_if_edited(folder)
    return running.resume(folder, options, then=partial(try_report, folder), meanwhile=expect_report)


def _resume_series(folder: Path, arguments: argparse.Namespace) -> int:
    from retdsl.series.record import read_series

    series = read_series(folder)
    say(f"{len(series.left)} of {len(series.members)} runs are left in {series.path}")
    return _work(series.path, arguments)


def _say_if_edited(run: Path) -> None:
    """Whoever has changed the spec since may think that the run goes on with the change."""
    from retdsl.finished import read_run

    lock = run / "lock.json"
    if not lock.is_file() or not (run / "spec.retina").is_file():
        return
    spec = read_run(run).lock.get("spec")
    if not isinstance(spec, str) or not Path(spec).is_file():
        return
    found = compiler.read(spec, None, Diagnostics())
    now = None if found is None else compiler.joined_spec(compiler.check(found).sources)
    if now != (run / "spec.retina").read_text("utf-8"):
        say(f"{spec} is not what it was when the run began; the run goes on by the spec and the program in its folder")


def _work(path: Path, arguments: argparse.Namespace) -> int:
    """Makes what is left of a series, then says what it has come to."""
    from retdsl.commands.series import say_series
    from retdsl.series.record import read_series
    from retdsl.series.work import work

    expect_report()
    try:
        series = work(read_series(path), say, _plain(arguments), try_report)
    except KeyboardInterrupt:
        say_series(path)
        say(f"stopped; `retdsl train --resume {path}` goes on with the rest")
        return INTERRUPTED
    say_series(path)
    say(f"  series folder  {path}")
    failed = [*series.left, *(one for one in series.ensembles if one.error is not None)]
    return WRONG if failed else DONE


def _plain(arguments: argparse.Namespace) -> list[str]:
    return ["--plain"] if arguments.plain else []

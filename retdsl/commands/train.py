"""`retdsl train FILE`: compiles the experiments of a spec and runs exactly what was compiled.

`retdsl train --resume RUN` goes on with a run that was interrupted, by the program in its folder.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from retdsl import compiler, running
from retdsl.commands.spec import add_spec_arguments, checked_spec
from retdsl.commands.terminal import DONE, print_table, say
from retdsl.diagnostics import Diagnostics
from retdsl.finished import read_run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    add_spec_arguments(parser, optional=True)
    parser.add_argument("--resume", type=Path, metavar="RUN", help="go on exactly where this run stopped; without FILE")
    parser.add_argument("--inexact", action="store_true", help="--resume: on another machine, too, but not bit by bit")
    parser.add_argument("--train", action="append", default=[], metavar="NAME", help="only this experiment")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--runs", type=Path, default=Path("runs"), metavar="DIR", help="where run folders go")
    where.add_argument("--run", type=Path, metavar="DIR", help="the run folder, for a single experiment")
    parser.add_argument("--threads", type=int, metavar="N", help="processor threads (default: all)")
    parser.add_argument("--no-cache", action="store_true", help="prepare all photographs anew, and keep none")
    parser.add_argument("--plain", action="store_true", help="plain lines instead of a live progress bar")


def run(arguments: argparse.Namespace) -> int:
    if arguments.resume is not None:
        return _resume(arguments)
    if arguments.inexact:
        raise compiler.Refused("--inexact is for --resume: it lets a run go on where not everything is as it was")
    if arguments.file is None:
        raise compiler.Refused("which spec?", "name a file: retdsl train FILE, or a run: retdsl train --resume RUN")
    spec, program, checked = checked_spec(arguments)
    chosen = compiler.select(program, arguments.train)
    if arguments.run is not None and len(chosen) > 1:
        raise compiler.Refused("--run is for a single experiment", "name one with --train, or give --runs DIR")
    options = _options(arguments)
    from retdsl.runtime.run_folder import new_run_folder

    runs: dict[str, Path] = {}
    for experiment in chosen:
        run = arguments.run or new_run_folder(experiment.name, arguments.runs)
        code = running.train(program, checked, experiment, run, spec.root, options)
        if code != DONE:
            return code
        runs[experiment.name] = run
    if len(runs) > 1:
        print_table("on the test side", running.summary(runs))
    return DONE


def _options(arguments: argparse.Namespace) -> list[str]:
    """What is passed on to the program. Raises Refused."""
    if arguments.threads is not None and arguments.threads < 1:
        raise compiler.Refused("--threads must be 1 or more")
    options = [] if arguments.threads is None else ["--threads", str(arguments.threads)]
    options += ["--no-cache"] if arguments.no_cache else []
    options += ["--plain"] if arguments.plain else []
    return options


def _resume(arguments: argparse.Namespace) -> int:
    """Goes on with a run; it is what its folder says, so nothing about it can be asked for."""
    if arguments.file is not None or arguments.train or arguments.set or arguments.run is not None:
        what = "--resume takes a run as it was begun: no FILE, --train, --set or --run"
        raise compiler.Refused(what, "a changed experiment is a run of its own: retdsl train FILE")
    options = [*_options(arguments), *(["--inexact"] if arguments.inexact else [])]
    options += [] if arguments.root is None else ["--root", str(arguments.root.resolve())]
    _say_if_edited(arguments.resume)
    return running.resume(arguments.resume, options)


def _say_if_edited(run: Path) -> None:
    """Whoever has changed the spec since may think that the run goes on with the change."""
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

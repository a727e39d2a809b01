"""`retdsl train FILE`: compiles the experiments of a spec and runs exactly what was compiled."""

from __future__ import annotations

import argparse
from pathlib import Path

from retdsl import compiler, running
from retdsl.commands.report import try_report
from retdsl.commands.spec import add_spec_arguments, checked_spec
from retdsl.commands.terminal import DONE, print_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    add_spec_arguments(parser)
    parser.add_argument("--train", action="append", default=[], metavar="NAME", help="only this experiment")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--runs", type=Path, default=Path("runs"), metavar="DIR", help="where run folders go")
    where.add_argument("--run", type=Path, metavar="DIR", help="the run folder, for a single experiment")
    parser.add_argument("--threads", type=int, metavar="N", help="processor threads (default: all)")
    parser.add_argument("--no-cache", action="store_true", help="prepare all photographs anew, and keep none")
    parser.add_argument("--plain", action="store_true", help="plain lines instead of a live progress bar")


def run(arguments: argparse.Namespace) -> int:
    spec, program, checked = checked_spec(arguments)
    chosen = compiler.select(program, arguments.train)
    if arguments.run is not None and len(chosen) > 1:
        raise compiler.Refused("--run is for a single experiment", "name one with --train, or give --runs DIR")
    if arguments.threads is not None and arguments.threads < 1:
        raise compiler.Refused("--threads must be 1 or more")
    options = [] if arguments.threads is None else ["--threads", str(arguments.threads)]
    options += ["--no-cache"] if arguments.no_cache else []
    options += ["--plain"] if arguments.plain else []
    from retdsl.runtime.run_folder import new_run_folder

    runs: dict[str, Path] = {}
    for experiment in chosen:
        run = arguments.run or new_run_folder(experiment.name, arguments.runs)
        code = running.train(program, checked, experiment, run, spec.root, options)
        if code != DONE:
            return code
        try_report(run)
        runs[experiment.name] = run
    if len(runs) > 1:
        print_table("on the test side", running.summary(runs))
    return DONE

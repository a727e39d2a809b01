"""`retdsl launch FILE`: trains one experiment by several processes together, on this machine or on several."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from retdsl import compiler
from retdsl.commands.report import try_report
from retdsl.commands.spec import ENGINES, add_passes, add_root, add_set, checked_spec
from retdsl.commands.terminal import DONE, WRONG


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("file", nargs="?", metavar="FILE", help="a .retina file, or the name of a study that ships")
    what.add_argument("--resume", type=Path, metavar="RUN", help="go on exactly where a job stopped")
    parser.add_argument("-n", "--workers", type=int, metavar="N", help="workers (default: one a slot of the host file)")
    parser.add_argument("-s", "--servers", type=int, metavar="S", help="servers that add gradients up (default: 1)")
    parser.add_argument("--hosts", type=Path, metavar="HOSTFILE", help="machines to work on, by ssh, a line each")
    parser.add_argument("--address", metavar="ADDRESS", help="by which the machines reach this one")
    parser.add_argument("--port", type=int, default=0, metavar="P", help="to meet at (default: any that is free)")
    parser.add_argument("--inexact", action="store_true", help="--resume: on another machine, too, but not bit by bit")
    add_root(parser)
    add_set(parser)
    parser.add_argument("--train", metavar="NAME", help="this experiment, where the spec has several")
    parser.add_argument("--folds", action="store_true", help=argparse.SUPPRESS)  # of `train`: see `_require_one_run`
    parser.add_argument("--repeat", type=int, help=argparse.SUPPRESS)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--runs", type=Path, default=Path("runs"), metavar="DIR", help="where run folders go")
    where.add_argument("--run", type=Path, metavar="DIR", help="the run folder")
    parser.add_argument("--threads", type=int, metavar="N", help="processor threads of a worker (default: its share)")
    parser.add_argument("--engine", choices=ENGINES, help="what computes what only predicts (default: auto)")
    parser.add_argument("--no-cache", action="store_true", help="prepare all photographs anew, and keep none")
    parser.add_argument("--plain", action="store_true", help="plain lines instead of a live progress bar")
    add_passes(parser)


def run(arguments: argparse.Namespace) -> int:
    from retdsl.launching.work import MOST

    for option in ("workers", "servers"):
        number = getattr(arguments, option)
        if number is not None and not 1 <= number <= MOST:
            raise compiler.Refused(f"-{'n' if option == 'workers' else 's'} (--{option}) must be from 1 to {MOST}")
    if arguments.threads is not None and arguments.threads < 1:
        raise compiler.Refused("--threads must be 1 or more")
    if not 0 <= arguments.port < 2**16:
        raise compiler.Refused("--port must be from 0 to 65535")
    _require_one_run(arguments)
    if arguments.resume is not None:
        return _resume(arguments)
    if arguments.inexact:
        raise compiler.Refused("--inexact is for --resume: it lets a run go on where not everything is as it was")
    return _start(arguments)


def _require_one_run(arguments: argparse.Namespace) -> None:
    """Raises Refused for several runs: what `train` makes one after the other is here a job each."""
    from retdsl.series.record import is_series

    for option, one in (("folds", "fold=2"), ("repeat", "seed=2")):
        if getattr(arguments, option):
            help = f"launch a job for each, as with --set NAME.{one}, or take `retdsl train`: that makes all, alone"
            raise compiler.Refused(f"a job trains one run, and --{option} asks for several", help)
    if arguments.resume is not None and is_series(arguments.resume):
        help = f"it goes on with: retdsl train --resume {arguments.resume}"
        raise compiler.Refused(f"{arguments.resume} is a series of runs, and a job trains one run", help)


def _start(arguments: argparse.Namespace) -> int:
    from retdsl import running
    from retdsl.launching.work import planned, work
    from retdsl.runtime.dealing import require_rows_for_all
    from retdsl.runtime.run_folder import RunFolder, new_run_folder

    if arguments.workers is None and arguments.hosts is None:
        raise compiler.Refused("how many workers? -n says it, or --hosts names machines")
    spec, program, checked = checked_spec(arguments)
    passes = compiler.passes_named(arguments.passes)
    chosen = compiler.select(program, [arguments.train] if arguments.train else [])
    if len(chosen) != 1:
        names = ", ".join(experiment.name for experiment in chosen)
        raise compiler.Refused(f"a job trains one experiment, and the spec has {names}", "choose one with --train")
    [experiment] = chosen
    job = planned(arguments.workers, arguments.servers, arguments.hosts, arguments.address, arguments.port)
    require_rows_for_all(experiment.training.batch, len(job.workers))
    run = arguments.run or new_run_folder(experiment.name, arguments.runs)
    folder, new = RunFolder(run), not run.exists()
    folder.require_fresh()
    train_py = running.prepare(program, checked, experiment, run, spec.root, passes)
    code = WRONG
    try:
        code = work(job, train_py, run, ["--run", str(run), "--root", str(spec.root), *_options(arguments)])
    finally:
        if code == WRONG and new and not folder.checkpoints.exists():
            shutil.rmtree(run)
    return _ended(code, run)


def _resume(arguments: argparse.Namespace) -> int:
    from retdsl.launching.work import planned_again, program_of, work

    given = [f"--{key}" for key in ("set", "train", "run", "passes") if getattr(arguments, key)]
    if given:
        help = "a changed experiment is a run of its own: retdsl launch FILE"
        raise compiler.Refused(f"{given[0]} cannot be given with --resume: it goes on as it began", help)
    run: Path = arguments.resume
    train_py = program_of(run)
    job = planned_again(run, arguments.workers, arguments.servers, arguments.hosts, arguments.address, arguments.port)
    options = [*_options(arguments), *(["--inexact"] if arguments.inexact else [])]
    options += [] if arguments.root is None else ["--root", str(arguments.root.resolve())]
    return _ended(work(job, train_py, run, ["--resume", str(run), *options]), run)


def _ended(code: int, run: Path) -> int:
    if code == DONE:
        try_report(run)
    return code


def _options(arguments: argparse.Namespace) -> list[str]:
    """What every process is given."""
    threads = [] if arguments.threads is None else ["--threads", str(arguments.threads)]
    engine = [] if arguments.engine is None else ["--engine", arguments.engine]
    switches = [f"--{key}" for key in ("no-cache", "plain") if getattr(arguments, key.replace("-", "_"))]
    return [*threads, *engine, *switches]

"""The command line of a generated program: `python train.py --help`.

Enters: an `Experiment` and arguments. Leaves: a run folder, or what one of `modes` makes, and an exit code: 0 done, 1
the spec or the data have errors, 2 wrong usage, 70 a defect of ours, 130 interrupted. Guaranteed: no traceback on the
screen; that of a defect goes to a file that the message names.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import cv2

from retdsl.runtime import interruption
from retdsl.runtime.engines import ENGINES
from retdsl.runtime.errors import RunError
from retdsl.runtime.experiment import Experiment
from retdsl.runtime.files import CannotWrite
from retdsl.runtime.modes import DONE, MODES, asked_modes
from retdsl.runtime.out_of_memory import OutOfMemory, enough_memory
from retdsl.runtime.place import find_place
from retdsl.runtime.progress import make_progress
from retdsl.runtime.resuming import read_record, root_of, threads_of
from retdsl.runtime.run_folder import RunFolder, new_run_folder
from retdsl.runtime.workers import Workers

DEFECT, INTERRUPTED = 70, 130
"""Exit codes, besides those of `modes`."""


def main(experiment: Experiment, argv: Sequence[str] | None = None) -> NoReturn:
    """Runs the experiment as the command line asks, and leaves the process with an exit code."""
    interruption.listen()
    _leave(run_program(experiment, argv))


def run_program(experiment: Experiment, argv: Sequence[str] | None = None) -> int:
    """As `main`, but returns the exit code. Wrong usage raises SystemExit(2), as argparse does."""
    arguments = _parser(experiment).parse_args(argv)
    modes = asked_modes(arguments)
    folder = None
    workers = Workers()
    try:
        if not modes:
            folder = arguments.resume or arguments.run or new_run_folder(experiment.name, Path("runs"))
            if (place := find_place()) is not None:
                from retdsl.runtime import job

                if place.leads:
                    return job.lead_ranks(place, _as_started(argv, arguments, folder), RunFolder(folder))
                workers = job.take_place(place)
                folder = folder if workers.first else Path(tempfile.mkdtemp(prefix="retdsl-worker-"))
        record = None if arguments.resume is None else _told_record(workers, arguments.resume)
        arguments.threads = arguments.threads or threads_of(record or {}) or _usual_threads(workers.beside)
        _fix_threads(arguments.threads)
        root = root_of(record or {}) or experiment.data_root
        root = root if arguments.root is None else arguments.root.resolve()
        if folder is None:
            return max(mode.work(experiment, root, arguments) for mode in modes)
        with workers:
            code = _train(experiment, root, RunFolder(folder), record, arguments, workers)
        if code == DONE and arguments.then is not None:
            _show(experiment, root, folder, *arguments.then)
        return code
    except OutOfMemory as error:
        code = workers.fail(error.exit_code, f"error: {error}")
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # MXNet may crash while it is taken down
    except RunError as error:
        return workers.fail(error.exit_code, _told_once(f"error: {error}", arguments.among))
    except KeyboardInterrupt:
        return workers.fail(INTERRUPTED, "interrupted")
    except Exception as error:
        where = _write_defect(folder)
        what = f"error: a defect of retdsl: {type(error).__name__}: {error}"
        return workers.fail(DEFECT, f"{what}\n   = help: please report it with the traceback in {where}")


def _told_once(text: str, among: Path | None) -> str:
    """A message, or, where another run of the same series has said it already, that it is the same again.

    among: a file with what those runs have said, to which it is added; None for a run by itself.
    """
    if among is None:
        return text
    told = json.loads(among.read_text("utf-8") or "[]")
    if text in told:
        return f"{text.partition(chr(10))[0]}, as above"
    among.write_text(json.dumps([*told, text]), "utf-8")
    return text


def _as_started(argv: Sequence[str] | None, arguments: argparse.Namespace, folder: Path) -> list[str]:
    """The command that trains into this folder, as this process was asked to."""
    where = [] if arguments.resume or arguments.run else ["--run", str(folder)]
    return [sys.executable, sys.argv[0], *(sys.argv[1:] if argv is None else argv), *where]


def _told_record(workers: Workers, run: Path) -> Mapping[str, Any]:
    """The record of the run to go on with, which the first worker has."""
    record: Mapping[str, Any] = json.loads(workers.told(lambda: json.dumps(read_record(RunFolder(run))).encode()))
    return record


def _leave(code: int) -> NoReturn:
    """Ends the process; a thread that hangs, on a file that never comes, does not keep it."""
    if all(thread.daemon or thread is threading.main_thread() for thread in threading.enumerate()):
        sys.exit(code)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _train(
    experiment: Experiment,
    root: Path,
    folder: RunFolder,
    record: Mapping[str, Any] | None,
    arguments: argparse.Namespace,
    workers: Workers,
) -> int:
    """Begins a run, or goes on with the one of that record."""
    if record is None:
        folder.start()
    elif folder.finished:
        with suppress(OSError):  # where it is kept for good, nothing can be taken away
            folder.tidy()
        print(f"{folder.path}: this run is finished; nothing is done", file=sys.stderr)
        return DONE
    # Imported late: this is what loads MXNet.
    from retdsl.runtime.run import Run

    with folder.held(), make_progress(plain=arguments.plain, silent=not workers.first) as progress:
        workers.on_end(lambda: progress.__exit__(None, None, None))
        folder.clear_leftovers()
        run = Run(
            experiment,
            root,
            folder,
            progress,
            arguments.threads,
            cached=arguments.cache,
            resumed=record,
            inexact=arguments.inexact,
            engine=arguments.engine,
            workers=workers,
        )
        try:
            with enough_memory("to train on", experiment.training.batch):
                run.execute()
        except KeyboardInterrupt:
            progress.note(f"interrupted: {run.saved()}")
            if folder.can_go_on and arguments.among is None:
                progress.note(folder.how_to_go_on())
            return workers.fail(INTERRUPTED, "")
        except OutOfMemory:
            progress.note(run.saved())
            raise
        except CannotWrite as error:
            if folder.can_go_on:
                error.help += (folder.how_to_go_on(),)
            raise
    return DONE


def _show(experiment: Experiment, root: Path, run: Path, asked: int, told: int) -> None:
    """Says that training is done, and makes heat maps as long as somebody asks for them: `retdsl train` does, for the
    page of the run, and so need not load MXNet once more.

    asked, told: open files; from one comes a JSON object a line, `{"images": FILE, "file": FILE}`, into the other goes
    a line for each, `made` or why it was not.
    """
    from retdsl.runtime.grad_cam import write_heat_maps

    with open(asked) as requests, open(told, "w") as answers:
        print("trained", file=answers, flush=True)
        for line in requests:
            wanted = json.loads(line)
            try:
                write_heat_maps(experiment, root, run, Path(wanted["images"]), None, Path(wanted["file"]))
            except Exception as error:  # the run is whole; who has asked can do so once more, of another process
                print(f"not made: {error!r}", file=answers, flush=True)
            else:
                print("made", file=answers, flush=True)


def _fix_threads(threads: int) -> None:
    """Sets how many threads MXNet computes with. Repeats are bit-identical only with the same number."""
    # MXNet reads this once, when it is loaded; there is no way to change it later, and the record should tell no lies.
    if "mxnet" not in sys.modules:
        os.environ["OMP_NUM_THREADS"] = str(threads)
    cv2.setNumThreads(1)  # our own threads work beside one another; OpenCV's would get in their way


def _parser(experiment: Experiment) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=f"Trains the experiment `{experiment.name}`.")
    usual = f"default: {_usual_threads()}, with --resume as many as the run had"
    add = parser.add_argument
    add("--root", type=Path, metavar="DIR", help=f"where relative data paths start (default: {experiment.data_root})")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--run", type=Path, metavar="DIR", help="the run folder (default: runs/NAME-YYYYMMDD-HHMMSS)")
    where.add_argument("--resume", type=Path, metavar="RUN", help="go on exactly where this run stopped")
    add("--inexact", action="store_true", help="--resume: on another machine, too, though not to the last bit")
    add("--threads", type=_positive, metavar="N", help=f"processor threads ({usual})")
    add("--engine", choices=ENGINES, help="what computes what only predicts (default: onnxruntime where it can)")
    add("--plain", action="store_true", help="plain lines instead of a live progress bar")
    add("--no-cache", dest="cache", action="store_false", help="prepare all photographs anew, and keep none")
    for mode in MODES:
        takes: dict[str, Any] = {"type": Path, "metavar": mode.metavar} if mode.metavar else {"action": "store_true"}
        add(mode.option, help=mode.help, **takes)
    add("--then", type=_two_files, help=argparse.SUPPRESS)  # for `retdsl train`: see `_show`
    add("--among", type=Path, help=argparse.SUPPRESS)  # for a series, which says how it goes on: see `_told_once`
    add("--format", choices=("text", "json"), default="text", help="how --check-data answers")
    add("--no-network", dest="network", action="store_false", help="--survey: without the network's features")
    add("--images", type=Path, metavar="FILE", help="--heat-maps: of these photographs, as JSON")
    add("--layer", metavar="NAME", help="--heat-maps: at this layer (default: the last with more than one pixel)")
    add("--seconds", type=float, default=3.0, metavar="S", help="--bench: for each stage (default: 3)")
    add("--synthetic", action="store_true", help="--bench: on painted photographs, not on the study's")
    return parser


def _usual_threads(beside: int = 1) -> int:
    """What OMP_NUM_THREADS says if it is a number, else one for every processor that this process may use.

    beside: how many processes of a job share the machine's processors, where none has got some for itself.
    """
    said = os.environ.get("OMP_NUM_THREADS", "")
    if said.isdecimal() and int(said) > 0:
        return int(said)
    everything = os.cpu_count() or 1
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else everything
    return own if own < everything else max(1, own // beside)


def _two_files(text: str) -> tuple[int, int]:
    one, other = map(int, text.split(","))
    return one, other


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not positive")
    return number


def _write_defect(folder: Path | None) -> Path:
    """Puts the traceback into the run folder, or among temporary files where there is none."""
    text = traceback.format_exc()
    for place in (folder, Path(tempfile.gettempdir())):
        if place is not None and place.is_dir():
            path = place / "defect.txt"
            try:
                path.write_text(text)
            except OSError:
                continue
            return path
    sys.stderr.write(text)
    return Path("the lines above")

"""The command line of a generated program: `python train.py --help`.

Enters: an `Experiment` and arguments. Leaves: a run folder, or the symbols alone, and an exit code: 0 done, 1 the spec
or the data have errors, 2 wrong usage, 70 a defect of ours, 130 interrupted. Guaranteed: no traceback on the screen;
that of a defect goes to a file that the message names.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import cv2

from retdsl.runtime.class_weights import class_weights, effective_number, inverse_frequency
from retdsl.runtime.data_check import examine
from retdsl.runtime.dataset import say_divided
from retdsl.runtime.errors import RunError
from retdsl.runtime.experiment import Experiment
from retdsl.runtime.files import CannotWrite, make_folder, write_text
from retdsl.runtime.generations import Generations
from retdsl.runtime.progress import make_progress
from retdsl.runtime.reading import as_used
from retdsl.runtime.resuming import read_record, root_of, threads_of
from retdsl.runtime.run_folder import RunFolder, new_run_folder

DONE, WRONG, DEFECT, INTERRUPTED = 0, 1, 70, 130


def main(experiment: Experiment, argv: Sequence[str] | None = None) -> NoReturn:
    """Runs the experiment as the command line asks, and leaves the process with an exit code."""
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, _interrupt)
    _leave(run_program(experiment, argv))


def run_program(experiment: Experiment, argv: Sequence[str] | None = None) -> int:
    """As `main`, but returns the exit code. Wrong usage raises SystemExit(2), as argparse does."""
    arguments = _parser(experiment).parse_args(argv)
    asked = (arguments.symbols, arguments.check_data, arguments.facts, arguments.survey)
    trains = not any((*asked, arguments.evaluate, arguments.predict, arguments.heat_maps))
    folder = None
    if trains:
        folder = arguments.resume or arguments.run or new_run_folder(experiment.name, Path("runs"))
    try:
        record = None if arguments.resume is None else read_record(RunFolder(arguments.resume))
        arguments.threads = arguments.threads or threads_of(record or {}) or _usual_threads()
        _fix_threads(arguments.threads)
        root = root_of(record or {}) or experiment.data_root
        root = root if arguments.root is None else arguments.root.resolve()
        code = DONE
        if arguments.check_data:
            code = check_data(experiment, root, arguments.threads, arguments.plain, arguments.format, arguments.cache)
        if arguments.facts:
            print_facts(experiment, root, arguments.threads)
        if arguments.survey:
            write_survey(experiment, root, arguments.survey, arguments.threads, arguments.plain, arguments.network)
        if arguments.evaluate:
            evaluate(experiment, root, arguments.evaluate, arguments.threads, arguments.plain, arguments.cache)
        if arguments.predict:
            predict(experiment, root, arguments.predict, arguments.threads, arguments.plain)
        if arguments.heat_maps:
            write_heat_maps(experiment, root, arguments)
        if arguments.symbols:
            write_symbols(experiment, root, make_folder(arguments.symbols), arguments.threads)
        if folder is None:
            return code
        return _run(experiment, root, RunFolder(folder), record, arguments)
    except RunError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        where = _write_defect(folder)
        print(f"error: a defect of retdsl: {type(error).__name__}: {error}", file=sys.stderr)
        print(f"   = help: please report it with the traceback in {where}", file=sys.stderr)
        return DEFECT


def _interrupt(*_: object) -> NoReturn:
    """Ctrl-C, or the end that a batch system announces, once: what comes after must not disturb the leaving."""
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, lambda *_: None)
    raise KeyboardInterrupt


def _leave(code: int) -> NoReturn:
    """Ends the process; a thread that hangs, on a file that never comes, does not keep it."""
    if all(thread.daemon or thread is threading.main_thread() for thread in threading.enumerate()):
        sys.exit(code)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def write_symbols(experiment: Experiment, root: Path, folder: Path, threads: int = 2) -> None:
    """Writes NAME-deploy-symbol.json and NAME-symbol.json into `folder`.

    The labels are read only when the class weights depend on them. Raises RunError when they cannot be; the deploy
    symbol is written all the same.
    """
    network, data = experiment.network, experiment.data
    write_text(folder / f"{experiment.name}-deploy-symbol.json", network.deploy_symbol().tojson())
    counts: Sequence[int] = ()
    soft = experiment.soft
    if isinstance(network.loss.weights, inverse_frequency | effective_number):
        dataset = as_used(data.open(root), threads)
        counts, soft = dataset.class_counts(dataset.train), soft or dataset.soft
    weights = class_weights(network.loss.weights, counts, data.classes)
    write_text(folder / f"{experiment.name}-symbol.json", network.whole_symbol(weights, soft=soft).tojson())


def print_facts(experiment: Experiment, root: Path, threads: int) -> None:
    """Puts what lock.json would say now on stdout, as `manifest.facts_of_today` describes it."""
    # Imported late: this is what loads MXNet.
    from retdsl.runtime.manifest import facts_of_today

    print(json.dumps(facts_of_today(experiment, root, threads)))


def check_data(experiment: Experiment, root: Path, threads: int, plain: bool, form: str, cached: bool) -> int:
    """Reads all labels and every photograph, and says all that is wrong; returns the exit code.

    form: "text" says it to people, "json" puts it on stdout as one object, which `Findings.to_json` describes.
    """
    with make_progress(plain=plain) as progress:
        findings = examine(
            experiment.data,
            root,
            threads,
            divided=lambda dataset: say_divided(experiment.name, dataset, progress.note),
            progress=progress.reading,
            cached=cached,
        )
        for note in findings.leaks.notes():
            progress.note(note)
    if form == "json":
        print(json.dumps(findings.to_json()))
    else:
        for severity, found in (("error", findings.errors), ("warning", findings.warnings)):
            for problem in found:
                print(f"{severity}: {problem}", file=sys.stderr)
    return WRONG if findings.errors else DONE


def write_survey(experiment: Experiment, root: Path, file: Path, threads: int, plain: bool, network: bool) -> None:
    """Looks at every photograph, for an audit. network: whether the frozen part of the network describes them, too."""
    from retdsl.runtime.survey import survey

    describe = None
    if network:
        # Imported late: this is what loads MXNet.
        from retdsl.runtime.features import FrozenFeatures

        describe = FrozenFeatures(experiment, root)
    with make_progress(plain=plain) as progress:
        survey(experiment.data, root, threads, describe, progress=progress.reading).save(file)


def evaluate(experiment: Experiment, root: Path, request: Path, threads: int, plain: bool, cached: bool) -> None:
    """Answers labelled photographs, as `evaluation.answer_labelled` does."""
    # Imported late: this is what loads MXNet.
    from retdsl.runtime.evaluation import answer_labelled
    from retdsl.runtime.requests import read_evaluation_request

    with make_progress(plain=plain) as progress:
        answer_labelled(experiment, root, read_evaluation_request(request), progress, threads, cached=cached)


def predict(experiment: Experiment, root: Path, request: Path, threads: int, plain: bool) -> None:
    """Answers photographs without labels, as `prediction.answer_unlabelled` does."""
    # Imported late: this is what loads MXNet.
    from retdsl.runtime.prediction import answer_unlabelled
    from retdsl.runtime.requests import read_prediction_request

    with make_progress(plain=plain) as progress:
        answer_unlabelled(experiment, root, read_prediction_request(request), progress, threads)


def write_heat_maps(experiment: Experiment, root: Path, arguments: argparse.Namespace) -> None:
    """Where the best checkpoint of `--run` sees its answers in the photographs that the file `--images` names."""
    if arguments.run is None or arguments.images is None:
        raise RunError("--heat-maps needs --run and --images")
    # Imported late: this is what loads MXNet.
    from retdsl.runtime import grad_cam

    grad_cam.write_heat_maps(experiment, root, arguments.run, arguments.images, arguments.layer, arguments.heat_maps)


def _run(
    experiment: Experiment,
    root: Path,
    folder: RunFolder,
    record: Mapping[str, Any] | None,
    arguments: argparse.Namespace,
) -> int:
    """Begins a run, or goes on with the one of that record."""
    if record is None:
        folder.start()
    elif folder.finished:
        Generations(folder.states).clear()  # it may have been killed just before
        print(f"{folder.path}: this run is finished; nothing is done", file=sys.stderr)
        return DONE
    # Imported late: this is what loads MXNet.
    from retdsl.runtime.run import Run

    with folder.held(), make_progress(plain=arguments.plain) as progress:
        folder.clear_leftovers()
        options = {"cached": arguments.cache, "resumed": record, "inexact": arguments.inexact}
        run = Run(experiment, root, folder, progress, arguments.threads, **options)
        try:
            run.execute()
        except KeyboardInterrupt:
            progress.note(f"interrupted: {run.saved()}")
            if folder.can_go_on:
                progress.note(folder.how_to_go_on())
            return INTERRUPTED
        except CannotWrite as error:
            if folder.can_go_on:
                error.help += (folder.how_to_go_on(),)
            raise
    return DONE


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
    add("--plain", action="store_true", help="plain lines instead of a live progress bar")
    add("--no-cache", dest="cache", action="store_false", help="prepare all photographs anew, and keep none")
    add("--check-data", action="store_true", help="only read all labels and photographs")
    add("--facts", action="store_true", help="only say, as JSON, what a run would be made of")
    add("--format", choices=("text", "json"), default="text", help="how --check-data answers")
    add("--symbols", type=Path, metavar="DIR", help="only write the symbols as JSON into DIR")
    add("--survey", type=Path, metavar="FILE", help="only look at every photograph, and write what an audit needs")
    add("--evaluate", type=Path, metavar="FILE", help="only answer the labelled photographs that this request names")
    add("--predict", type=Path, metavar="FILE", help="only answer the photographs that this request names")
    add("--no-network", dest="network", action="store_false", help="--survey: without the network's features")
    add("--heat-maps", type=Path, metavar="FILE", help="only write where the network of --run sees its answers")
    add("--images", type=Path, metavar="FILE", help="--heat-maps: of these photographs, as JSON")
    add("--layer", metavar="NAME", help="--heat-maps: at this layer (default: the last with more than one pixel)")
    return parser


def _usual_threads() -> int:
    """What OMP_NUM_THREADS says if it is a number, else one for every processor that this process may use."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    if said.isdecimal() and int(said) > 0:
        return int(said)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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

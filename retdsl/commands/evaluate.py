"""`retdsl evaluate RUN`: the figures of a finished run, on its test photographs or on other labelled ones."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from retdsl.commands.spec import ENGINES
from retdsl.commands.terminal import DONE, say, say_wrapped
from retdsl.compiler import Refused

if TYPE_CHECKING:
    from retdsl.evaluation.evaluating import Evaluation


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("run", type=Path, metavar="RUN", help="a run folder, or that of an ensemble")
    add_checkpoint(parser)
    parser.add_argument(
        "--labels", type=Path, metavar="WHAT", help="other photographs: a table, or a folder with one folder a class"
    )
    parser.add_argument("--root", type=Path, metavar="DIR", help="where paths start (default: as in the run, or WHAT)")
    for column in ("image", "label", "patient"):
        help = f"the column of --labels with the {column} (default: as in the run)"
        parser.add_argument(f"--{column}", metavar="COLUMN", help=help)
    parser.add_argument(
        "--allow-known", action="store_true", help="go on where the run has learned from some of the photographs"
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write every answer as predictions.csv")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    add_program_options(parser)


def add_checkpoint(parser: argparse.ArgumentParser) -> None:
    """Which epoch answers."""
    help = "best (the usual), last, or the number of an epoch"
    parser.add_argument("--checkpoint", default="best", metavar="WHICH", help=help)


def add_program_options(parser: argparse.ArgumentParser) -> None:
    """What is handed on to the run's program."""
    parser.add_argument("--threads", type=int, metavar="N", help="processor threads (default: as in the run)")
    parser.add_argument("--engine", choices=ENGINES, help="what computes the answers (default: as in the run)")
    parser.add_argument("--plain", action="store_true", help="plain lines instead of a live progress bar")


def program_options(arguments: argparse.Namespace, threads: object) -> list[str]:
    """The same as the program takes it. threads: those of the run, with which its answers are the same bit by bit."""
    if not re.fullmatch(r"best|last|\d+", arguments.checkpoint):
        raise Refused(
            f"--checkpoint {arguments.checkpoint}: no checkpoint", "`best`, `last`, or the number of an epoch"
        )
    if arguments.threads is not None and arguments.threads < 1:
        raise Refused("--threads must be 1 or more")
    number = arguments.threads or (threads if isinstance(threads, int) and threads > 0 else None)
    engine = ["--engine", arguments.engine] if arguments.engine else []
    return [*(["--threads", str(number)] if number else []), *engine, *(["--plain"] if arguments.plain else [])]


def run(arguments: argparse.Namespace) -> int:
    if arguments.labels is None and (arguments.image or arguments.label or arguments.patient):
        raise Refused("--image, --label and --patient name columns of --labels", "give --labels, or leave them out")
    from retdsl.evaluation.asking import remarks
    from retdsl.evaluation.evaluating import Wanted, evaluate
    from retdsl.evaluation.members import read_finished
    from retdsl.runtime.files import write_text

    finished = read_finished(arguments.run)
    options = program_options(arguments, finished.record.lock.get("threads"))
    wanted = Wanted(
        arguments.checkpoint,
        arguments.labels,
        arguments.root,
        arguments.image,
        arguments.label,
        arguments.patient,
        arguments.allow_known,
    )
    found = evaluate(finished, wanted, options)
    notes = [*remarks(finished, str(found.facts[0]["device"])), *_cautions(found, own=arguments.labels is None)]
    if arguments.output is not None:
        write_text(arguments.output, found.answers.text())
    if arguments.format == "json":
        print(json.dumps(_plain(found, arguments, notes), indent=1, ensure_ascii=False))
    else:
        from shutil import get_terminal_size

        from retdsl.evaluation.words import evaluation_lines

        print("\n".join(evaluation_lines(found, arguments.labels, get_terminal_size().columns)))
    for note in notes:
        say_wrapped(note)
    if arguments.output is not None:
        say(str(arguments.output))
    return DONE


def _cautions(found: Evaluation, *, own: bool) -> list[str]:
    """What whoever reads the figures must know, a line each."""
    from retdsl.runtime.mean_answers import caution_of

    lines = []
    if found.known:
        listed = "; ".join(found.known[:3]) + ("; ..." if len(found.known) > 3 else "")
        lines.append(f"warning: these figures are on what the run knows already ({len(found.known)}): {listed}")
    if not own and not all(one["known"]["patients_compared"] for one in found.facts):
        lines.append("warning: this run is older than the record of its patients: only its photographs were compared")
    if not own and not found.facts[0]["patients_named"]:
        lines.append("note: no column names the patients, so every photograph counts as a patient of its own")
    if caution := caution_of(found.finished.record.test or {}):
        lines.append(f"note: {caution}")
    lines += [f"warning: {line}" for one in found.facts[:1] for line in one["changed"]]
    skipped = found.facts[0]["skipped"]["count"]
    lines += [f"warning: photographs that cannot be read are left out: {skipped}"] if skipped else []
    empty = [name for name, count in found.facts[0]["class_counts"].items() if not count]
    lines += [f"warning: no photograph is {', '.join(empty)}: figures that need one mean nothing"] if empty else []
    return lines


def _plain(found: Evaluation, arguments: argparse.Namespace, notes: list[str]) -> dict[str, object]:
    """The answer for programs."""
    from retdsl.runtime.files import finite

    answers, (facts, *_) = found.answers, found.facts
    single = len(found.epochs) == 1
    return {
        "run": str(arguments.run),
        "experiment": found.finished.record.name,
        **({"epoch": found.epochs[0]} if single else {"epochs": list(found.epochs)}),
        "of": "test" if arguments.labels is None else str(arguments.labels),
        "images": len(answers),
        "patients": len(set(answers.patients)),
        "class_counts": facts["class_counts"],
        "figures": finite(dict(found.figures)),
        "same_as_test_json": found.same,
        "apart_from_predictions_csv": found.apart,
        "differences": list(found.differences),
        "known": found.known,
        "skipped": facts["skipped"],
        "notes": notes,
    }

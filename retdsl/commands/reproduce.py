"""`retdsl reproduce RUN`: whether a run can be had again, bit by bit, and if not, what differs first."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from retdsl import reproducing
from retdsl.commands.spec import add_root
from retdsl.commands.terminal import DONE, say_wrapped
from retdsl.ir import to_json

DIFFERENT = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("run", type=Path, metavar="RUN", help="the folder of a run, a series or an ensemble")
    parser.add_argument("--check", action="store_true", help="compare what the run was made of, and train nothing")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """0: identical; 1: something differs, or the folder holds no run that could be compared."""
    root = None if arguments.root is None else arguments.root.resolve()
    from retdsl.series.again import reproduce

    outcome = reproduce(arguments.run, root, only_check=arguments.check)
    if arguments.format == "json":
        print(json.dumps({"identical": not outcome.differences, **to_json(outcome)}, indent=1, ensure_ascii=False))
    else:
        say_wrapped(in_words(outcome, arguments.run))
    return DIFFERENT if outcome.differences else DONE


def in_words(outcome: reproducing.Outcome, run: Path) -> str:
    """The first difference, and what else differs; or what is the same."""
    if not outcome.differences:
        head = "identical" if outcome.ran else "made of the same"
        return f"{run}: {head}: {', '.join(outcome.compared)}"
    first, *others = outcome.differences
    lines = [f"{run}: {first.message}"]
    lines += [f"   = help: {first.help}"] if first.help else []
    lines += [f"   - then also: {other.message}" for other in others]
    return "\n".join(lines)

"""`retdsl compare RUN RUN...`: finished runs side by side, on the same test patients."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from retdsl.commands.terminal import DONE
from retdsl.compiler import Refused


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="run folders, or those of ensembles")
    parser.add_argument("--metric", action="append", default=[], metavar="NAME", help="only this figure")
    parser.add_argument("--all-pairs", action="store_true", help="each run with each other, not only with the first")
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace) -> int:
    if len(arguments.runs) < 2:
        raise Refused("one run alone", "name another one: `retdsl compare RUN RUN`; `evaluate` tells of one")
    from retdsl.evaluation.comparing import compare
    from retdsl.evaluation.comparison_words import comparison_json, comparison_lines

    found = compare(arguments.runs, arguments.metric, all_pairs=arguments.all_pairs)
    if arguments.format == "json":
        print(json.dumps(comparison_json(found), indent=1, ensure_ascii=False))
    else:
        from shutil import get_terminal_size

        print("\n".join(comparison_lines(found, get_terminal_size().columns)))
    return DONE

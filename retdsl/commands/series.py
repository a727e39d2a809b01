"""`retdsl series SERIES`: how far several runs have come, and the mean and spread of what they have reached."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from retdsl.commands.terminal import DONE, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("series", type=Path, metavar="SERIES", help="a folder of several runs, finished or not")
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace) -> int:
    from retdsl.series.figures import as_json, lines, summaries
    from retdsl.series.record import read_series

    series = read_series(arguments.series)
    found = summaries(series)
    if arguments.format == "json":
        print(json.dumps(as_json(series, found), indent=1, ensure_ascii=False))
    else:
        print("\n".join(lines(series, found)))
    return DONE


def say_series(path: Path) -> None:
    """Says the table to people, at the end of the work on a series."""
    from retdsl.series.figures import lines, summaries
    from retdsl.series.record import read_series

    series = read_series(path)
    say("")
    for line in lines(series, summaries(series)):
        say(line)

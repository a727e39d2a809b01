"""`retdsl viz FILE`: the picture of a network, or of an experiment and its network."""

from __future__ import annotations

import argparse
from pathlib import Path

from retdsl import compiler
from retdsl.commands.spec import add_spec_arguments, checked_spec
from retdsl.commands.terminal import DONE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    add_spec_arguments(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--model", metavar="NAME", help="draw this model")
    which.add_argument("--train", metavar="NAME", help="draw this experiment and its network (default: the first)")
    parser.add_argument("-o", "--output", type=Path, metavar="OUT", help="a .svg, .png, .pdf, .dot or .html file")
    parser.add_argument("--expand", action="store_true", help="every layer of every block")


def run(arguments: argparse.Namespace) -> int:
    _, program, _ = checked_spec(arguments)
    for path in compiler.draw_pictures(program, arguments.model, arguments.train, arguments.output, arguments.expand):
        print(path)
    return DONE

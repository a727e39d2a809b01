"""`retdsl compile FILE -o DIR`: the training programs of a spec."""

from __future__ import annotations

import argparse
from pathlib import Path

from retdsl import compiler, running
from retdsl.commands.spec import add_spec_arguments, checked_spec
from retdsl.commands.terminal import DONE, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    add_spec_arguments(parser)
    parser.add_argument("--train", action="append", default=[], metavar="NAME", help="only this experiment")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="writes DIR/NAME/")
    parser.add_argument("--standalone", action="store_true", help="add what is needed where retdsl is not installed")


def run(arguments: argparse.Namespace) -> int:
    spec, program, _ = checked_spec(arguments)
    code = DONE
    for experiment in compiler.select(program, arguments.train):
        folder = arguments.output / experiment.name
        root = None if arguments.standalone else spec.root
        pinned = compiler.pin_weights(experiment, spec.root)
        program_file = compiler.compile_experiment(program, pinned, folder, root)
        running.remove_standalone(folder)
        if arguments.standalone:
            running.make_standalone(pinned, folder, spec.root)
        code = max(code, running.write_symbols(program_file, spec.root))
        say(f"{folder}: {', '.join(sorted(path.name for path in folder.iterdir() if path.name[0] not in '._'))}")
    return code

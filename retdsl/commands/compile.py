"""`retdsl compile FILE -o DIR`: the training programs of a spec; with `--explain`, what the passes do to them."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence
from pathlib import Path

from retdsl import compiler, running
from retdsl.commands.passes_told import explain
from retdsl.commands.spec import add_passes, add_spec_arguments, checked_spec
from retdsl.commands.terminal import DONE, say
from retdsl.ir import Experiment, Program


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    add_spec_arguments(parser)
    parser.add_argument("--train", action="append", default=[], metavar="NAME", help="only this experiment")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="writes DIR/NAME/")
    parser.add_argument("--standalone", action="store_true", help="add what is needed where retdsl is not installed")
    add_passes(parser)
    help = "what every pass over the program does, and what that brings; without -o nothing is written"
    parser.add_argument("--explain", action="store_true", help=help)


def run(arguments: argparse.Namespace) -> int:
    if arguments.output is None and not arguments.explain:
        raise compiler.Refused("-o DIR says where the programs go", "or give --explain to see what the passes do")
    passes = compiler.passes_named(arguments.passes)
    spec, program, _ = checked_spec(arguments)
    chosen = compiler.select(program, arguments.train)
    if arguments.explain:
        explain(program, chosen, passes)
    return DONE if arguments.output is None else _write(arguments, spec, program, chosen, passes)


def _write(
    arguments: argparse.Namespace,
    spec: compiler.Spec,
    program: Program,
    chosen: Sequence[Experiment],
    passes: Collection[str],
) -> int:
    """Writes the programs; returns the exit code."""
    code = DONE
    for experiment in chosen:
        folder = arguments.output / experiment.name
        root = None if arguments.standalone else spec.root
        pinned = compiler.pin_weights(experiment, spec.root)
        program_file = compiler.compile_experiment(program, pinned, folder, root, passes)
        running.remove_standalone(folder)
        if arguments.standalone:
            running.make_standalone(pinned, folder, spec.root)
        code = max(code, running.write_symbols(program_file, spec.root))
        say(f"{folder}: {', '.join(sorted(path.name for path in folder.iterdir() if path.name[0] not in '._'))}")
    return code

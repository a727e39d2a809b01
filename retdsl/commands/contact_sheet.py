"""`retdsl viz SPEC --data [NAME]`: some photographs of every class, before and after each step."""

from __future__ import annotations

import argparse
from pathlib import Path

from retdsl import compiler
from retdsl.commands.spec import checked_spec
from retdsl.compiler import Refused
from retdsl.ir import DataPlan, Experiment, Program


def add_sheet_arguments(parser: argparse.ArgumentParser) -> None:
    """What is about photographs among the arguments of `viz`."""
    about = "a contact sheet of this data block (default: the experiment's, or the first); with --train, augmented too"
    parser.add_argument("--data", nargs="?", const="", metavar="NAME", help=about)
    parser.add_argument("--each", type=int, default=4, metavar="N", help="photographs of every class (default: 4)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="another one shows other photographs")


def draw_sheet(arguments: argparse.Namespace) -> Path:
    """Draws the contact sheet that the command asks for; returns its file. Raises Refused and RunError."""
    from retdsl.sheet import SUFFIXES, RenderError, look, write

    if arguments.each < 1:
        raise Refused("--each must be 1 or more")
    if arguments.output is not None and arguments.output.suffix.lower() not in SUFFIXES:
        raise Refused(
            f"no contact sheet can be written as `{arguments.output.name}`",
            f"its name must end in {' or '.join(SUFFIXES)}",
        )
    spec, program, _ = checked_spec(arguments)
    plan, experiment = _asked_for(program, arguments.data, arguments.train)
    path: Path = arguments.output or Path(f"{plan.name}.html")
    try:
        write(look(plan, spec.root, experiment, arguments.each, arguments.seed), path)
    except RenderError as error:
        raise Refused(error.message, error.help) from None
    return path


def _asked_for(program: Program, data: str, train: str | None) -> tuple[DataPlan, Experiment | None]:
    """The data block of that name, and the experiment whose augmentation is to be seen. Raises Refused."""
    experiment = None if train is None else compiler.select(program, [train])[0]
    if experiment is not None:
        if data and data != experiment.data.name:
            raise Refused(f"`{train}` learns from `{experiment.data.name}`, not from `{data}`", "leave one of both out")
        return experiment.data, experiment
    return compiler.select_data(program.data, data), None

"""`retdsl export RUN`: the network of a finished run as a file of ONNX, compared with MXNet before it is written."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from retdsl.commands.evaluate import add_checkpoint, add_program_options, program_options
from retdsl.commands.terminal import DONE, say, say_wrapped
from retdsl.compiler import Refused

if TYPE_CHECKING:
    from retdsl.ir import Experiment


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("run", type=Path, metavar="RUN", help="a run folder")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="the file to write (default: EXPERIMENT.onnx)"
    )
    add_checkpoint(parser)
    help = "the file takes prepared photographs, uint8 [N, H, W, C], and normalizes them itself"
    parser.add_argument("--with-normalization", action="store_true", help=help)
    parser.add_argument("--force", action="store_true", help="write over a file that is there")
    parser.add_argument("--root", type=Path, metavar="DIR", help="where the run's photographs are now")
    add_program_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from retdsl.evaluation.asking import remarks
    from retdsl.evaluation.members import read_finished
    from retdsl.exporting import export

    finished = read_finished(arguments.run)
    options = program_options(arguments, finished.record.lock.get("threads"))
    output = arguments.output or Path(f"{finished.record.name}.onnx")
    if output.is_dir():
        raise Refused(f"{output} is a folder", "name a file with -o")
    if output.exists() and not arguments.force:
        raise Refused(f"{output} is there already", "--force writes over it, or -o names another file")
    if not output.parent.is_dir():
        raise Refused(f"there is no folder {output.parent}", "make it, or choose another file with -o")
    found = export(
        finished,
        output,
        arguments.checkpoint,
        arguments.root,
        options,
        with_normalization=arguments.with_normalization,
    )
    facts = found.facts
    difference, photographs = f"{facts['difference']:.1e}", f"{facts['photographs']} photographs of the run"
    megabytes = found.path.stat().st_size / 1e6
    say(f"  network  {finished.record.name}, epoch {facts['epoch']}")
    say(f"  takes    {_taken(finished.record.experiment, with_normalization=arguments.with_normalization)}")
    say_wrapped(f"  gives    a probability for each of {', '.join(finished.classes)}")
    say_wrapped(f"  as MXNet to {difference} on {photographs}, by {facts['engine']}")
    say(f"  file     {found.path}, {megabytes:.1f} MB")
    for caution in [*found.cautions, *remarks(finished)]:
        say_wrapped(f"note: {caution}")
    return DONE


def _taken(experiment: Experiment, *, with_normalization: bool) -> str:
    """What the one input is: `float32 [N, 3, 224, 224], normalized`."""
    from retdsl.exporting import input_of

    taken = input_of(experiment, with_normalization=with_normalization)
    (height, width), channels = taken["size"], len(taken["channels"])
    if with_normalization:
        return f"{taken['type']} [N, {height}, {width}, {channels}], prepared photographs as they are"
    return f"{taken['type']} [N, {channels}, {height}, {width}], prepared photographs, normalized"

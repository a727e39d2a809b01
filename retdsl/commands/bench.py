"""`retdsl bench FILE`: what training spends its time with, device against device, and what the machine would allow."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from retdsl import compiler
from retdsl.commands.spec import add_passes, add_spec_arguments, checked_spec
from retdsl.commands.terminal import DONE, colour_wanted, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    add_spec_arguments(parser)
    parser.add_argument("--train", metavar="NAME", help="the experiment (default: the first)")
    parser.add_argument("--seconds", type=float, default=3.0, metavar="S", help="for each stage (default: 3)")
    parser.add_argument("--threads", type=int, metavar="N", help="only with N processor threads (default: 1, 2, 4 ...)")
    parser.add_argument("--engine", metavar="NAME", help="what computes what only predicts: mxnet or onnxruntime")
    add_passes(parser)
    parser.add_argument("--synthetic", action="store_true", help="on painted photographs, where others are not at hand")
    parser.add_argument("--no-cache", action="store_true", help="prepare photographs anew, and keep none")
    parser.add_argument("-o", "--output", type=Path, metavar="OUT.svg|.png", help="draw the devices side by side")
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace) -> int:
    from retdsl.speed import SUFFIXES, Asked, lines, measure, write_picture

    output: Path | None = arguments.output
    if output is not None and output.suffix.lower() not in SUFFIXES:
        raise compiler.Refused(f"no picture can be written as `{output.name}`", f"end it in {' or '.join(SUFFIXES)}")
    if not 0 < arguments.seconds < 3600:
        raise compiler.Refused("--seconds must be more than 0, and less than an hour")
    if arguments.threads is not None and arguments.threads < 1:
        raise compiler.Refused("--threads must be 1 or more")
    if arguments.engine not in (None, "auto", "mxnet", "onnxruntime"):
        raise compiler.Refused(f"there is no engine `{arguments.engine}`", "there are mxnet and onnxruntime")
    passes = compiler.passes_named(arguments.passes)
    spec, program, _ = checked_spec(arguments)
    experiment = compiler.select(program, [arguments.train] if arguments.train else [])[0]
    pinned = compiler.pin_weights(experiment, spec.root)
    options = ["--no-cache"] if arguments.no_cache else []
    options += ["--engine", arguments.engine] if arguments.engine else []
    asked = Asked(arguments.seconds, arguments.threads, arguments.synthetic, passes, options)
    speeds = measure(program, pinned, spec.root, asked, lambda place: say(f"measuring on {place} ..."))
    if output is not None:
        write_picture(speeds, output)
    if arguments.format == "json":
        print(json.dumps([speed.to_json() for speed in speeds], indent=1))
    else:
        from rich.console import Console

        console = Console(stderr=True, no_color=not colour_wanted(), highlight=False, soft_wrap=True)
        console.print()
        for line in lines(speeds):
            console.print(line)
        console.print()
    if output is not None:
        say(str(output))
    return DONE

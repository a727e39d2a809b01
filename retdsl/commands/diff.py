"""`retdsl diff A B`: what differs in meaning, not in text, between two specs, or between two experiments."""

from __future__ import annotations

import argparse
import json
import sys

from retdsl import compiler
from retdsl.commands.spec import add_root, complete
from retdsl.commands.terminal import DONE, USAGE, colour_wanted, say_diagnostics
from retdsl.compiler import Refused
from retdsl.diagnostics import Diagnostics
from retdsl.diagnostics.measure import printable
from retdsl.diagnostics.render import paint
from retdsl.ir import Program, to_json
from retdsl.runtime.errors import RunError

DIFFERENT = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="two specs, or one with two --train")
    parser.add_argument(
        "--train", action="append", default=[], metavar="NAME", help="only this experiment; given twice, the second's"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """0: the same program; 1: they differ; 2: they cannot be compared, as a spec has errors, or so the command."""
    from retdsl.compare import compare
    from retdsl.compare.words import rows

    files, trains = arguments.files, arguments.train
    if len(files) > 2 or len(trains) > 2:
        raise Refused("`diff` compares two specs, or two experiments", "as in `retdsl diff A.retina B.retina`")
    if len(files) == 1 and len(trains) < 2:
        raise Refused("one spec alone", "name another one, or two experiments of it: `--train ONE --train OTHER`")
    a = _program(files[0], arguments)
    b = a if len(files) == 1 else _program(files[1], arguments)
    for program, name in zip((a, b), (trains[:1], trains[-1:]), strict=True):
        if name:
            compiler.select(program, name)
    if not any((a.experiments, b.experiments, a.networks, b.networks, a.data, b.data)):
        raise Refused("neither file declares an experiment, a model or data", "blocks alone compute nothing")
    comparison = compare(a, b, [(trains[0], trains[-1])] if trains else ())
    if arguments.format == "json":
        print(json.dumps({**to_json(comparison), "count": comparison.count}, indent=1, ensure_ascii=False))
    else:
        said = rows(comparison, _names(files, trains, a, b))
        safe = [[(printable(text), style) for text, style in row] for row in said]
        print(paint(safe, colour_wanted(sys.stdout)))
    return DONE if comparison.same else DIFFERENT


def _program(name: str, arguments: argparse.Namespace) -> Program:
    """The program of a spec; what is wrong with it is printed."""
    out = Diagnostics()
    spec = compiler.read(name, arguments.root, out)
    checked = None if spec is None else compiler.check(spec)
    messages = out if checked is None else checked.diagnostics
    if checked is None or messages.errors:
        say_diagnostics(messages)
        raise SystemExit(USAGE)
    try:
        return complete(checked)
    except RunError as error:
        raise Refused(str(error)) from None


def _names(files: list[str], trains: list[str], a: Program, b: Program) -> tuple[str, str]:
    """What the two sides are called: short, and never alike."""
    if len(files) == 1:
        return trains[0], f"{trains[1]} of {a.file}"
    names = (a.file, b.file) if a.file != b.file else (files[0], files[1])
    return (f"{trains[0]} of {names[0]}", f"{trains[-1]} of {names[1]}") if trains else names

"""The spec that a command works on: its arguments, and its checked program."""

from __future__ import annotations

import argparse
from pathlib import Path

from retdsl import compiler
from retdsl.commands.terminal import WRONG, say, say_diagnostics
from retdsl.diagnostics import Diagnostics
from retdsl.ir import Program
from retdsl.runtime.errors import RunError

ENGINES = ("auto", "mxnet", "onnxruntime")
"""What `--engine` takes; as `retdsl.runtime.engines` says it, which would load what no check needs."""


def add_spec_arguments(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    """The spec's file, which may be `optional`, where its data lie, and settings on top of it."""
    how_many = "?" if optional else None
    parser.add_argument("file", metavar="FILE", nargs=how_many, help="a .retina file, or a study that ships")
    add_root(parser)
    add_set(parser)


def add_set(parser: argparse.ArgumentParser) -> None:
    """Settings on top of the spec."""
    help = "override a key of the train blocks, or BLOCK.KEY of one block, in the language's syntax"
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help=help)


def add_root(parser: argparse.ArgumentParser) -> None:
    """Where relative data paths start."""
    parser.add_argument("--root", type=Path, metavar="DIR", help="where relative data paths start")


def add_passes(parser: argparse.ArgumentParser) -> None:
    """Which passes over the program decide how it is carried out."""
    help = "only these passes over the program, as `split,fold`, or `none`; without it all"
    parser.add_argument("--passes", metavar="NAMES", help=help)


def checked_spec(arguments: argparse.Namespace) -> tuple[compiler.Spec, Program, compiler.Checked]:
    """The program of the spec that the command names; prints what is wrong with it, and stops if that is an error."""
    out = Diagnostics()
    settings = compiler.overrides(arguments.set, out)
    spec = compiler.read(arguments.file, arguments.root, out)
    train = getattr(arguments, "train", None) or ()
    chosen = (train,) if isinstance(train, str) else train
    checked = compiler.check(spec, settings, chosen=chosen) if spec is not None and not out.errors else None
    messages = [*out, *(checked.diagnostics if checked else ())]
    if messages:
        say_diagnostics(messages)
        say("")
    if spec is None or checked is None or checked.diagnostics.errors:
        raise SystemExit(WRONG)
    return spec, complete(checked), checked


def complete(checked: compiler.Checked) -> Program:
    """The program of a spec without errors. Raises RunError where a checkpoint's files are not at hand."""
    if checked.program is None:
        missing = [d.message for d in checked.diagnostics if d.code == "R801"]
        raise RunError("nothing can be built without the files of a checkpoint", items=missing)
    return checked.program

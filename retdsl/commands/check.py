"""`retdsl check FILE...`: every error and warning at once; with `--data` also what labels and images say."""

from __future__ import annotations

import argparse
import json

from retdsl import compiler
from retdsl.commands.spec import add_root, complete
from retdsl.commands.terminal import DONE, WRONG, say, say_diagnostics
from retdsl.diagnostics import Diagnostics
from retdsl.diagnostics.json_form import to_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="a .retina file, or the name of a study that ships")
    parser.add_argument("--data", action="store_true", help="also read labels and images")
    parser.add_argument("--fix", action="store_true", help="write the fixes that are safe into the files")
    parser.add_argument("--diff", action="store_true", help="show what --fix would write, and write nothing")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    everything: list[Diagnostics] = []
    fixed: list[dict[str, object]] = []
    code = DONE
    for name in arguments.files:
        out = Diagnostics()
        spec = compiler.read(name, arguments.root, out)
        if spec is not None and (arguments.fix or arguments.diff):
            spec = _fix(name, spec, arguments, fixed)
        checked = None if spec is None else compiler.check(spec)
        everything.append(out if checked is None else checked.diagnostics)
        if everything[-1].errors:
            code = WRONG
        elif arguments.data and spec is not None and checked is not None:
            into = everything[-1] if arguments.format == "json" else None
            code = max(code, compiler.check_data(complete(checked), spec.root, into))
    messages = [message for diagnostics in everything for message in diagnostics]
    if arguments.format == "json":
        counts = {"errors": sum(d.errors for d in everything), "warnings": sum(d.warnings for d in everything)}
        done = {"fixed": fixed} if arguments.fix else {}
        print(json.dumps({"diagnostics": to_json(messages), **counts, **done}, indent=1, ensure_ascii=False))
    elif messages:
        say_diagnostics(messages)
    elif code == DONE:
        say(f"{', '.join(arguments.files)}: no errors")
    return code


def _fix(name: str, spec: compiler.Spec, arguments: argparse.Namespace, told: list[dict[str, object]]) -> compiler.Spec:
    """The spec with what is safe to fix fixed; as text it is said at once, for programs it is put into `told`."""
    from retdsl.commands.fix import applied_json, fixed_spec, say_fixed

    write = arguments.fix and not arguments.diff
    after, fixed = fixed_spec(name, spec, write=write)
    told += applied_json(fixed)
    if arguments.format == "text":
        say_fixed(name, fixed, wrote=write)
    return after

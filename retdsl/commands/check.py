"""`retdsl check FILE...`: every error and warning at once; with `--data` also what labels and images say."""

from __future__ import annotations

import argparse

from retdsl import compiler
from retdsl.commands.spec import add_root, complete
from retdsl.commands.terminal import DONE, WRONG, say, say_diagnostics
from retdsl.diagnostics import Diagnostics
from retdsl.ir import Program


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="a .retina file, or the name of a study that ships")
    parser.add_argument("--data", action="store_true", help="also read labels and images")
    parser.add_argument("-v", "--verbose", action="store_true", help="also what the spec says in full")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    everything: list[Diagnostics] = []
    programs: list[Program] = []
    code = DONE
    for name in arguments.files:
        out = Diagnostics()
        spec = compiler.read(name, arguments.root, out)
        checked = None if spec is None else compiler.check(spec)
        everything.append(out if checked is None else checked.diagnostics)
        programs += [checked.program] if arguments.verbose and checked is not None and checked.program else []
        if everything[-1].errors:
            code = WRONG
        elif arguments.data and spec is not None and checked is not None:
            from retdsl import running

            into = everything[-1] if arguments.format == "json" else None
            code = max(code, running.check_data(complete(checked), spec.root, into))
    messages = [message for diagnostics in everything for message in diagnostics]
    if arguments.format == "json":
        import json

        from retdsl.diagnostics.json_form import to_json

        counts = {"errors": sum(d.errors for d in everything), "warnings": sum(d.warnings for d in everything)}
        more = {}
        if arguments.verbose:
            from retdsl.commands.accounts import keys_json

            more = {"experiments": keys_json(programs)}
        print(json.dumps({"diagnostics": to_json(messages), **counts, **more}, indent=1, ensure_ascii=False))
        return code
    if messages:
        say_diagnostics(messages)
    elif code == DONE:
        say(f"{', '.join(arguments.files)}: no errors")
    if programs:
        from retdsl.commands.accounts import say_keys

        say_keys(programs)
    return code

"""The command line: which command is asked for, and what becomes of everything that can go wrong in it.

The commands stand in `retdsl.commands`, a module each. Exit codes: 0 done, 1 the spec or the data have errors, 2 wrong
usage, 70 a defect of retdsl, 130 interrupted. Text for people goes to stderr, data to stdout.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import NoReturn

from retdsl import __version__
from retdsl.commands.terminal import DEFECT, DONE, INTERRUPTED, USAGE, say, say_wrapped

COMMANDS = {
    "check": "every error and warning of a spec at once",
    "fmt": "rewrite specs in canonical layout",
    "compile": "write the training programs of a spec",
    "viz": "draw a network, or a network and its experiment",
    "diff": "what differs in meaning between two specs, or two experiments",
    "audit": "what may be wrong with photographs and labels: a table, and a page to look at",
    "train": "compile and run experiments, or go on with runs that were interrupted",
    "launch": "train by several processes together, on this machine or on several",
    "watch": "how runs come on, live: epochs, curves, time left",
    "bench": "how many images a second every stage of training takes, device against device",
    "series": "how far several runs have come: mean and spread of their figures",
    "report": "a run on one page that opens offline: report.html",
    "evaluate": "the figures of a finished run, once more or on other labelled photographs",
    "predict": "what a finished run says of photographs, and which cannot be graded",
    "export": "the network of a finished run as a file of ONNX",
    "compare": "finished runs on the same test photographs, and whether they can be told apart",
    "reproduce": "whether a run can be had again bit by bit, and what differs first",
    "verify-resume": "whether a short training that is killed at random goes on to the same end",
    "explain": "what the code of a message means, with examples",
    "layers": "what a network is made of, and all about one layer, loss, metric or policy",
    "weights": "keep weights files under names: import, fetch, list, verify, remove",
    "data": "pack photographs into one file that MXNet's iterators read",
    "cache": "prepared photographs and features that runs have kept: list, clear",
    "doctor": "what this machine can do, and what is missing",
}
"""Every command, in the order in which `--help` lists them; each is a module of `retdsl.commands`."""


def process() -> NoReturn:
    """`main`, for a process that does nothing else and ends with its exit code.

    Python looks for garbage whenever some hundred objects have been made, and takes everything apart at the end. What a
    command makes it needs to the end, and then nobody needs it: both would only cost time.
    """
    gc.set_threshold(100_000)
    code = main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:  # whoever read has read enough
        pass
    os._exit(code)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; no traceback reaches the screen."""
    try:
        arguments = _arguments(list(sys.argv[1:] if argv is None else argv))
        code: int = _module(arguments.command).run(arguments)
        return code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        say("interrupted")
        return INTERRUPTED
    except Exception as error:
        return _report(error)


def _arguments(given: list[str]) -> argparse.Namespace:
    """The arguments of the command that is asked for; the others are not even looked at."""
    name = given[0] if given else ""
    if name in COMMANDS:
        command = argparse.ArgumentParser(prog=f"retdsl {name}", description=f"{COMMANDS[name].capitalize()}.")
        _module(name).add_arguments(command)
        return command.parse_args(given[1:], argparse.Namespace(command=name))
    parser = argparse.ArgumentParser(prog="retdsl", description="A language for screening studies, compiled to MXNet.")
    parser.add_argument("--version", action="version", version=f"retdsl {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", dest="command", required=True)
    for name, help in COMMANDS.items():
        commands.add_parser(name, help=help)
    return parser.parse_args(given)


def _module(command: str) -> ModuleType:
    """Where a command stands: that of `verify-resume` is `verify_resume`."""
    return import_module(f"retdsl.commands.{command.replace('-', '_')}")


def _report(error: Exception) -> int:
    """Says what became of a command that could not go on; returns the exit code."""
    from retdsl.compiler import Refused
    from retdsl.runtime.errors import RunError

    match error:
        case Refused():
            say_wrapped(f"error: {error}" + (f"\n   = help: {error.help}" if error.help else ""))
            return USAGE
        case RunError():
            say_wrapped(f"error: {error}")
            return error.exit_code
        case _:
            return _report_defect(error)


def _report_defect(error: Exception) -> int:
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="retdsl-defect-", suffix=".txt", delete=False) as file:
        file.write("".join(traceback.format_exception(error)))
    say(f"error: a defect of retdsl: {type(error).__name__}: {error}")
    say(f"   = help: please report it with the traceback in {file.name}")
    return DEFECT

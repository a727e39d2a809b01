"""`retdsl fmt FILE...`: specs in canonical layout, in place; with `--check` or `--diff` only what would change."""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from difflib import unified_diff
from pathlib import Path

from retdsl import compiler
from retdsl.commands.terminal import DONE, WRONG, say, say_diagnostics
from retdsl.diagnostics import Diagnostic, Diagnostics
from retdsl.runtime.errors import RunError
from retdsl.runtime.files import rewrite

STDIN = "-"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="a .retina file, a folder of them, or - for stdin")
    parser.add_argument("--check", action="store_true", help="write nothing; name what would change, and leave with 1")
    parser.add_argument("--diff", action="store_true", help="write nothing; print what would change, and leave with 1")


def run(arguments: argparse.Namespace) -> int:
    missing = Diagnostics()
    paths: list[Path | None] = [*compiler.find_specs([name for name in arguments.files if name != STDIN], missing)]
    if STDIN in arguments.files:
        paths.append(None)
    messages = [*missing]
    outcomes = Counter(_format(path, arguments, messages) for path in paths)
    if messages:
        if outcomes["changed"]:
            say("")
        say_diagnostics(messages)
        say("")
    writes = not (arguments.check or arguments.diff)
    if outcomes and (paths != [None] or not writes):
        say(_summary(outcomes, writes))
    wrong = missing.errors or outcomes["wrong"] or (outcomes["changed"] and not writes)
    return WRONG if wrong else DONE


def _format(path: Path | None, arguments: argparse.Namespace, messages: list[Diagnostic]) -> str:
    """Formats a file, or standard input for None; whether it is `changed` or `unchanged`, or something is `wrong`."""
    name = "<stdin>" if path is None else str(path)
    out = Diagnostics()
    try:
        content = sys.stdin.buffer.read() if path is None else path.read_bytes()
        text = compiler.formatted(content, name, out)
        messages += out
        if text is None:
            return "wrong"
        if arguments.diff:
            _print(_diff(content, text, name))
        elif path is None and not arguments.check:
            _print(text)
        if text == content:
            return "unchanged"
        if arguments.check:
            say(f"would change {name}")
        elif path is not None and not arguments.diff:
            rewrite(path, text)
            say(f"formatted {name}")
    except RunError as error:
        say(f"error: {error}")
        return "wrong"
    return "changed"


def _summary(outcomes: Counter[str], writes: bool) -> str:
    """`1 file formatted, 4 unchanged, 1 with errors`."""
    words = {"changed": "formatted" if writes else "would change", "unchanged": "unchanged", "wrong": "with errors"}
    parts = [f"{outcomes[outcome]} {text}" for outcome, text in words.items() if outcomes[outcome]]
    first, _, rest = parts[0].partition(" ")
    return ", ".join([f"{first} file{'' if first == '1' else 's'} {rest}", *parts[1:]])


def _diff(before: bytes, after: bytes, name: str) -> bytes:
    """What would change, as a unified diff; line ends and a byte order mark show, too."""
    found = unified_diff(_lines(before), _lines(after), fromfile=name, tofile=name)
    ended = (line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in found)
    return "".join(ended).encode()


def _lines(content: bytes) -> list[str]:
    return re.findall(r"[^\n]*\n|[^\n]+", content.decode())


def _print(content: bytes) -> None:
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()

"""`retdsl explain [CODE...]`: what a code means, why it matters, and an example wrong and right."""

from __future__ import annotations

import argparse
import json
import shutil
import sys

from retdsl.commands.terminal import DONE, colour_wanted
from retdsl.compiler import Refused
from retdsl.diagnostics import CATALOGUE
from retdsl.diagnostics.explain_form import explain_rows, list_rows, to_json
from retdsl.diagnostics.explanations import find_codes
from retdsl.diagnostics.render import paint
from retdsl.diagnostics.suggest import did_you_mean

WIDEST = 80
"""Columns of prose; wider lines are hard to read."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("codes", nargs="*", metavar="CODE", help="a code or its name, as R302 or unknown-option")
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace) -> int:
    asked = list(dict.fromkeys(code for word in arguments.codes for code in _codes(word)))
    if arguments.format == "json":
        codes = [to_json(code, whole=bool(asked)) for code in asked or CATALOGUE]
        print(json.dumps({"codes": codes}, indent=1, ensure_ascii=False))
        return DONE
    width = min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns) if sys.stdout.isatty() else WIDEST
    parts = [explain_rows(code, width) for code in asked] or [list_rows(width)]
    print("\n\n\n".join(paint(rows, colour_wanted(sys.stdout)) for rows in parts))
    return DONE


def _codes(word: str) -> list[str]:
    found = find_codes(word)
    if not found:
        names = [name for item in CATALOGUE.values() for name in (item.code, item.name)]
        help = did_you_mean(word, names) or "`retdsl explain` lists them all"
        raise Refused(f"there is no code `{word}`", help)
    return found

"""`retdsl cache list|clear`: prepared photographs, and what was made of them, that runs have kept for later ones."""

from __future__ import annotations

import argparse
import json
from datetime import datetime
from typing import TYPE_CHECKING

from retdsl.commands.terminal import DONE, say

if TYPE_CHECKING:
    from retdsl.runtime.disk_cache import Listed

MEGABYTE = 2**20

WORDS = {"images": "photograph", "features": "feature", "fingerprints": "fingerprint"}
"""What each kind counts, one of them."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    actions = parser.add_subparsers(metavar="ACTION", dest="action", required=True)
    listing = actions.add_parser("list", help="what is cached, for which preparation, and when it was last used")
    listing.add_argument("--format", choices=("text", "json"), default="text")
    actions.add_parser("clear", help="take all of it away; photographs are then prepared, and features computed, anew")


def run(arguments: argparse.Namespace) -> int:
    return _clear() if arguments.action == "clear" else _list(arguments.format)


def _list(form: str) -> int:
    from retdsl.runtime.disk_cache import listed
    from retdsl.runtime.errors import RunError
    from retdsl.weights.store import user_folder

    try:
        chains = listed()
    except OSError as error:
        raise RunError(f"the cache cannot be read: {error.strerror}", where=user_folder()) from error
    if form == "json":
        print(json.dumps([chain._asdict() for chain in chains], indent=1, ensure_ascii=False))
        return DONE
    if not chains:
        say(f"nothing is cached in {user_folder()}")
    for chain in chains:
        print("\n".join(_told(chain)))
    if chains:
        say(f"{sum(chain.size for chain in chains) / MEGABYTE:,.1f} MiB in {user_folder()}")
    return DONE


def _told(chain: Listed) -> list[str]:
    """How many, how large and when last used; below, as wide as a terminal, how they were made."""
    from shutil import get_terminal_size
    from textwrap import wrap

    things = WORDS[chain.kind] + "s" * (chain.entries != 1)
    used = f"{datetime.fromtimestamp(chain.used):%Y-%m-%d %H:%M}"
    first, indent = chain.chain.partition("\n")[0], " " * 9
    made = wrap(first, get_terminal_size().columns, initial_indent=indent, subsequent_indent=indent + "  ")
    return [f"{chain.entries:8,} {things:<12} {chain.size / MEGABYTE:10,.1f} MiB  last used {used}", *made]


def _clear() -> int:
    from retdsl.runtime.disk_cache import clear, listed
    from retdsl.runtime.errors import RunError
    from retdsl.weights.store import user_folder

    try:
        size = sum(chain.size for chain in listed())
        clear()
    except OSError as error:
        raise RunError(f"the cache cannot be cleared: {error.strerror}", where=user_folder()) from error
    say(f"{size / MEGABYTE:,.1f} MiB freed in {user_folder()}")
    return DONE

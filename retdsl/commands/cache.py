"""`retdsl cache list|clear`: prepared photographs, and features of them, that runs have kept for later ones."""

from __future__ import annotations

import argparse
import json
from datetime import datetime

from retdsl.commands.terminal import DONE, say

MEGABYTE = 2**20

WORDS = {"images": "photographs", "features": "features   "}
"""What each kind counts, of one width."""


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
        used = f"{datetime.fromtimestamp(chain.used):%Y-%m-%d %H:%M}"
        first = chain.chain.partition("\n")[0]
        print(f"{chain.entries:8,} {WORDS[chain.kind]} {chain.size / MEGABYTE:10,.1f} MiB  used {used}  {first}")
    return DONE


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

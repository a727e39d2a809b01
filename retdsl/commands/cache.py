"""`retdsl cache list|clear`: prepared photographs that runs have kept for later ones."""

from __future__ import annotations

import argparse
import json
from datetime import datetime

from retdsl.commands.terminal import DONE, say

MEGABYTE = 2**20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    actions = parser.add_subparsers(metavar="ACTION", dest="action", required=True)
    listing = actions.add_parser("list", help="what is cached, for which preparation, and when it was last used")
    listing.add_argument("--format", choices=("text", "json"), default="text")
    actions.add_parser("clear", help="take all of it away; photographs are then prepared anew")


def run(arguments: argparse.Namespace) -> int:
    return _clear() if arguments.action == "clear" else _list(arguments.format)


def _list(form: str) -> int:
    from retdsl.runtime.errors import RunError
    from retdsl.runtime.image_cache import cache_folder, listed

    try:
        chains = listed()
    except OSError as error:
        raise RunError(f"the cache cannot be read: {error.strerror}", where=cache_folder()) from error
    if form == "json":
        print(json.dumps([chain._asdict() for chain in chains], indent=1, ensure_ascii=False))
        return DONE
    if not chains:
        say(f"nothing is cached in {cache_folder()}")
    for chain in chains:
        used = f"{datetime.fromtimestamp(chain.used):%Y-%m-%d %H:%M}"
        print(f"{chain.photographs:8,} photographs {chain.size / MEGABYTE:10,.1f} MiB  used {used}  {chain.chain}")
    return DONE


def _clear() -> int:
    from retdsl.runtime.errors import RunError
    from retdsl.runtime.image_cache import cache_folder, clear, listed

    try:
        size = sum(chain.size for chain in listed())
        clear()
    except OSError as error:
        raise RunError(f"the cache cannot be cleared: {error.strerror}", where=cache_folder()) from error
    say(f"{size / MEGABYTE:,.1f} MiB freed in {cache_folder()}")
    return DONE

"""`retdsl watch RUN...`: how runs come on, live, from the files that they write."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from retdsl.commands.terminal import DONE, say
from retdsl.runtime.errors import RunError
from retdsl.watching.lines import read_object
from retdsl.watching.state import FAILED, FINISHED, RunState, Watched
from retdsl.watching.words import epoch_words, last_words

if TYPE_CHECKING:
    from retdsl.watching.events import Board

OVER = (FINISHED, FAILED)
"""States that nothing comes after."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    add = parser.add_argument
    add("runs", nargs="+", type=Path, metavar="RUN", help="a run folder, also one that is not there yet, or a series")
    add("--once", action="store_true", help="say how things stand, and end")
    add("--plain", action="store_true", help="a line an epoch instead of a live screen")
    add("--every", type=_seconds, default=1.0, metavar="SECONDS", help="how often to look (default: 1)")
    add("--tensorboard", type=Path, metavar="DIR", help="also write events for TensorBoard, a folder for each run")


def run(arguments: argparse.Namespace) -> int:
    watched = [Watched(path) for path in _folders(arguments.runs)]
    if arguments.once and (missing := [each.path for each in watched if not each.path.is_dir()]):
        raise RunError("there is no such folder", where=missing[0], help="without --once, `watch` waits for it")
    board = None
    if arguments.tensorboard is not None:
        from retdsl.watching.events import Board

        board = Board(arguments.tensorboard)
    try:
        if arguments.plain or not _has_a_screen():
            _plainly(watched, arguments.every, board, once=arguments.once)
        else:
            _live(watched, arguments.every, board, once=arguments.once)
    finally:
        if board is not None:
            board.close()
    return DONE


def _has_a_screen() -> bool:
    """Whether there is a terminal that can be drawn on, and that has the characters of curves."""
    drawable = sys.stderr.encoding.lower().startswith("utf") and os.environ.get("TERM") != "dumb"
    return sys.stderr.isatty() and drawable


def _live(watched: Sequence[Watched], every: float, board: Board | None, *, once: bool) -> None:
    from rich.console import Console
    from rich.live import Live

    from retdsl.watching.screen import screen

    console = Console(stderr=True, highlight=False)
    runs = _look(watched, board)
    if not once and not _over(runs):
        with Live(console=console, auto_refresh=False, screen=True) as live:
            while not _over(runs):
                live.update(screen(runs, console.width, console.height), refresh=True)
                time.sleep(every)
                runs = _look(watched, board)
    # What remains on the terminal has all the rows it needs.
    console.print(screen(runs, console.width, max(console.height, 40)))


def _plainly(watched: Sequence[Watched], every: float, board: Board | None, *, once: bool) -> None:
    """A line for each epoch as it is finished, and then what became of each run."""
    said = [0] * len(watched)
    states: list[str | None] = [None] * len(watched)
    while True:
        runs = _look(watched, board)
        for at, found in enumerate(runs):
            before = f"{found.name}: " if len(runs) > 1 else ""
            said[at] = min(said[at], len(found.epochs))
            for line in found.epochs[said[at] :]:
                say(before + epoch_words(found, line))
            said[at] = len(found.epochs)
            if once or (states[at] != found.state and (found.state != "running" or states[at] is None)):
                say("\n".join(last_words(found)))
            states[at] = found.state
        if once or _over(runs):
            return
        time.sleep(every)


def _look(watched: Sequence[Watched], board: Board | None) -> list[RunState]:
    now = time.time()
    runs = [each.look(now) for each in watched]
    if board is not None:
        for found in runs:
            board.add(found)
    return runs


def _over(runs: Sequence[RunState]) -> bool:
    return all(found.state in OVER for found in runs)


def _folders(given: Sequence[Path]) -> list[Path]:
    """The run folders, those of a series among them. Raises RunError for what is no folder."""
    folders: list[Path] = []
    for path in given:
        if path.is_file():
            raise RunError("this is a file, and runs are folders", where=path)
        members = read_object(path / "series.json").get("members")
        named = [member.get("folder") for member in members or [] if isinstance(member, dict)]
        folders += [path / name for name in named if isinstance(name, str)] or [path]
    return list(dict.fromkeys(folders))


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0.05 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text} is not from 0.05 to 3600")
    return seconds

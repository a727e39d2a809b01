"""`retdsl report RUN`: a run told on one page, which opens offline: `RUN/report.html`."""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path
from threading import Thread

from retdsl.commands.spec import add_root
from retdsl.commands.terminal import DONE, say
from retdsl.running import Look


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("run", type=Path, metavar="RUN", help="a run folder")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="the page (default: RUN/report.html)")
    parser.add_argument("--layer", metavar="NAME", help="the layer whose heat maps are shown, as the spec names it")
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    from retdsl.report.page import write_report

    root = None if arguments.root is None else arguments.root.resolve()
    path, notes = write_report(arguments.run, arguments.output, root=root, layer=arguments.layer)
    for note in notes:
        say(f"note: {note}")
    print(path)
    return DONE


def expect_report() -> None:
    """Loads what a page needs while the run goes on, in which this process has nothing to do."""
    names = ("retdsl.report.page", "matplotlib.backends.backend_svg", "matplotlib.figure", "matplotlib.ticker")
    Thread(target=lambda: [import_module(name) for name in names], daemon=True).start()


def try_report(run: Path, look: Look | None = None) -> None:
    """The page of a run that has just ended; one that cannot be made is a note, since the run itself is whole.

    look: asks its program, if that is still there.
    """
    from retdsl.report.page import write_report
    from retdsl.runtime.errors import RunError

    try:
        path, notes = write_report(run, look=look)
    except RunError as error:
        say(f"note: there is no report: {error.message}")
    except Exception as error:
        say(f"note: there is no report, a defect of retdsl: {type(error).__name__}: {error}")
    else:
        for text in (*(f"note: {note}" for note in notes), f"  report      {path}"):
            say(text)

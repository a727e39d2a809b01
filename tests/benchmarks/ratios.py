"""What benchmarks that compare two things share: taking turns fairly, and a `Ratio` for what came out.

Enters: things to do, as functions (`interleaved`), as commands (`in_turn`) or as processes that work whenever they are
asked (`Asked`, `serve`). Leaves: `Took`, medians of seconds and of processor seconds; and `Ratio`s as a table for a
terminal or as Markdown. Guaranteed: all take turns, one at a time and once in every round, so that what else the
machine does touches all alike; a first round that does not count warms caches and binds networks.

    took = interleaved({"ours": ours, "by hand": theirs}, rounds=5)
    faster("a step", took["ours"].seconds, took["by hand"].seconds, at_least(1.0))

A benchmark that `run_all.py` runs is a module with `measure(photographs: Path, folder: Path, quick: bool) ->
list[Ratio]`. photographs: the folder of the study's data, with labels.csv; folder: an empty one to work in; quick:
smaller sizes, so that all benchmarks together take about three minutes.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The checkout whose sources are measured."""


@dataclass(frozen=True)
class Wanted:
    """What a ratio should be: at least or at most so much."""

    bound: float
    most: bool = False

    def met(self, ratio: float) -> bool:
        return ratio <= self.bound if self.most else ratio >= self.bound

    def __str__(self) -> str:
        return f"{'≤' if self.most else '≥'} {self.bound:g}"


def at_least(bound: float) -> Wanted:
    return Wanted(bound)


def at_most(bound: float) -> Wanted:
    return Wanted(bound, most=True)


@dataclass(frozen=True)
class Ratio:
    """What a comparison gave.

    name: what was compared, without its figures; ours, theirs: what retdsl and the other side took, or did, in `unit`;
    theirs is None where there is no other side. ratio: the figure that is judged: `faster` and `more` say which way it
    goes; wanted: what it should be, None where nobody asked for anything; note: conditions, in a few words.
    """

    name: str
    ours: float
    theirs: float | None
    unit: str
    ratio: float
    wanted: Wanted | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether it is as wanted; None where nothing is."""
        return None if self.wanted is None else self.wanted.met(self.ratio)


def faster(name: str, ours: float, theirs: float, wanted: Wanted | None = None, note: str = "") -> Ratio:
    """How many times faster: seconds of both sides, the smaller the better."""
    return Ratio(name, ours, theirs, "s", theirs / ours, wanted, note)


def more(
    name: str, ours: float, theirs: float, wanted: Wanted | None = None, note: str = "", unit: str = "images/s"
) -> Ratio:
    """How many times more: ours over theirs. Of what both sides do in a second, the larger the better; of seconds, with
    `unit="s"`, for a time that should stay within a multiple of another (`at_most`).
    """
    return Ratio(name, ours, theirs, unit, ours / theirs, wanted, note)


@dataclass(frozen=True)
class Took:
    """Medians over the rounds. seconds: on the wall clock; user: processor seconds of all threads, in user mode, which
    other work on the machine disturbs less; rounds: every round's seconds.
    """

    seconds: float
    user: float
    rounds: tuple[float, ...]

    @staticmethod
    def of(rounds: Sequence[tuple[float, float]]) -> Took:
        seconds, user = zip(*rounds, strict=True)
        return Took(statistics.median(seconds), statistics.median(user), tuple(seconds))


def interleaved(
    works: Mapping[str, Callable[[], object]], rounds: int, *, warm_up: int = 1, children: bool = False
) -> dict[str, Took]:
    """Does each work once in every round, in this process. children: count the processor seconds of processes that the
    work starts and waits for, instead of this one's.
    """
    who = resource.RUSAGE_CHILDREN if children else resource.RUSAGE_SELF
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    for turn in range(warm_up + rounds):
        for name, work in works.items():
            measured = _timed(work, who)
            if turn >= warm_up:
                took[name].append(measured)
    return {name: Took.of(values) for name, values in took.items()}


def in_turn(
    commands: Mapping[str, Sequence[str]],
    rounds: int,
    *,
    warm_up: int = 0,
    environment: Mapping[str, str] | None = None,
    codes: Sequence[int] = (0,),
) -> dict[str, Took]:
    """Runs each command once in every round: whole processes, start-up counted. environment: besides this process's.
    Leaves with the command's message if it ends with another exit code.
    """
    works = {name: _runner(command, environment, codes) for name, command in commands.items()}
    return interleaved(works, rounds, warm_up=warm_up, children=True)


def run(command: Sequence[str], environment: Mapping[str, str] | None = None, codes: Sequence[int] = (0,)) -> str:
    """Runs a command with the sources of this checkout; returns what it says on stdout. Leaves with its message if it
    fails.
    """
    done = subprocess.run(command, capture_output=True, text=True, env=of_this_checkout(environment), check=False)
    if done.returncode not in codes:
        raise SystemExit(f"{' '.join(map(str, command))}\nended with {done.returncode}:\n{done.stderr[-4000:]}")
    return done.stdout


def of_this_checkout(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of this process with the checkout's sources first, and with more."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **(environment or {})}


class Asked:
    """Processes that work whenever they are asked, by `serve`, and sleep otherwise: for comparing what needs different
    environments or must not share a process.
    """

    def __init__(self, workers: Mapping[str, subprocess.Popen[str]]) -> None:
        self._workers = workers

    def in_turn(self, rounds: int, *, warm_up: int = 1) -> dict[str, Took]:
        """Asks each once in every round."""
        took: dict[str, list[tuple[float, float]]] = {name: [] for name in self._workers}
        for turn in range(warm_up + rounds):
            for name in self._workers:
                measured = self._ask(name)
                if turn >= warm_up:
                    took[name].append(measured)
        return {name: Took.of(values) for name, values in took.items()}

    def _ask(self, name: str) -> tuple[float, float]:
        worker = self._workers[name]
        assert worker.stdin is not None
        assert worker.stdout is not None
        print("work", file=worker.stdin, flush=True)
        while line := worker.stdout.readline():
            if line.startswith("took "):
                seconds, user = line.split()[1:]
                return float(seconds), float(user)
        raise SystemExit(f"{name} died; its message is above")


@contextmanager
def asked(
    commands: Mapping[str, Sequence[str]],
    *,
    threads: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Asked]:
    """Starts the processes, and ends them. threads: how many MXNet and OpenBLAS compute with; they sleep while they
    wait, so that they do not disturb each other.
    """
    said = {"OMP_WAIT_POLICY": "PASSIVE"}
    if threads is not None:
        said |= {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
    everything = of_this_checkout({**said, **(environment or {})})
    pipe = subprocess.PIPE
    workers = {
        name: subprocess.Popen(command, env=everything, text=True, stdin=pipe, stdout=pipe)
        for name, command in commands.items()
    }
    try:
        yield Asked(workers)
    finally:
        for worker in workers.values():
            assert worker.stdin is not None
            worker.stdin.close()
        for worker in workers.values():
            worker.wait()


def serve(work: Callable[[], object]) -> None:
    """In a process of `asked`: works whenever a line comes on stdin, and says what it took."""
    for _ in sys.stdin:
        seconds, user = _timed(work, resource.RUSAGE_SELF)
        print("took", seconds, user, flush=True)


def _timed(work: Callable[[], object], who: int) -> tuple[float, float]:
    before, started = resource.getrusage(who).ru_utime, time.perf_counter()
    work()
    seconds = time.perf_counter() - started
    return seconds, resource.getrusage(who).ru_utime - before


def _runner(
    command: Sequence[str], environment: Mapping[str, str] | None, codes: Sequence[int]
) -> Callable[[], object]:
    return lambda: run(command, environment, codes)


HEADS = ("comparison", "retdsl", "beside it", "ratio", "wanted", "")
MET = {True: "✓", False: "✗", None: ""}


def cells(ratio: Ratio) -> tuple[str, ...]:
    """A row under HEADS."""
    ours, theirs = (_amount(value, ratio.unit) for value in (ratio.ours, ratio.theirs))
    wanted = "" if ratio.wanted is None else str(ratio.wanted)
    return ratio.name, ours, theirs, f"{ratio.ratio:.3g}", wanted, MET[ratio.met]


def _amount(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    digits = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return f"{digits} {unit}"


def print_ratios(ratios: Sequence[Ratio], title: str = "") -> None:
    """A table on stdout; notes stand below their row."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, title=title or None, title_justify="left", title_style="bold", pad_edge=False)
    for head in HEADS:
        table.add_column(head, justify="left" if head in (HEADS[0], "") else "right", no_wrap=head != HEADS[0])
    for ratio in ratios:
        row: list[str | Text] = list(cells(ratio))
        row[0] = Text.assemble(ratio.name, *([("\n" + ratio.note, "dim")] if ratio.note else []))
        style = {True: "green", False: "red", None: ""}[ratio.met]
        row[3], row[5] = (Text(str(row[at]), style=style) for at in (3, 5))
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def markdown(ratios: Sequence[Ratio]) -> str:
    """The same as a table in Markdown, notes in a last column."""
    lines = [f"| {' | '.join(HEADS)} | note |", "|---|--:|--:|--:|--:|:-:|---|"]
    lines += [f"| {' | '.join((*cells(ratio), ratio.note))} |" for ratio in ratios]
    return "\n".join(lines)


def benchmark(measure: Callable[[Path, Path, bool], list[Ratio]], about: str | None) -> None:
    """The command line of a benchmark by itself. about: what it measures, its first line."""
    parser = argparse.ArgumentParser(description=(about or "").splitlines()[0])
    parser.add_argument("--photographs", type=Path, default=ROOT.parent / "shared" / "fundus", metavar="DIR")
    parser.add_argument("--quick", action="store_true", help="smaller sizes")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="retdsl-") as folder:
        print_ratios(measure(arguments.photographs.resolve(), Path(folder), arguments.quick))

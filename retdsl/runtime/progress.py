"""What a person sees while a network trains: a live bar on a terminal, one plain line an epoch elsewhere.

Enters: what happens, as it happens. Leaves: text on stderr. Guaranteed: each finished epoch leaves one line that stays;
the terminal is in order afterwards, whatever ended the run. rich is imported only for the live bar.
"""

from __future__ import annotations

import io
import math
import os
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, TextIO


@dataclass(frozen=True)
class EpochReport:
    """A finished epoch in figures. valid: None without validation images; note: what became of it ("best", "saved")."""

    epoch: int
    epochs: int
    loss: float
    valid: Mapping[str, float] | None
    images_per_second: float
    seconds: float
    note: str = ""


class Progress(Protocol):
    """Where a run tells what it does. Used as a context manager."""

    def __enter__(self) -> Progress: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def note(self, text: str) -> None:
        """A line that stays."""

    def reading(self, done: int, total: int) -> None:
        """Photographs decoded so far; that all of them are is a line that stays."""

    def preparing(self, done: int, total: int) -> None:
        """The same, where nobody needs to know afterwards."""

    def training(self, epoch: int, epochs: int, batches: int) -> None:
        """An epoch of this many batches begins."""

    def stage(self, what: str, batches: int) -> None:
        """Something else with this many batches begins: "validating", "testing"."""

    def batch(self, images: int, loss: float | None = None) -> None:
        """A batch is done. loss: mean of the epoch so far."""

    def epoch(self, report: EpochReport) -> None:
        """An epoch is finished, validation included."""


def make_progress(*, plain: bool, silent: bool = False, stream: TextIO | None = None) -> Progress:
    """The live bar when `stream` (stderr) is a terminal and `plain` is not asked for. silent: nothing at all."""
    if silent:
        return PlainProgress(io.StringIO())
    stream = stream or sys.stderr
    return PlainProgress(stream) if plain or not stream.isatty() else LiveProgress(stream)


def epoch_line(report: EpochReport) -> str:
    """One line on an epoch: `epoch  3/10  loss 0.413  valid loss 0.392  auc 0.953  142 images/s  21 s  best`."""
    width = len(str(report.epochs))
    parts = [f"epoch {report.epoch:>{width}}/{report.epochs}", f"loss {_figure(report.loss)}"]
    if report.valid is not None:
        parts.append("valid " + figures_line(report.valid))
    parts += [f"{report.images_per_second:,.0f} images/s", duration(report.seconds)]
    return "  ".join(parts + [report.note] * bool(report.note))


def figures_line(figures: Mapping[str, float]) -> str:
    """Figures in a row: `loss 0.392  auc 0.953  sensitivity@90 0.871`."""
    return "  ".join(f"{re.sub('_at_.*_', '@', name)} {_figure(value)}" for name, value in figures.items())


def duration(seconds: float) -> str:
    """Time for people: `38 ms`, `4.2 s`, `38 s`, `12 min 05 s`, `2 h 04 min`."""
    if 0.0005 <= seconds < 0.0995:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


class PlainProgress:
    """Lines only: for files, pipes and job queues."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __enter__(self) -> PlainProgress:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.flush()

    def note(self, text: str) -> None:
        try:
            print(text, file=self._stream, flush=True)
        except OSError:
            # Whoever listened, as through `ssh` or `tee`, is gone; that is no reason for a run of hours to end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())

    def reading(self, done: int, total: int) -> None:
        if done == total:
            self.note(f"{total} photographs read")

    def preparing(self, done: int, total: int) -> None:
        """Nothing."""

    def training(self, epoch: int, epochs: int, batches: int) -> None:
        """Nothing: only finished epochs get a line."""

    def stage(self, what: str, batches: int) -> None:
        """Nothing."""

    def batch(self, images: int, loss: float | None = None) -> None:
        """Nothing."""

    def epoch(self, report: EpochReport) -> None:
        self.note(epoch_line(report))


class LiveProgress:
    """A bar that moves with every batch, below the lines that stay."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self._bars = Progress(
            TextColumn("{task.description}", style="bold"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            console=Console(file=stream, highlight=False),
            refresh_per_second=4,
            transient=True,
            expand=True,
        )
        self._task: Any = None
        self._clock = _Clock()
        self._left: _TimeLeft | None = None
        self._epochs_took: list[float] = []

    def __enter__(self) -> LiveProgress:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def note(self, text: str) -> None:
        self._bars.console.print(text, markup=False, soft_wrap=True)

    def reading(self, done: int, total: int) -> None:
        self.preparing(done, total)
        if done == total:
            self.note(f"{total} photographs read")

    def preparing(self, done: int, total: int) -> None:
        if done == 1:
            self._begin("reading photographs", total)
        self._bars.update(self._task, completed=done)

    def training(self, epoch: int, epochs: int, batches: int) -> None:
        self._begin(f"epoch {epoch}/{epochs}", batches)
        self._left = _TimeLeft(self._clock, batches, epochs - epoch, self._epochs_took)

    def stage(self, what: str, batches: int) -> None:
        self._begin(what, batches)

    def batch(self, images: int, loss: float | None = None) -> None:
        self._clock.add(images)
        figures = [] if loss is None else [f"loss {_figure(loss)}"]
        figures.append(f"{self._clock.images_per_second:,.0f} images/s")
        if self._left is not None:
            figures.append(f"{duration(self._left.seconds())} left")
        self._bars.update(self._task, advance=1, figures="  ".join(figures))

    def epoch(self, report: EpochReport) -> None:
        self._epochs_took.append(report.seconds)
        style = "bold green" if report.note == "best" else None
        self._bars.console.print(epoch_line(report), style=style, markup=False, soft_wrap=True)

    def _begin(self, what: str, total: int) -> None:
        if self._task is not None:
            self._bars.remove_task(self._task)
        self._task = self._bars.add_task(what, total=total, figures="")
        self._clock = _Clock()
        self._left = None


class _Clock:
    """Counts images and batches since it was made."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._images = 0
        self.batches = 0

    def add(self, images: int) -> None:
        self._images += images
        self.batches += 1

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._started

    @property
    def images_per_second(self) -> float:
        return self._images / max(self.seconds, 1e-9)


class _TimeLeft:
    """How long training will still take, from the finished epochs, or in the first one from its batches."""

    def __init__(self, clock: _Clock, batches: int, epochs_to_come: int, epochs_took: list[float]) -> None:
        self._clock = clock
        self._batches = batches
        self._to_come = epochs_to_come
        self._took = epochs_took

    def seconds(self) -> float:
        done = min(self._clock.batches / self._batches, 1.0)
        epoch = sum(self._took) / len(self._took) if self._took else self._clock.seconds / max(done, 1e-9)
        return epoch * (self._to_come + 1 - done)


def _figure(value: float) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:.3f}" if value == 0 or 0.001 <= abs(value) < 1000 else f"{value:.1e}"

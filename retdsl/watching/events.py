"""Event files for TensorBoard, made of what a run has written.

Enters: states of runs, as often as somebody looks. Leaves: a folder for each run with the scalars of its epochs and
steps, the figures of its test side, and its spec. Guaranteed: every epoch stands there once, however often one looks,
and when a finished run is made into events again; times are those of the run, where it says when it began.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from retdsl.runtime.errors import RunError
from retdsl.watching.lines import read_object
from retdsl.watching.state import RunState, number

SUFFIX = ".retdsl"
"""What the names of these event files end in, so that no others are replaced."""

BESIDE_FIGURES = ("learning_rate", "images_per_second", "gradient_norm")


class Board:
    """A folder that `tensorboard --logdir` shows. Raises RunError where tensorboardX is missing, or cannot write."""

    def __init__(self, folder: Path) -> None:
        try:
            import tensorboardX
        except ImportError:
            help = "pip install 'retdsl[tensorboard]'"
            raise RunError("events for TensorBoard need tensorboardX, which is not installed", help=help) from None
        self._writer = tensorboardX.SummaryWriter
        self._folder = folder
        self._runs: dict[Path, _Events] = {}

    def add(self, run: RunState) -> None:
        """Writes what is new."""
        if not run.epochs and not run.steps:
            return
        if run.path not in self._runs:
            self._runs[run.path] = _Events(self._open(run), _began(run))
        self._runs[run.path].add(run)

    def close(self) -> None:
        """Brings everything to the disk."""
        for events in self._runs.values():
            events.writer.close()

    def _open(self, run: RunState) -> Any:
        folder = self._folder / run.path.resolve().name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for old in folder.glob(f"events.out.tfevents.*{SUFFIX}"):
                old.unlink()
            return self._writer(str(folder), filename_suffix=SUFFIX, flush_secs=5)
        except OSError as error:
            raise RunError(f"events cannot be written: {error.strerror}", where=folder) from None


class _Events:
    """The events of one run. began: when it did, in seconds since 1970; None if nobody knows."""

    def __init__(self, writer: Any, began: float | None) -> None:
        self.writer = writer
        self._began = began
        self._took = 0.0
        self._epoch = 0
        self._steps = 0
        self._whole = False

    def add(self, run: RunState) -> None:
        if self._epoch == 0 and (run.path / "spec.retina").is_file():
            spec = (run.path / "spec.retina").read_text("utf-8", "replace")
            self.writer.add_text("spec", "".join(f"    {line}\n" for line in spec.splitlines()), 0, self._time())
        for line in run.epochs:
            if (epoch := int(number(line.get("epoch")) or 0)) > self._epoch:
                self._epoch = epoch
                self._took += number(line.get("seconds")) or 0.0
                self._scalars(_figures_of_epoch(line), epoch)
        for line in run.steps[self._steps :]:
            if (updates := number(line.get("updates"))) is not None:
                self._scalars(_figures_of_step(line), int(updates))
        self._steps = max(self._steps, len(run.steps))
        if run.test and not self._whole:
            self._whole = True
            measured = {key for line in run.epochs for key in (line.get("valid") or line.get("train") or {})}
            figures = {f"{key}/test": value for key, value in run.test.items() if key in measured}
            self._scalars(figures, int(number(run.test.get("best_epoch")) or self._epoch))
        self.writer.flush()

    def _scalars(self, figures: Mapping[str, object], at: int) -> None:
        for tag, value in figures.items():
            if (known := number(value)) is not None:
                self.writer.add_scalar(tag, known, at, self._time())

    def _time(self) -> float | None:
        return None if self._began is None else self._began + self._took


def _figures_of_epoch(line: Mapping[str, Any]) -> dict[str, object]:
    """Tags as TensorBoard groups them: what comes before the stroke is a chart's name."""
    sides = {f"{key}/{side}": v for side in ("train", "valid") for key, v in (line.get(side) or {}).items()}
    return {**sides, **dict(_beside(line))}


def _figures_of_step(line: Mapping[str, Any]) -> dict[str, object]:
    valid = {f"{key}/valid_in_epoch": value for key, value in (line.get("valid") or {}).items()}
    loss = {"steps/loss": line.get("loss")}
    return {**loss, **valid, **{f"steps/{key}": value for key, value in _beside(line)}}


def _beside(line: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    return ((key, line[key]) for key in BESIDE_FIGURES if key in line)


def _began(run: RunState) -> float | None:
    said = read_object(run.path / "lock.json").get("started")
    try:
        return datetime.fromisoformat(str(said)).timestamp()
    except ValueError:
        return None

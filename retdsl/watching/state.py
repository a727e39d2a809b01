"""How far a run has come, as its files tell it.

Enters: a run folder, which may not be there yet. Leaves: a `RunState`, every time somebody looks. Guaranteed: only
metrics.jsonl must be there to say something; of a process of this machine it is known whether it is still there, one of
another shows in nothing but its silence that it may be dead.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from retdsl.records import dataclass
from retdsl.runtime.run_folder import RunFolder
from retdsl.watching.lines import GrowingFile, read_object

WAITING, RUNNING, SILENT, INTERRUPTED = "waiting", "running", "silent", "interrupted"

FINISHED, FAILED = "finished", "failed"

PATIENCE = 3.0
"""A run is silent when it has written nothing for as long as so many of its epochs take."""

LEAST_PATIENCE = 60.0
"""Seconds that no run is called silent for."""

FIRST_PATIENCE = 900.0
"""Seconds that the first epoch may take, with all photographs read before it."""

RECENT = 10
"""Epochs by whose time that of the epochs to come is judged."""


@dataclass(frozen=True, slots=True)
class Best:
    """The best epoch so far, and the figure it is best by; value: None where it means nothing."""

    epoch: int
    metric: str
    value: float | None


@dataclass(frozen=True, slots=True)
class RunState:
    """A run at one moment.

    state: one of the words above. epochs: the lines of metrics.jsonl; steps: those of steps.jsonl. total: how many
    epochs there are to be, if that is known. quiet: seconds since anything was written, None before anything was. test:
    test.json, empty while there is none.
    """

    path: Path
    name: str
    state: str
    epochs: list[dict[str, Any]]
    steps: list[dict[str, Any]]
    total: int | None
    best: Best | None
    quiet: float | None
    test: Mapping[str, Any]

    @property
    def epoch(self) -> int:
        """The last epoch that is finished; 0 before the first."""
        return int(self.epochs[-1].get("epoch", len(self.epochs))) if self.epochs else 0

    @property
    def step(self) -> dict[str, Any] | None:
        """The last batches of an epoch that is not finished, if the run writes steps."""
        last = next((step for step in reversed(self.steps) if "loss" in step), None)
        return last if last is not None and last.get("epoch", 0) > self.epoch else None

    @property
    def done(self) -> float | None:
        """The share of all epochs that is done, those begun included; None if nobody knows how many there are."""
        if self.state == FINISHED:
            return 1.0
        if not self.total:
            return None
        begun = 0.0
        if (step := self.step) is not None and self.epochs:
            in_epoch = sum(number(count) or 0 for count in (self.epochs[-1]["images"] or {}).values())
            begun = min(1.0, (number(step.get("images")) or 0.0) / in_epoch) if in_epoch else 0.0
        return min(1.0, (self.epoch + begun) / self.total)

    @property
    def seconds_left(self) -> float | None:
        """What the epochs to come will take if they are as those before; None while nobody can know."""
        if self.state != RUNNING or not self.total or not (took := epoch_seconds(self.epochs)):
            return None
        return max(0.0, took * (self.total - self.epoch) - (self.quiet or 0.0))

    @property
    def images_per_second(self) -> float | None:
        latest = self.step or (self.epochs[-1] if self.epochs else {})
        return number(latest.get("images_per_second"))

    @property
    def metric(self) -> str | None:
        """The key of the figure by which epochs are ranked, or else of the first that there is."""
        if self.best is not None:
            return self.best.metric
        figures = (self.epochs[-1].get("valid") or {}) if self.epochs else {}
        return next((key for key in figures if key != "loss"), None)

    def curve(self, side: str, key: str) -> list[float]:
        """A figure of every epoch; NaN where there is none."""
        values = (number((line.get(side) or {}).get(key)) for line in self.epochs)
        return [math.nan if value is None else value for value in values]


class Watched:
    """A run folder that is looked at again and again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._epochs = GrowingFile(path / "metrics.jsonl")
        self._steps = GrowingFile(path / "steps.jsonl")
        self._lock: dict[str, Any] = {}
        self._asked: int | None = None

    def look(self, now: float) -> RunState:
        """The run now. now: seconds since 1970, as files have them."""
        self._lock = self._lock or read_object(self.path / "lock.json")
        # Before test.json, which is written while it works; lock.json is, too, so without it nothing is known.
        at_work = RunFolder(self.path).at_work() if self._lock else None
        epochs = list(_readable(self._epochs.lines(), "train", "valid", "images", "best"))
        steps = list(_readable(self._steps.lines(), "valid"))
        test = read_object(self.path / "test.json")
        written = self._written()
        quiet = None if written is None else max(0.0, now - written)
        return RunState(
            self.path,
            str(self._lock.get("experiment") or self.path.resolve().name),
            self._state(epochs, test, quiet, at_work),
            epochs,
            steps,
            self._total(epochs, test),
            self._best(epochs, test),
            quiet,
            test,
        )

    def _state(
        self, epochs: list[dict[str, Any]], test: Mapping[str, Any], quiet: float | None, at_work: bool | None
    ) -> str:
        if test:
            return FINISHED
        if quiet is None:
            return WAITING
        if self._has_failed():
            return FAILED
        if at_work is False:
            return INTERRUPTED
        took = max((number(line.get("seconds")) or 0.0 for line in epochs), default=0.0)
        patience = max(LEAST_PATIENCE, PATIENCE * took) if epochs else FIRST_PATIENCE
        return SILENT if quiet > patience else RUNNING

    def _has_failed(self) -> bool:
        """Whether a traceback is the last that was written: a run that was resumed since then goes on."""
        defect, written = self._time("defect.txt"), self._written()
        return defect is not None and (written is None or defect >= written)

    def _written(self) -> float | None:
        times = (self._time(name) for name in ("metrics.jsonl", "steps.jsonl", "lock.json"))
        return max((time for time in times if time is not None), default=None)

    def _time(self, name: str) -> float | None:
        try:
            return (self.path / name).stat().st_mtime
        except OSError:
            return None

    def _total(self, epochs: list[dict[str, Any]], test: Mapping[str, Any]) -> int | None:
        said = number(epochs[-1].get("epochs")) if epochs else None
        said = number(test.get("epochs")) if said is None else said
        return self._planned() if said is None else int(said)

    def _planned(self) -> int | None:
        """How many epochs the program asks for, which is all there is to know before the first has ended."""
        if self._asked is None and self._lock:
            plans = read_object(self.path / "program" / "program.json").get("experiments")
            plans = [plan for plan in plans if isinstance(plan, dict)] if isinstance(plans, list) else []
            training = [plan.get("training") for plan in plans if plan.get("name") == self._lock.get("experiment")]
            asked = training[0].get("epochs") if training and isinstance(training[0], dict) else None
            self._asked = int(number(asked) or 0)
        return self._asked or None

    def _best(self, epochs: list[dict[str, Any]], test: Mapping[str, Any]) -> Best | None:
        found = epochs[-1].get("best") if epochs else None
        if found is None and epochs:
            found = read_object(self.path / "checkpoints" / "best.json")
        if test:
            found = {"epoch": test.get("best_epoch"), "metric": test.get("best_by"), "value": test.get("best_value")}
        if found is None or (epoch := number(found.get("epoch"))) is None:
            return None
        return Best(int(epoch), str(found.get("metric")), number(found.get("value")))


def _readable(lines: list[dict[str, Any]], *named: str) -> Iterator[dict[str, Any]]:
    """The lines that are of some epoch. named: keys that hold figures by name; what is none is None."""
    for line in lines:
        if number(line.get("epoch")) is not None:
            figures = {key: line.get(key) for key in named}
            yield {**line, **{key: value if isinstance(value, dict) else None for key, value in figures.items()}}


def epoch_seconds(epochs: list[dict[str, Any]]) -> float | None:
    """What an epoch takes, by the last of them; the median, because one may have waited for something."""
    took = [seconds for line in epochs[-RECENT:] if (seconds := number(line.get("seconds"))) is not None]
    return median(took) if took else None


def number(value: object) -> float | None:
    """A number of a file; None for anything else. A figure that means nothing is null there."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

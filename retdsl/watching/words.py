"""What is said of a run in plain words: its state, its figures, a line an epoch where there is no terminal.

Enters: a `RunState`. Leaves: text. Guaranteed: a line is in the words in which the run itself says it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from retdsl.runtime.progress import EpochReport, duration, epoch_line, figures_line
from retdsl.runtime.run_folder import RunFolder
from retdsl.watching.state import RUNNING, SILENT, RunState, number


def figure(value: float | None) -> str:
    """A number for people; `-` where it means nothing."""
    return figures_line({"": math.nan if value is None else value}).strip()


def short(key: str) -> str:
    """A metric's key for a head: `sensitivity@90`."""
    return re.sub("_at_.*_", "@", key)


def long(seconds: float) -> str:
    """A time that may be days."""
    days = int(seconds // 86400)
    return f"{days} days" if days > 1 else duration(seconds)


def state_words(run: RunState) -> str:
    """`epoch 34 of 100`, `finished`, `nothing new for 12 min 05 s`, ..."""
    of = f" of {run.total}" if run.total else ""
    at = f"epoch {run.epoch}{of}" if run.epoch else "before the first epoch"
    match run.state:
        case "waiting":
            return "no such folder yet" if not run.path.is_dir() else "nothing written yet"
        case "finished":
            early = f", stopped at epoch {run.epoch}{of}" if run.total and run.epoch < run.total else ""
            return f"finished{early}"
        case "failed":
            return f"failed, {at}"
        case "interrupted":
            return f"interrupted, {at}"
        case "silent":
            return f"nothing new for {long(run.quiet or 0.0)}, {at}"
        case _:
            if (step := run.step) is not None:
                return f"epoch {step['epoch']}{of}, batch {step.get('batch', '?')}"
            return f"epoch {run.epoch + 1}{of}" if run.epoch else at


def brief(run: RunState) -> str:
    """The state in a word or two, for a row among others."""
    if run.state == SILENT:
        return f"silent for {long(run.quiet or 0.0)}"
    return run.state


def advice(run: RunState) -> str | None:
    """What to do about a run that is not as it should be."""
    match run.state:
        case "silent":
            return f"if its process has ended, {RunFolder(run.path).how_to_go_on()}"
        case "interrupted":
            return RunFolder(run.path).how_to_go_on()
        case "failed":
            return f"the traceback is in {run.path / 'defect.txt'}"
        case _:
            return None


def epoch_words(run: RunState, line: Mapping[str, Any]) -> str:
    """The line of an epoch as the run has printed it."""
    valid = line.get("valid")
    report = EpochReport(
        int(line.get("epoch", 0)),
        run.total or run.epoch,
        _known((line.get("train") or {}).get("loss")),
        None if valid is None else {key: _known(value) for key, value in valid.items()},
        _known(line.get("images_per_second")),
        _known(line.get("seconds")),
        "best" if run.best is not None and run.best.epoch == line.get("epoch") else "",
    )
    return epoch_line(report)


def test_words(run: RunState) -> str | None:
    """The figures of the test side, with their intervals where there are some; None while there are none."""
    asked = [key for key in ("loss", *_measured(run)) if number(run.test.get(key)) is not None]
    said = []
    for key in dict.fromkeys(asked):
        between = run.test.get(f"{key}_ci")
        low, high = between if isinstance(between, list) and len(between) == 2 else (None, None)
        known = number(low) is not None and number(high) is not None
        said.append(f"{short(key)} {figure(run.test[key])}" + (f" [{figure(low)}, {figure(high)}]" if known else ""))
    return "  ".join(said) or None


def last_words(run: RunState) -> list[str]:
    """Lines behind those of the epochs: what became of the run, or is becoming."""
    said = [f"{run.name}: {state_words(run)}"]
    if run.state == RUNNING and run.seconds_left is not None:
        said[0] += f", {duration(run.seconds_left)} left"
    if run.best is not None:
        said.append(f"  best epoch  {run.best.epoch} ({short(run.best.metric)} {figure(run.best.value)})")
    if (tested := test_words(run)) is not None:
        said.append(f"  test        {tested}")
    if (todo := advice(run)) is not None:
        said.append(f"  {todo}")
    return said


def _measured(run: RunState) -> list[str]:
    """The keys that a run measures."""
    last = run.epochs[-1] if run.epochs else {}
    return list((last.get("valid") or last.get("train") or {}).keys())


def _known(value: object) -> float:
    found = number(value)
    return math.nan if found is None else found

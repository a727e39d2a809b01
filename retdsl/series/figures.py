"""What the runs of a series have reached: every figure's mean and spread over the runs of an experiment.

Enters: a series, finished or not. Leaves: a `Summary` for each experiment and ensemble, as data and as lines of text.

The spread is that over seeds and folds: how far chance in training and in the choice of validation patients moves a
figure. All runs are tested on the same patients, so it says nothing about others, and is no confidence
interval. A single run, and an ensemble, have the interval over patients instead, as their test.json has it.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from retdsl.finished import read_run
from retdsl.ir import to_json
from retdsl.records import dataclass, replace
from retdsl.runtime.figures_table import has_threshold, key_in_words
from retdsl.runtime.mean_answers import caution_of
from retdsl.series.record import DONE, FAILED, Member, Series

NO_FIGURES = frozenset(
    {"loss", "images", "patients", "best_value", "best_epoch", "epochs", "seconds", "images_per_second", "members"}
)
"""Numbers of test.json that do not say how good a network is."""

TEST, VALIDATION = "test", "validation"

WIDTH = 80
"""Columns of what is said."""


FROZEN = ("sensitivity", "specificity")
"""What is shown of a threshold that was frozen on validation."""

Interval = tuple[float, float]

Figures = dict[str, tuple[float, Interval | None]]
"""The figures of one run by their keys, each with its 95 % interval over patients, where there is one."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure over several runs. sd: the standard deviation, with n - 1; None for one run. values: by the folder.
    interval: 95 %, over patients, of one run alone.
    """

    count: int
    mean: float
    sd: float | None
    least: float
    most: float
    values: Mapping[str, float]
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """What an experiment or an ensemble has reached. runs: how many there are; done, failed: of these; side: that the
    figures are of: "test", or "validation" where there are no test images.
    """

    name: str
    ensemble: bool
    runs: int
    done: int
    failed: int
    side: str
    figures: Mapping[str, Spread]


def summaries(series: Series) -> list[Summary]:
    """Of every experiment, in the order of the series, then of every ensemble. Raises RunError for damaged files."""
    by_experiment: dict[str, list[Member]] = {}
    for member in series.members:
        by_experiment.setdefault(member.trained.experiment, []).append(member)
    found = []
    for name, members in by_experiment.items():
        done = {member.folder: series.path / member.folder for member in members if member.state == DONE}
        failed = sum(member.state == FAILED for member in members)
        found.append(Summary(name, False, len(members), len(done), failed, *_figures(done)))
    for ensemble in series.ensembles:
        here = {ensemble.folder: series.path / ensemble.folder} if ensemble.state == DONE else {}
        failed = sum(series.member(name).state == FAILED for name in ensemble.members)
        done_members = sum(series.member(name).state == DONE for name in ensemble.members)
        found.append(Summary(ensemble.name, True, len(ensemble.members), done_members, failed, *_figures(here)))
    return found


def _figures(runs: Mapping[str, Path]) -> tuple[str, dict[str, Spread]]:
    tested = {name: _tested(path) for name, path in runs.items()}
    side = TEST if any(tested.values()) or not runs else VALIDATION
    found = tested if side == TEST else {name: _validated(path) for name, path in runs.items()}
    keys = dict.fromkeys(key for figures in found.values() for key in figures)
    return side, {key: _spread({name: found[name][key] for name in found if key in found[name]}) for key in keys}


def _spread(figures: Mapping[str, tuple[float, Interval | None]]) -> Spread:
    alone = next(interval for _, interval in figures.values()) if len(figures) == 1 else None
    return replace(spread({name: value for name, (value, _) in figures.items()}), interval=alone)


def spread(values: Mapping[str, float]) -> Spread:
    """Mean and spread of at least one number."""
    numbers = list(values.values())
    mean = math.fsum(numbers) / len(numbers)
    off = math.fsum((number - mean) ** 2 for number in numbers)
    sd = math.sqrt(off / (len(numbers) - 1)) if len(numbers) > 1 else None
    return Spread(len(numbers), mean, sd, min(numbers), max(numbers), dict(values))


def _tested(path: Path) -> Figures:
    """The figures of the test side; one that means nothing is left out."""
    figures = read_run(path).test or {}
    return _numbers(figures) if figures.get("images") else {}


def _validated(path: Path) -> Figures:
    """Those of the validation side: of a run at its best epoch, of an ensemble out of fold."""
    record = read_run(path)
    figures = record.test or {}
    if "out_of_fold" in figures:
        return _numbers(figures["out_of_fold"])
    best = figures.get("best_epoch")
    return next((_numbers(line.get("valid") or {}) for line in record.epochs if line.get("epoch") == best), {})


def _numbers(figures: Mapping[str, Any]) -> Figures:
    """First what needs no threshold, then what frozen ones do, last what hangs on the best threshold of this side."""
    found = {key: _with_interval(figures, key) for key in figures if key not in NO_FIGURES and _is_number(figures[key])}
    frozen = {
        f"{key}_frozen_for_{point['metric']}{_of_finding(point)}": _with_interval(point, key)
        for point in figures.get("operating_points") or ()
        for key in FROZEN
        if _is_number(point.get(key))
    }
    of_side = {key: found.pop(key) for key in [*found] if has_threshold(key)}
    return {**found, **frozen, **of_side}


def _with_interval(figures: Mapping[str, Any], key: str) -> tuple[float, Interval | None]:
    ends: Sequence[Any] = figures.get(f"{key}_ci") or (None, None)
    low, high = ends
    return float(figures[key]), (float(low), float(high)) if _is_number(low) and _is_number(high) else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _of_finding(point: Mapping[str, Any]) -> str:
    return f"_of_{point['finding']}" if "finding" in point else ""


def _title(key: str, side: str) -> str:
    """`auc`; `sensitivity, threshold frozen for sensitivity at 90 % specificity`."""
    where = "" if side == TEST else ", validation"
    if "_frozen_for_" in key:
        figure, metric = key.split("_frozen_for_", 1)
        metric, _, finding = metric.partition("_of_")
        of = f" of {finding}" if finding else ""
        return f"{figure}{of}{where}, threshold frozen for {key_in_words(metric)}"
    return f"{key_in_words(key)}{where}" + (", best threshold of this side itself" if has_threshold(key) else "")


def as_json(series: Series, found: Sequence[Summary]) -> dict[str, Any]:
    """The same for a program to read, with every run and what it has reached."""
    members = [
        {
            "folder": member.folder,
            "experiment": member.trained.experiment,
            "fold": member.trained.fold,
            "seed": member.trained.seed,
            "state": member.state,
            **({} if member.error is None else {"error": member.error}),
        }
        for member in series.members
    ]
    own = {"study": series.facts.get("study"), "root": str(series.root), "overrides": series.facts.get("overrides", {})}
    return {**own, "members": members, "summaries": [{**to_json(one), "figures": _spreads(one)} for one in found]}


def _spreads(summary: Summary) -> dict[str, Any]:
    return {key: {**to_json(one), "values": dict(one.values)} for key, one in summary.figures.items()}


def lines(series: Series, found: Sequence[Summary]) -> Iterator[str]:
    """The same for people, a table for every figure, within 80 columns unless a name is long."""
    width = max(len(one.name) + 2 for one in found)
    for side in dict.fromkeys(one.side for one in found if one.figures):
        shown = [one for one in found if one.side == side]
        for key in dict.fromkeys(key for one in shown for key in one.figures):
            yield from _table(
                _title(key, side), [(one, one.figures[key]) for one in shown if key in one.figures], width
            )
            yield ""
    yield from notes(series, found)


def _table(title: str, rows: Sequence[tuple[Summary, Spread]], width: int) -> Iterator[str]:
    """A figure of every experiment and ensemble. Columns that nobody fills are left out."""
    cells = [
        (
            f"{one.mean:.3f}",
            "" if one.sd is None else f"{one.sd:.3f}",
            "" if one.sd is None else f"{one.least:.3f} to {one.most:.3f}",
            "" if one.interval is None else f"{one.interval[0]:.3f} to {one.interval[1]:.3f}",
            f"ensemble of {summary.runs}" if summary.ensemble else f"{one.count} of {summary.runs}",
        )
        for summary, one in rows
    ]
    several = any(one.sd is not None for _, one in rows)
    heads = ("mean" if several else "", "sd", "least to most", "95 % interval", "runs")
    filled = [at for at in range(len(heads)) if any(row[at] for row in cells)]
    widths = [max(len(heads[at]), *(len(row[at]) for row in cells)) for at in filled]

    def line(first: str, row: Sequence[str]) -> str:
        beside = (row[at].rjust(room) for at, room in zip(filled, widths, strict=True))
        return "  ".join([first.ljust(width), *beside]).rstrip()

    if len(title) <= width:
        yield line(title, heads)
    else:
        yield title
        yield line("", heads)
    for (summary, _), row in zip(rows, cells, strict=True):
        yield line(f"  {summary.name}", row)


def notes(series: Series, found: Sequence[Summary]) -> Iterator[str]:
    """What the figures do and do not say, and what is not done."""
    said: list[str] = []
    if any(figure.count > 1 for one in found for figure in one.figures.values()):
        folds = len({member.trained.fold for member in series.members}) > 1
        said.append(f"The spread is over {'seeds and folds' if folds else 'seeds'}: how far chance moves a figure.")
        if any(one.side == TEST and one.figures for one in found):
            said.append("All runs are tested on the same patients, so it is no confidence interval for others.")
    if any(figure.interval for one in found for figure in one.figures.values()):
        said.append("The 95 % intervals, of a run or an ensemble alone, are over patients.")
    if any(one.side == VALIDATION and one.figures for one in found):
        said.append(
            "There are no test images: these are figures of the validation side, by which the best epoch was "
            "chosen, and so a little too good."
        )
    yield from textwrap.wrap(" ".join(said), WIDTH)
    for ensemble in series.ensembles:
        if ensemble.state == DONE and (caution := caution_of(read_run(series.path / ensemble.folder).test or {})):
            yield from textwrap.wrap(f"{ensemble.name}: {caution}.", WIDTH)
    for name, state, error in _not_done(series):
        told = f": {error.splitlines()[0]}" if error else ""
        yield f"{name}: {state}{told}"


def _not_done(series: Series) -> Iterator[tuple[str, str, str | None]]:
    for member in series.members:
        if member.state != DONE:
            yield member.title, member.state, member.error
    for ensemble in series.ensembles:
        if ensemble.state == FAILED:
            yield f"ensemble {ensemble.name}", ensemble.state, ensemble.error

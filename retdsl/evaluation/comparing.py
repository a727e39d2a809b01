"""Finished runs compared on the test photographs that they share.

Enters: run folders. Leaves: a `Comparison`: every figure of every run with its interval, and for pairs of runs the
difference with its interval, from resamples of the same patients. Guaranteed: what cannot be compared is refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retdsl.evaluation.delong import Test, delong
from retdsl.evaluation.members import Finished, read_finished
from retdsl.evaluation.paired import Difference, difference, holm
from retdsl.evaluation.pairs import beside
from retdsl.records import dataclass
from retdsl.runtime.answers import Answers
from retdsl.runtime.bootstrap import intervals, resampled
from retdsl.runtime.errors import RunError
from retdsl.runtime.metrics import Metric, auc, measure, questions, sensitivity, specificity
from retdsl.runtime.operating_points import by_threshold
from retdsl.runtime.problems import did_you_mean, together

Asked = tuple[NDArray[Any], NDArray[Any]]
"""Labels [n] and probabilities [n, C] that a figure is of."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A figure of one run, and its 95 % interval; NaN where there is none."""

    run: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Duel:
    """The difference of a figure between two runs, `second` less `first`. adjusted: its p-value among those of all
    pairs, by Holm's method; delong: DeLong's test, of auc alone.
    """

    first: str
    second: str
    difference: Difference
    adjusted: float
    delong: Test | None = None

    @property
    def verdict(self) -> str:
        """In a word or some: `better` is what the second run is."""
        if math.isnan(self.difference.low):
            return "not known"
        if not self.difference.told_apart:
            return "not told apart"
        word = "better" if self.difference.better else "worse"
        return word if self.adjusted <= 0.05 else f"{word}, but not after Holm"


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric. at: the metric that the run's own frozen thresholds were chosen for, if it is one of theirs."""

    key: str
    higher_is_better: bool
    standings: tuple[Standing, ...]
    duels: tuple[Duel, ...]
    at: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """runs: folders by what they are called; shared: the answers of the first about what all share; alone: how many
    test photographs of each run are not shared.
    """

    runs: dict[str, Finished]
    shared: Answers
    alone: dict[str, int]
    figures: tuple[Figure, ...]


def compare(paths: Sequence[Path], wanted: Sequence[str] = (), *, all_pairs: bool = False) -> Comparison:
    """Runs beside each other. wanted: metrics by name or key, all if none is named; all_pairs: not only each run with
    the first. Raises RunError.
    """
    runs = _named(_all_read(paths))
    answers = _answers(runs)
    shared = beside(answers)
    metrics = _wanted(runs, wanted)
    names = list(runs)
    pairs = list(combinations(range(len(names)), 2)) if all_pairs else [(0, at) for at in range(1, len(names))]
    patients = shared[0].patients
    figures: list[Figure] = []
    asked = [(one.labels, one.probabilities) for one in shared]
    figures += _figures(metrics, names, asked, patients, pairs)
    for metric in metrics:
        frozen = _at_frozen_thresholds(metric, runs, shared)
        if frozen is not None:
            figures += _figures((sensitivity(), specificity()), names, frozen, patients, pairs, metric.key)
    alone = {name: len(each) - len(shared[0]) for name, each in answers.items()}
    return Comparison(runs, shared[0], alone, tuple(figures))


def _all_read(paths: Sequence[Path]) -> list[tuple[Path, Finished]]:
    found, errors = [], []
    for path in paths:
        try:
            found.append((path, read_finished(path)))
        except RunError as error:
            errors.append(error)
    if errors:
        raise together(errors, "these are no runs that can be compared")
    return found


def _named(read: Sequence[tuple[Path, Finished]]) -> dict[str, Finished]:
    """Runs by the name of their experiment, or by as much of their path as tells them apart where that is the same.

    Raises RunError for a run that is named twice.
    """
    paths = [path.resolve() for path, _ in read]
    if len(set(paths)) < len(paths):
        twice = [
            str(path)
            for path, resolved in zip((path for path, _ in read), paths, strict=True)
            if paths.count(resolved) > 1
        ]
        raise RunError("a run is named twice", items=twice)
    names = [finished.record.name for _, finished in read]
    parts = 1
    while len(set(names)) < len(read):
        names = [str(Path(*path.parts[-parts:])) for path in paths]
        parts += 1
    return dict(zip(names, (finished for _, finished in read), strict=True))


def _answers(runs: Mapping[str, Finished]) -> dict[str, Answers]:
    """What each run says of its test side. Raises RunError for those that say nothing."""
    found: dict[str, Answers] = {}
    silent: list[str] = []
    for name, finished in runs.items():
        answers = finished.record.predictions
        if answers is None or not len(answers):
            silent.append(f"{name}: {finished.record.path}")
        else:
            found[name] = answers
    if silent:
        help = "they were stopped before their end, or have no test side; `retdsl train --resume RUN` goes on"
        raise RunError("runs that have no predictions.csv", items=silent, help=help)
    return found


def _wanted(runs: Mapping[str, Finished], wanted: Sequence[str]) -> list[Metric]:
    """The metrics of all runs, each once, or those that are named. Raises RunError for one that none of them has."""
    every = {metric.key: metric for finished in runs.values() for metric in finished.metrics}
    if not wanted:
        return list(every.values())
    known = {*every, *(type(metric).__name__ for metric in every.values())}
    if unknown := [name for name in wanted if name not in known]:
        items = [f"`{name}`{did_you_mean(name, known)}" for name in unknown]
        raise RunError("metrics that none of these runs measures", items=items, help=f"there are {', '.join(every)}")
    return [metric for metric in every.values() if {metric.key, type(metric).__name__} & {*wanted}]


def _figures(
    metrics: Sequence[Metric],
    names: Sequence[str],
    asked: Sequence[Asked],
    patients: Sequence[str],
    pairs: Sequence[tuple[int, int]],
    at: str | None = None,
) -> Iterator[Figure]:
    """Every metric of every run, and the differences of pairs of runs."""
    values = [measure(metrics, *each) for each in asked]
    spread = [intervals(metrics, *each, patients) for each in asked]
    drawn = [resampled(metrics, *each, patients) for each in asked] if len(set(patients)) > 1 else []
    for metric in metrics:
        key = metric.key
        standings = tuple(
            Standing(name, of_run[key], interval[key].low, interval[key].high)
            for name, of_run, interval in zip(names, values, spread, strict=True)
        )
        found = [
            _difference(metric, values[a], values[b], drawn[a] if drawn else None, drawn[b] if drawn else None)
            for a, b in pairs
        ]
        adjusted = holm([one.p for one in found])
        duels = tuple(
            Duel(names[a], names[b], one, p, _delong(metric, asked[a], asked[b], patients))
            for (a, b), one, p in zip(pairs, found, adjusted, strict=True)
        )
        yield Figure(key, metric.higher_is_better, standings, duels, at)


def _difference(
    metric: Metric, first: Mapping[str, float], second: Mapping[str, float], one: Any, other: Any
) -> Difference:
    key, higher = metric.key, metric.higher_is_better
    if one is None or other is None:
        return Difference(second[key] - first[key], math.nan, math.nan, math.nan, higher)
    return difference(first[key], second[key], one[key], other[key], higher=higher)


def _delong(metric: Metric, first: Asked, second: Asked, patients: Sequence[str]) -> Test | None:
    """The test of two areas; of more than two classes, or of findings, there is none."""
    (labels, one), (_, other) = first, second
    if not isinstance(metric, auc) or labels.ndim > 1 or one.shape[1] != 2:
        return None
    return delong(labels == 1, one[:, 1], other[:, 1], patients)


def _at_frozen_thresholds(
    metric: Metric, runs: Mapping[str, Finished], shared: Sequence[Answers]
) -> list[Asked] | None:
    """The answers that each run's own threshold gives, chosen on its own validation side; None where one has none."""
    found: list[Asked] = []
    for finished, answers in zip(runs.values(), shared, strict=True):
        validation = finished.record.validation
        if validation is None or not len(validation) or answers.labels.ndim > 1:
            return None
        ((labels, probabilities),) = questions(validation.labels, validation.probabilities)
        threshold = metric.threshold(labels, probabilities)
        if threshold is None or math.isnan(threshold):
            return None
        positive = (answers.labels == len(answers.classes) - 1).astype(np.int64)
        found.append((positive, by_threshold(answers.probabilities, threshold)))
    return found

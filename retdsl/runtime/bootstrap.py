"""How far figures may be from the truth: 95 % intervals, by drawing the patients of a side again and again.

Enters: metrics, labels, probabilities, and the patient of each photograph. Leaves: an interval for each metric.
Guaranteed: the same for the same seed; no warning, whatever is missing.

Patients are drawn with replacement, each with all photographs, as many as there are: two eyes of one patient are alike,
and drawing eyes would take them for two pieces of evidence (C. A. Field and A. H. Welsh, J. R. Statist. Soc. B 2007).
They are not drawn class by class: how many of them are ill is as much by chance as which. A resample in which a figure
means nothing, because it lacks a class, is left out for this figure and counted.

From the figures of the resamples to an interval: B. Efron, "Better bootstrap confidence intervals", JASA 1987 (BCa).
Its ends are figures of resamples, so they stay where a figure can be, moved by how the resamples lie around the figure
and by how skewed the patients' influence is. Where there are few cases, that keeps more of the promise than the plain
2.5 % and 97.5 % points do.

Where all resamples agree, as for 7 of 7 found, the bootstrap would claim certainty. A share of images then has Wilson's
interval, with as many cases as there are patients; another figure has none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.metric import Metric
from retdsl.runtime.metrics import mean_of_defined, questions
from retdsl.runtime.weighing import Values, Weighed, mean

RESAMPLES = 2000

SEED = 2016

LEVEL = 0.95

MOST_UNDEFINED = 0.5
"""If a figure means nothing in more of the resamples than this, the rest says nothing about it."""

MOST_GROUPS = 1000
"""Into how many groups patients are put at most, to see what leaving one out does."""

SAME = 1e-12
"""Figures that differ by less are the same, added up in another order."""

CELLS = 2**20
"""How many weights are worked on at once: 8 MiB."""

NORMAL = NormalDist()


@dataclass(frozen=True)
class Interval:
    """low, high: NaN where there is no interval; undefined: the resamples in which the figure meant nothing; method:
    "bootstrap", or "wilson" where all resamples agreed.
    """

    low: float = math.nan
    high: float = math.nan
    undefined: int = 0
    method: str = "bootstrap"


def intervals(
    metrics: Sequence[Metric],
    labels: NDArray[Any],
    probabilities: NDArray[Any],
    patients: Sequence[str],
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> dict[str, Interval]:
    """The interval of every metric by its key. labels, probabilities: as `metrics.measure` takes them; patients: [N].

    None (NaN) of fewer than two patients, and of metrics that do not bootstrap.
    """
    found = {metric.key: Interval() for metric in metrics}
    chosen = [metric for metric in metrics if metric.bootstraps]
    if len(set(patients)) < 2 or not np.isfinite(probabilities).all():
        return found
    asked, patient = questions(labels, probabilities), _numbered(patients)
    whole = _of_each(chosen, asked)
    drawn = resampled(chosen, labels, probabilities, patients, resamples, seed)
    left_out = _figures(chosen, asked, _each_left_out(patient))
    for metric in chosen:
        value = mean_of_defined(whole[metric.key])
        ends = bca(value, drawn[metric.key], left_out[metric.key])
        found[metric.key] = _without_spread(metric, value, ends, asked, patient) if ends.low == ends.high else ends
    return found


def resampled(
    metrics: Sequence[Metric],
    labels: NDArray[Any],
    probabilities: NDArray[Any],
    patients: Sequence[str],
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> dict[str, Values]:
    """Every metric in each resample, [B], NaN where it means nothing. With the same patients and seed, resample b
    consists of the same patients, whatever is measured. Of several findings the mean over those that the whole defines.
    """
    patient = _numbered(patients)
    drawn = draws(int(patient.max()) + 1, len(patient), resamples, seed)
    return _figures(metrics, questions(labels, probabilities), (counts[:, patient] for counts in drawn))


def draws(patients: int, images: int, resamples: int, seed: int) -> Iterator[Values]:
    """How often each patient is drawn, [b, P], in parts of so many resamples that their weights fit into memory."""
    random = np.random.default_rng(seed)
    size = max(1, CELLS // max(images, patients))
    for first in range(0, resamples, size):
        rows = min(size, resamples - first)
        drawn = random.integers(patients, size=(rows, patients)) + patients * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * patients).reshape(rows, patients).astype(np.float64)


def bca(whole: float, drawn: Values, left_out: Values) -> Interval:
    """The bias-corrected and accelerated interval of a figure `whole`, from those of the resamples and those that are
    got by leaving out one patient, or group of patients, after the other.
    """
    defined = drawn[~np.isnan(drawn)]
    undefined = len(drawn) - len(defined)
    if math.isnan(whole) or len(defined) < MOST_UNDEFINED * len(drawn):
        return Interval(undefined=undefined)
    below = (np.mean(defined < whole - SAME) + np.mean(defined <= whole + SAME)) / 2
    bias = NORMAL.inv_cdf(float(np.clip(below, 1 / len(defined), 1 - 1 / len(defined))))
    kept = left_out[~np.isnan(left_out)]
    influence = kept.sum() / max(1, len(kept)) - kept
    spread = float((influence**2).sum() ** 1.5)
    acceleration = float((influence**3).sum()) / (6 * spread) if spread > 0 else 0.0
    ends = (_moved(level, bias, acceleration) for level in ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    low, high = (float(np.quantile(defined, end)) for end in ends)
    return Interval(low, high if high - low > SAME else low, undefined)


def wilson(found: float, of: int) -> tuple[float, float]:
    """The 95 % interval of a share, from `found` of `of` cases (1 or more): E. B. Wilson, JASA 1927."""
    z = NORMAL.inv_cdf((1 + LEVEL) / 2)
    share = found / of
    middle = share + z**2 / (2 * of)
    half = z * math.sqrt(share * (1 - share) / of + z**2 / (4 * of**2))
    scale = 1 + z**2 / of
    return (0.0 if share <= 0 else (middle - half) / scale, 1.0 if share >= 1 else (middle + half) / scale)


def _numbered(patients: Sequence[str]) -> NDArray[np.intp]:
    """The patient of each photograph as a number from 0 on."""
    numbers: NDArray[np.intp] = np.unique(np.asarray(patients), return_inverse=True)[1]
    return numbers


def _of_each(metrics: Sequence[Metric], asked: Sequence[tuple[NDArray[Any], NDArray[Any]]]) -> dict[str, list[float]]:
    """Every metric of all photographs, for each question."""
    once = [Weighed(*each, np.ones((1, len(each[0])))) for each in asked]
    return {metric.key: [float(metric.values(weighed)[0]) for weighed in once] for metric in metrics}


def _figures(
    metrics: Sequence[Metric], asked: Sequence[tuple[NDArray[Any], NDArray[Any]]], weightings: Iterable[Values]
) -> dict[str, Values]:
    """Every metric under all weightings, which come in parts [b, N]."""
    usable = {key: [not math.isnan(value) for value in values] for key, values in _of_each(metrics, asked).items()}
    parts: dict[str, list[Values]] = {metric.key: [] for metric in metrics}
    for weights in weightings:
        weighed = [Weighed(*each, weights) for each in asked]
        for metric in metrics:
            each = [metric.values(one) for one, use in zip(weighed, usable[metric.key], strict=True) if use]
            parts[metric.key].append(mean(each) if each else np.full(len(weights), np.nan))
    return {key: np.concatenate(values) for key, values in parts.items()}


def _each_left_out(patient: NDArray[np.intp]) -> Iterator[Values]:
    """Weights without one patient after the other, or, of very many, without one group of them after the other."""
    group = patient % MOST_GROUPS
    groups = int(group.max()) + 1
    size = max(1, CELLS // len(patient))
    for first in range(0, groups, size):
        yield (group != np.arange(first, min(groups, first + size))[:, None]).astype(np.float64)


def _moved(level: float, bias: float, acceleration: float) -> float:
    """Which share of the resamples lies below the end of an interval."""
    z = bias + NORMAL.inv_cdf(level)
    room = 1 - acceleration * z
    return NORMAL.cdf(bias + z / room) if room > 0 else float(z > 0)


def _without_spread(
    metric: Metric,
    value: float,
    found: Interval,
    asked: Sequence[tuple[NDArray[Any], NDArray[Any]]],
    patient: NDArray[np.intp],
) -> Interval:
    """The interval where all resamples agree."""
    cases = metric.cases(*asked[0]) if len(asked) == 1 else None
    if cases is None or not cases.any():
        return Interval(undefined=found.undefined)
    of = len(np.unique(patient[cases]))
    return Interval(*wilson(value * of, of), found.undefined, "wilson")

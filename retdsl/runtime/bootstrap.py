"""How far figures may be from the truth: 95 % intervals, by drawing the patients of a side again and again.

Enters: metrics, labels, probabilities, and the patient of each photograph. Leaves: an interval for each metric.
Guaranteed: the same for the same seed; no warning, whatever is missing.

Patients are drawn with replacement, each with all photographs, as many as there are (B. Efron and R. Tibshirani, "An
Introduction to the Bootstrap", 1993; for clusters C. A. Field and A. H. Welsh, J. R. Statist. Soc. B 2007): two eyes of
one patient are alike, and drawing eyes would take them for two pieces of evidence. An interval is from the 2.5 % to the
97.5 % point of the figures of all resamples, so it stays where the figure can be. Patients are not drawn class by
class: how many of them are ill is as much by chance as which. A resample in which a figure means nothing, because it
lacks a class, is left out for this figure and counted.

Where all resamples agree, as for 7 of 7 found, the bootstrap would claim certainty. A share of images then has Wilson's
interval, with as many cases as there are patients; another figure has none.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.metric import Metric
from retdsl.runtime.metrics import questions
from retdsl.runtime.weighing import Values, Weighed

RESAMPLES = 2000
"""More move the ends of an interval by less than a tenth of its length."""

SEED = 2016

LEVEL = 0.95

MOST_UNDEFINED = 0.5
"""If a figure means nothing in more of the resamples than this, the rest says nothing about it."""

CELLS = 2**20
"""How many weights are worked on at once: 8 MiB."""

Z = 1.959963984540054
"""The 97.5 % point of the normal distribution."""


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

    Of fewer than two patients nothing is known.
    """
    if len(set(patients)) < 2 or not np.isfinite(probabilities).all():
        return {metric.key: Interval() for metric in metrics}
    drawn = resampled(metrics, labels, probabilities, patients, resamples, seed)
    asked = questions(labels, probabilities)
    return {m.key: _interval(m, drawn[m.key], asked, np.asarray(patients)) for m in metrics}


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
    _, patient = np.unique(np.asarray(patients), return_inverse=True)
    asked = questions(labels, probabilities)
    usable = {m.key: [not math.isnan(m.value(*each)) for each in asked] for m in metrics}
    parts: dict[str, list[Values]] = {metric.key: [] for metric in metrics}
    for counts in draws(int(patient.max()) + 1, len(patient), resamples, seed):
        weights = counts[:, patient]
        weighed = [Weighed(*each, weights) for each in asked]
        for metric in metrics:
            each = [metric.values(one) for one, use in zip(weighed, usable[metric.key], strict=True) if use]
            parts[metric.key].append(np.mean(each, axis=0) if each else np.full(len(counts), np.nan))
    return {key: np.concatenate(values) for key, values in parts.items()}


def draws(patients: int, images: int, resamples: int, seed: int) -> Iterator[Values]:
    """How often each patient is drawn, [b, P], in parts of so many resamples that their weights fit into memory."""
    random = np.random.default_rng(seed)
    size = max(1, CELLS // max(images, patients))
    for first in range(0, resamples, size):
        rows = min(size, resamples - first)
        drawn = random.integers(patients, size=(rows, patients)) + patients * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * patients).reshape(rows, patients).astype(np.float64)


def wilson(found: float, of: int) -> tuple[float, float]:
    """The 95 % interval of a share, from `found` of `of` cases (1 or more): E. B. Wilson, JASA 1927."""
    share = found / of
    middle = share + Z**2 / (2 * of)
    half = Z * math.sqrt(share * (1 - share) / of + Z**2 / (4 * of**2))
    scale = 1 + Z**2 / of
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)


def _interval(
    metric: Metric, drawn: Values, asked: Sequence[tuple[NDArray[Any], NDArray[Any]]], patients: NDArray[Any]
) -> Interval:
    defined = drawn[~np.isnan(drawn)]
    undefined = len(drawn) - len(defined)
    if undefined > MOST_UNDEFINED * len(drawn):
        return Interval(undefined=undefined)
    if np.ptp(defined) > 1e-12:
        low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return Interval(float(low), float(high), undefined)
    cases = metric.cases(*asked[0]) if len(asked) == 1 else None
    if cases is None or not cases.any():
        return Interval(undefined=undefined)
    of = len(np.unique(patients[cases]))
    return Interval(*wilson(float(defined[0]) * of, of), undefined, "wilson")

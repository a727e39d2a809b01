"""What several graders of the same photographs are worth: how far they agree, and what each photograph likely shows.

Enters: grades, int64 `[n, graders]`, positions of classes, -1 where a grader has not seen a photograph. Leaves: kappas,
votes, and posterior probabilities. Guaranteed: equal grades give equal numbers; nothing depends on the order of rows.
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Grades: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]

CLOSE = 1e-10
"""EM stops when no posterior moves by more."""

MOST_ROUNDS = 20_000
"""EM stops after so many rounds in any case; they run over kinds of rows, of which there are few."""


class Agreement(NamedTuple):
    """Cohen's kappa of two graders on the photographs that both have graded; NaN where it means nothing."""

    first: int
    second: int
    kappa: float
    both: int


class Estimate(NamedTuple):
    """posterior: of each class for each row, `[n, C]`; prior: `[C]`; confusion: `[graders, C, C]`, how often a grader
    calls a photograph of class c (second axis) by each class (third axis).
    """

    posterior: Floats
    prior: Floats
    confusion: Floats


def votes(grades: Grades, classes: int) -> Floats:
    """How many graders gave each class to each row, `[n, C]`."""
    counts: Floats = (grades[:, :, None] == np.arange(classes)).sum(axis=1).astype(np.float64)
    return counts


def cohen(grades: Grades) -> list[Agreement]:
    """Cohen's kappa (1960) of every two graders, as scikit-learn computes it."""
    from sklearn.metrics import cohen_kappa_score

    found = []
    for first, second in combinations(range(grades.shape[1]), 2):
        both = (grades[:, first] >= 0) & (grades[:, second] >= 0)
        one, other = grades[both, first], grades[both, second]
        # Where all grades are the same class, chance explains all agreement: 0 / 0.
        varied = len(np.unique(np.concatenate([one, other]))) > 1
        kappa = float(cohen_kappa_score(one, other)) if varied else math.nan
        found.append(Agreement(first, second, kappa, int(both.sum())))
    return found


def fleiss(grades: Grades, classes: int) -> float:
    """Fleiss' kappa (1971) of all graders on the photographs that two or more have graded; NaN where it means nothing.

    Where not all have graded all, a photograph's agreement is that of the pairs of those who have.
    """
    counts = votes(grades, classes)
    counts = counts[counts.sum(axis=1) > 1]
    if not len(counts):
        return math.nan
    each = counts.sum(axis=1)
    agreed = float(np.mean((counts * (counts - 1)).sum(axis=1) / (each * (each - 1))))
    by_chance = float(np.square(counts.sum(axis=0) / each.sum()).sum())
    return math.nan if by_chance == 1 else (agreed - by_chance) / (1 - by_chance)


def dawid_skene(grades: Grades, classes: int) -> Estimate:
    """What the photographs likely show and how each grader errs, by expectation maximisation from the shares of votes.

    Rows without any grade get the prior. In logarithms, on rows that are alike only once.
    Source: Dawid and Skene, Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm, 1979.
    """
    kinds, kind_of, often = np.unique(grades, axis=0, return_inverse=True, return_counts=True)
    seen = (kinds >= 0).any(axis=1)
    weight = np.where(seen, often, 0)[:, None]
    given = kinds[:, :, None] == np.arange(classes)  # [kinds, graders, C]
    counts = votes(kinds, classes)
    posterior = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    for _ in range(MOST_ROUNDS):
        prior, confusion = _maximised(posterior * weight, given)
        with np.errstate(divide="ignore"):
            logs = np.log(prior) + np.where(given, 1, 0).reshape(len(kinds), -1) @ _column_logs(confusion)
        logs -= logs.max(axis=1, keepdims=True)
        better = np.exp(logs)
        better /= better.sum(axis=1, keepdims=True)
        moved = float(np.abs(better - posterior)[seen].max(initial=0))
        posterior = better
        if moved < CLOSE:
            break
    return Estimate(posterior[kind_of.reshape(-1)], *_maximised(posterior * weight, given))


def _maximised(mass: Floats, given: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """The prior `[C]` and the confusion `[graders, C, C]` that make these posteriors likeliest.

    A class of which a grader has seen nothing says nothing of that grader: all answers are equally likely.
    """
    prior = mass.sum(axis=0) / mass.sum()
    counts = np.einsum("kc,kgl->gcl", mass, given.astype(np.float64))
    total = counts.sum(axis=2, keepdims=True)
    classes = mass.shape[1]
    confusion = np.where(total > 0, counts / np.where(total > 0, total, 1), 1 / classes)
    return prior, confusion


def _column_logs(confusion: Floats) -> Floats:
    """Logarithms as `[graders * answers, C]`. What never happened is so unlikely that it decides, yet stays finite."""
    logs = np.log(np.maximum(confusion, 1e-300))
    stacked: Floats = logs.transpose(0, 2, 1).reshape(-1, confusion.shape[1])
    return stacked

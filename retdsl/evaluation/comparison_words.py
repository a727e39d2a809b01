"""A comparison in words, as wide as a terminal, or as plain data.

Enters: a `Comparison`. Leaves: lines, or what JSON takes. Guaranteed: a difference that may be chance is said to be
one that cannot be told from it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from retdsl.evaluation.apart import apart
from retdsl.evaluation.comparing import Comparison, Duel, Figure
from retdsl.evaluation.words import interval_words, three, wrapped
from retdsl.runtime.figures_table import counts_in_words, key_in_words
from retdsl.runtime.files import finite
from retdsl.runtime.mean_answers import caution_of

NARROW = 72
"""Columns under which a row of a difference is broken in two."""


def comparison_lines(found: Comparison, width: int) -> list[str]:
    """Everything there is to tell."""
    lines = wrapped(_head(found), width)
    lines += [f"  {name:<{_longest(found)}}  {finished.record.path}" for name, finished in found.runs.items()]
    for name, count in found.alone.items():
        if count:
            lines += wrapped(f"{count} test photographs of {name} are not those of the others, and left out", width)
    for figure in found.figures:
        lines += ["", *_figure(found, figure, width)]
    lines += ["", *_conclusions(found, width)]
    (first, one), *others = found.runs.items()
    for name, other in others:
        lines += ["", *apart(first, one, name, other, width)]
    return lines


def comparison_json(found: Comparison) -> dict[str, Any]:
    """The same for programs."""
    shared = found.shared
    plain = {
        "runs": [
            {"name": name, "path": str(finished.record.path), "not_shared": found.alone[name]}
            for name, finished in found.runs.items()
        ],
        "images": len(shared),
        "patients": len(set(shared.patients)),
        "class_counts": _counts(found),
        "figures": [
            {
                "figure": figure.key,
                "at_frozen_threshold_of": figure.at,
                "higher_is_better": figure.higher_is_better,
                "runs": [{"run": s.run, "value": s.value, "ci": [s.low, s.high]} for s in figure.standings],
                "differences": [_duel_json(duel) for duel in figure.duels],
            }
            for figure in found.figures
        ],
    }
    return dict(finite(plain))


def _duel_json(duel: Duel) -> dict[str, Any]:
    difference, test = duel.difference, duel.delong
    facts = {
        "of": duel.second,
        "less": duel.first,
        "value": difference.value,
        "ci": [difference.low, difference.high],
        "p": difference.p,
        "p_holm": duel.adjusted,
        "verdict": duel.verdict,
    }
    if test is not None:
        facts["delong"] = {"difference": test.difference, "error": test.error, "z": test.z, "p": test.p}
    return facts


def _head(found: Comparison) -> str:
    shared = found.shared
    patients = len(set(shared.patients))
    counts = counts_in_words(_counts(found).items())
    return (
        f"{len(found.runs)} runs on the same {len(shared)} test photographs of {patients} "
        f"patient{'s' if patients != 1 else ''} ({counts})"
    )


def _counts(found: Comparison) -> dict[str, int]:
    labels = found.shared.labels
    each = [int((labels == at).sum() if labels.ndim == 1 else labels[:, at].sum()) for at in range(_classes(found))]
    return dict(zip(found.shared.classes, each, strict=True))


def _classes(found: Comparison) -> int:
    return len(found.shared.classes)


def _figure(found: Comparison, figure: Figure, width: int) -> Iterator[str]:
    better = "" if figure.higher_is_better else ", lower is better"
    if figure.at is None:
        yield f"{key_in_words(figure.key)}{better}"
    else:
        at = f"each run's own threshold, frozen on validation for {key_in_words(figure.at)}"
        yield from wrapped(f"{key_in_words(figure.key)} at {at}", width)
    names = [*found.runs, *(_less(duel) for duel in figure.duels)]
    longest = max(map(len, names))
    for one in figure.standings:
        yield f"  {one.run:<{longest}}  {three(one.value):>6}   {interval_words((one.low, one.high))}".rstrip()
    for duel in figure.duels:
        difference = duel.difference
        known = not math.isnan(difference.low)
        interval = f"{signed(difference.low)} to {signed(difference.high)}" if known else ""
        head = f"  {_less(duel):<{longest}}  {signed(difference.value):>6}   {interval:<16}"
        if len(head) + 16 > width or width < NARROW:
            yield head.rstrip()
            yield f"    {duel.verdict}"
        else:
            yield f"{head}  {duel.verdict}"


def _conclusions(found: Comparison, width: int) -> Iterator[str]:
    """What may be concluded, in plain words, of the first figure, on which the others mostly hang."""
    patients = len(set(found.shared.patients))
    of = "patients" if patients < len(found.shared) else "photographs"
    yield from wrapped(
        f"Intervals are 95 %, from 2000 resamples of the {patients} {of}, the same for every run. A difference whose "
        "interval contains 0 may be chance: such runs cannot be told apart on these photographs, which does not mean "
        "that they are alike.",
        width,
    )
    for figure in found.figures:
        for duel in figure.duels:
            if duel.delong is not None:
                yield from wrapped(_delong_words(duel, patients < len(found.shared)), width)
    if any(figure.at is not None for figure in found.figures):
        for name, finished in found.runs.items():
            if caution := caution_of(finished.record.test or {}):
                yield from wrapped(f"{name}: its {caution}.", width)
    if any(len(figure.duels) > 1 for figure in found.figures):
        yield from wrapped(
            "Of several comparisons one may differ by chance alone. `better` and `worse` are said where Holm's "
            "correction for the comparisons of a figure leaves p at 0.05 or less; it does not count the figures.",
            width,
        )


def _delong_words(duel: Duel, clustered: bool) -> str:
    test = duel.delong
    assert test is not None
    if math.isnan(test.p):
        why = (
            "no patient makes the difference smaller or larger"
            if test.error == 0
            else "too few patients have the class"
        )
        return f"DeLong's test of auc, {_less(duel)}: not defined, {why}"
    how = " over patients" if clustered else ""
    meaning = "the areas differ" if test.p <= 0.05 else "the areas cannot be told apart"
    p = "p < 0.001" if test.p < 0.001 else f"p = {test.p:.3f}"
    return f"DeLong's test of auc{how}, {_less(duel)}: {p}, {meaning}."


def _less(duel: Duel) -> str:
    return f"{duel.second} less {duel.first}"


def _longest(found: Comparison) -> int:
    return max(map(len, found.runs))


def signed(value: float) -> str:
    """`+0.028`; a `-` where there is none."""
    return "-" if math.isnan(value) else f"{value:+.3f}"

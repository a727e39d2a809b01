"""An evaluation in words, as wide as a terminal.

Enters: an `Evaluation`. Leaves: lines. Guaranteed: what there is no figure for is a `-`, never a number.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

from retdsl.evaluation.evaluating import Evaluation
from retdsl.runtime.figures_table import counts_in_words, figures_table, is_number


def evaluation_lines(found: Evaluation, labels: Path | None, width: int) -> list[str]:
    """What there is to tell of an evaluation. labels: of what it is, None for the run's test photographs."""
    answers = found.answers
    figures = {**found.figures, "images": len(answers), "patients": len(set(answers.patients))}
    return [*_head(found, labels, width), "", *figures_table(figures, width), *_verdict(found, width)]


def _head(found: Evaluation, labels: Path | None, width: int) -> list[str]:
    answers, record = found.answers, found.finished.record
    patients = len(set(answers.patients))
    counts = counts_in_words(found.facts[0]["class_counts"].items())
    if found.finished.is_ensemble:
        who = f"{record.name}, the mean of {len(found.finished.members)} members"
    else:
        best = (record.test or {}).get("best_epoch")
        who = f"{record.name}, epoch {found.epochs[0]}" + (" (the best)" if best == found.epochs[0] else "")
    what = "its test side" if labels is None else str(labels)
    images = f"{len(answers)} photographs of {patients} patient{'s' if patients != 1 else ''}"
    return wrapped(f"{who}, on {what}: {images} ({counts})", width)


def _verdict(found: Evaluation, width: int) -> list[str]:
    if found.same is None:
        return []
    if found.same and found.apart:
        how = f"but for rounding: probabilities are within {found.apart:.1g}, as where another engine computes them"
        return ["", *wrapped(f"the same as test.json and predictions.csv {how}", width)]
    if found.same:
        return ["", *wrapped("the same as test.json and predictions.csv, bit by bit", width)]
    lines = ["", "not the same as test.json:"]
    for difference in found.differences[:5]:
        lines += wrap(difference, width, initial_indent="  - ", subsequent_indent="    ", break_long_words=False)
    more = len(found.differences) - 5
    return [*lines, f"  ... and {more} more"] if more > 0 else lines


def wrapped(text: str, width: int) -> list[str]:
    """A text in lines, broken between words only."""
    return wrap(text, width, break_long_words=False, break_on_hyphens=False)


def three(value: object) -> str:
    """A figure with three digits behind the point."""
    return f"{value:.3f}" if is_number(value) else "-"


def interval_words(interval: Sequence[Any] | None) -> str:
    """`0.912 to 0.981`; nothing where there is none."""
    if not interval or not all(is_number(end) for end in interval):
        return ""
    return f"{interval[0]:.3f} to {interval[1]:.3f}"

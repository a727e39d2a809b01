"""An evaluation in words, as wide as a terminal.

Enters: an `Evaluation`. Leaves: lines. Guaranteed: what there is no figure for is a `-`, never a number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

from retdsl.evaluation.asking import Evaluation, is_number

INTERVAL = "_ci"
"""What the key of an interval has behind that of its figure."""

NOT_FIGURES = ("operating_points", "per_patient", "intervals")
"""Keys of `judge` that hold more than a figure."""


def evaluation_lines(found: Evaluation, labels: Path | None, width: int) -> list[str]:
    """What there is to tell of an evaluation. labels: of what it is, None for the run's test photographs."""
    return [*_head(found, labels, width), "", *_tables(found, width), *_verdict(found, width)]


def _head(found: Evaluation, labels: Path | None, width: int) -> list[str]:
    answers, record = found.answers, found.finished.record
    patients = len(set(answers.patients))
    counts = ", ".join(f"{count} {name}" for name, count in found.facts[0]["class_counts"].items())
    if found.finished.is_ensemble:
        who = f"{record.name}, the mean of {len(found.finished.members)} members"
    else:
        best = (record.test or {}).get("best_epoch")
        who = f"{record.name}, epoch {found.epochs[0]}" + (" (the best)" if best == found.epochs[0] else "")
    what = "its test side" if labels is None else str(labels)
    images = f"{len(answers)} photographs of {patients} patient{'s' if patients != 1 else ''}"
    return _wrapped(f"{who}, on {what}: {images} ({counts})", width)


def _tables(found: Evaluation, width: int) -> Iterator[str]:
    figures = found.figures
    yield from _table("each photograph", figures, width)
    per_patient = figures.get("per_patient")
    if isinstance(per_patient, Mapping) and len(set(found.answers.patients)) < len(found.answers):
        yield ""
        yield from _table("each patient, the worse eye decides", per_patient, width)
    for point in figures.get("operating_points", ()):
        yield ""
        finding = f", {point['finding']}" if "finding" in point else ""
        threshold = f"{point['threshold']:.4g}" if is_number(point.get("threshold")) else "none"
        yield from _wrapped(f"threshold {threshold}{finding}, chosen on validation for {point['metric']}", width)
        yield from _rows(point, width)


def _table(title: str, figures: Mapping[str, Any], width: int) -> Iterator[str]:
    yield title
    yield from _rows(figures, width)


def _rows(figures: Mapping[str, Any], width: int) -> Iterator[str]:
    """`  auc    0.953   0.912 to 0.981`."""
    keys = [key for key, value in figures.items() if _is_figure(key, value, figures)]
    longest = max(map(len, keys), default=0)
    beside = longest + 2 + 7 + 3 + 14 <= width
    for key in keys:
        value = three(figures[key])
        interval = interval_words(figures.get(key + INTERVAL))
        if beside:
            yield f"  {key:<{longest}}  {value:>6}   {interval}".rstrip()
        else:
            yield f"  {key}"
            yield f"    {value:>6}  {interval}".rstrip()


def _is_figure(key: str, value: object, figures: Mapping[str, Any]) -> bool:
    if key in (*NOT_FIGURES, "threshold", "finding", "metric", "chosen_on", "on_validation") or key.endswith(INTERVAL):
        return False
    return is_number(value) or value is None or isinstance(value, float) or key + INTERVAL in figures


def _verdict(found: Evaluation, width: int) -> list[str]:
    if found.same is None:
        return []
    if found.same:
        return ["", "the same as test.json and predictions.csv, bit by bit"]
    lines = ["", "not the same as test.json:"]
    for difference in found.differences[:5]:
        lines += wrap(difference, width, initial_indent="  - ", subsequent_indent="    ", break_long_words=False)
    more = len(found.differences) - 5
    return [*lines, f"  ... and {more} more"] if more > 0 else lines


def _wrapped(text: str, width: int) -> list[str]:
    return wrap(text, width, break_long_words=False, break_on_hyphens=False)


def three(value: object) -> str:
    """A figure with three digits behind the point."""
    return f"{value:.3f}" if is_number(value) else "-"


def interval_words(interval: Sequence[Any] | None) -> str:
    """`0.912 to 0.981`; nothing where there is none."""
    if not interval or not all(is_number(end) for end in interval):
        return ""
    return f"{interval[0]:.3f} to {interval[1]:.3f}"

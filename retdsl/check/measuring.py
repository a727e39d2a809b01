"""Warnings about metrics that say little on the photographs at hand: accuracy alone, an operating point on a few.

Enters: the metrics, the classes and their counts where they are known, and where the spec says so. Leaves: R703, R709.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from retdsl.balance.counts import SIDES, Counts, Side, shares_of
from retdsl.balance.numbers import about, percent, whole_percent
from retdsl.check.imbalance import NEARLY_BALANCED
from retdsl.diagnostics import Diagnostics, Fix, Label
from retdsl.ir import Call
from retdsl.records import dataclass
from retdsl.schema.metrics import TWO_CLASS_METRICS
from retdsl.source import Span

FEWEST = 10
"""Photographs of a class, below which a share of them says next to nothing: of 10, an 80 % lies anywhere from 49 to
94 %, and one photograph more or less moves it by 10 points.
"""

GOOD = 0.10
"""Half the width of an interval that a study can be planned for: plus or minus 10 points."""

MOST_MEASURED = 0.6
"""Validation and test are not advised to grow beyond this share of all photographs: the rest is to learn from."""

HANG_ON_THE_FOUND = frozenset({"ppv", "npv", "f1"})
"""Metrics of two classes that are made of the share of the last class that is found."""

SIDE_WORDS = {"valid": "validation", "test": "test"}


@dataclass(frozen=True, slots=True)
class Point:
    """What a metric measures: a share of the class `measured`, at a threshold that is set by the class `held` so that
    this share `at` of it is right; no threshold without `at`. share: False if the figure is none itself, and only hangs
    on one.
    """

    measured: int
    held: int
    at: float | None
    share: bool = True


def operating_point(metric: Call) -> Point | None:
    """What a metric of two classes measures; None for the others, which no threshold is set for."""
    if metric.name in HANG_ON_THE_FOUND:
        return Point(1, 0, None, share=False)
    if metric.name not in TWO_CLASS_METRICS:
        return None
    finds = metric.name == "sensitivity"
    at = metric["at_specificity" if finds else "at_sensitivity"]
    return Point(1 if finds else 0, 0 if finds else 1, at if isinstance(at, float) else None)


def check_accuracy_alone(
    metrics: Sequence[Call], classes: Sequence[str], counts: Counts | None, span: Span, out: Diagnostics
) -> None:
    """Accuracy as the only metric, unless the classes are known to be nearly balanced."""
    if any(metric.name != "accuracy" for metric in metrics):
        return
    note = "who calls every eye healthy is right 98.5 % of the time at 200 : 3"
    if counts is not None:
        total = counts.total
        most = max(range(len(total)), key=total.__getitem__)
        if total[most] < NEARLY_BALANCED * min(total):
            return
        note = (
            f"who always answers `{classes[most]}` is right {percent(total[most] / sum(total))} of the time: "
            f"{total[most]} of {sum(total)}"
        )
    helps = ["add `auc`, `balanced_accuracy` or `sensitivity`"]
    end = Span(span.source, span.end - 1, span.end - 1)
    fixes = [Fix.at(end, ", auc")] if span.text.endswith("]") else []
    out.report("R703", "accuracy is the only metric", Label(span), notes=[note], helps=helps, fixes=fixes)


@dataclass(frozen=True, slots=True)
class Asked:
    """A metric, where it is written, and where the best epoch is chosen by it, if it is."""

    metric: Call
    span: Span
    kept: Span | None = None


@dataclass(frozen=True, slots=True)
class Scarce:
    """A metric that hangs on too few photographs of the class `label`: those of the sides `few` are what it measures,
    or those of `edge` what sets its threshold.
    """

    asked: Asked
    point: Point
    label: int
    few: dict[str, Side]
    edge: dict[str, Side]


def check_operating_points(
    metrics: Sequence[Asked], classes: Sequence[str], split: Call, counts: Counts, out: Diagnostics
) -> None:
    """Reports metrics that the validation or the test side has too few photographs for: each class that is short once,
    with the metric that the best epoch is chosen by, or else the first, as the subject.
    """
    if len(classes) != 2:
        return
    by_class: dict[int, list[Scarce]] = {}
    for asked in sorted(metrics, key=lambda asked: asked.kept is None):
        scarce = _scarce(asked, counts)
        if scarce is not None:
            by_class.setdefault(scarce.label, []).append(scarce)
    for first, *others in by_class.values():
        spans = dict.fromkeys(other.asked.span for other in others if other.asked.span != first.asked.span)
        places = [Label(span, "hangs on them, too") for span in spans]
        if first.asked.kept is not None:
            places.insert(0, Label(first.asked.kept, "and the best epoch is chosen by it"))
        if first.few:
            _report_few(first, places, classes, split, counts, out)
        else:
            _report_edge(first, places, classes, counts, out)


def _scarce(asked: Asked, counts: Counts) -> Scarce | None:
    point = operating_point(asked.metric)
    if point is None:
        return None
    sides = {"valid": counts.valid, "test": counts.test}
    few = {name: side for name, side in sides.items() if 0 < side.photographs[point.measured] < FEWEST}
    edge = {name: side for name, side in sides.items() if _is_edge(side, point)}
    return Scarce(asked, point, point.measured if few else point.held, few, edge) if few or edge else None


def _is_edge(side: Side, point: Point) -> bool:
    """Whether only all photographs of the class that sets the threshold make the share that is asked of it."""
    if point.at is None or point.at >= 1 or side.photographs[point.held] == 0:
        return False
    return side.photographs[point.held] * (1 - point.at) < 1 - 1e-9


def _report_few(
    scarce: Scarce,
    places: Sequence[Label],
    classes: Sequence[str],
    split: Call,
    counts: Counts,
    out: Diagnostics,
) -> None:
    from retdsl.balance.precision import TYPICAL, wilson

    name, title = next(iter(scarce.few)), classes[scarce.label]
    number = scarce.few[name].photographs[scarce.label]
    found = round(TYPICAL * number)
    takes = f"of {number}, it can take {number + 1} values only"
    if not scarce.point.share:
        takes = f"hangs on how many of {number} are found"
    low, high = wilson(found, number)
    have = _have(scarce.few, scarce.label, title, counts.exact)
    helps = _more_cases(scarce, name, title, split, counts)
    if scarce.asked.kept is not None:
        helps.append("choose the best epoch by `auc`, which goes by the order of all photographs")
    if split.name == "folds":
        helps.append("let every fold validate in turn, and see how far the figures spread")
    elif split.name == "by_patient":
        helps.append("repeat it with other seeds of the split, and see how far the figures spread")
    out.report(
        "R709",
        f"{have}, too few to measure the {scarce.asked.metric.name}",
        Label(scarce.asked.span, takes),
        *places,
        notes=[
            f"{found} of {number} right, {whole_percent(found / number)}, would mean anything from "
            f"{100 * low:.0f} to {whole_percent(high)} (95 % interval)"
        ],
        helps=helps,
    )


def _more_cases(scarce: Scarce, name: str, title: str, split: Call, counts: Counts) -> list[str]:
    """How many photographs a side needs, and how the split could give it more."""
    from retdsl.balance.precision import cases_needed

    needed, shares = cases_needed(GOOD), shares_of(split)
    goal = f"plus or minus {100 * GOOD:.0f} points take {needed} photographs on a side"
    share = 0.0 if shares is None else dict(zip(SIDES, shares, strict=True))[name]
    if share == 0:  # nobody knows what the side is a share of
        return [goal]
    said = f"k = {split['k']}" if split.name == "folds" and name == "valid" else f"{name} = {100 * share:g}%"
    helps = [f"{goal}: with {said}, {math.ceil(needed / share - 1e-9)} `{title}` in all"]
    enough = -(-100 * FEWEST // counts.total[scarce.label])
    if split.name == "by_patient":
        sides = {side: float(str(split[side])) for side in SIDE_WORDS} | dict.fromkeys(scarce.few, enough / 100)
        if share < enough / 100 and sum(sides.values()) <= MOST_MEASURED:
            larger = " and ".join(f"{side} = {enough}%" for side in scarce.few)
            helps.append(f"or more on a side: {larger} would have {FEWEST}" + " each" * (len(scarce.few) > 1))
    return helps


def _report_edge(
    scarce: Scarce, places: Sequence[Label], classes: Sequence[str], counts: Counts, out: Diagnostics
) -> None:
    share, held = scarce.point.at, classes[scarce.label]
    assert share is not None, "no threshold, no edge"
    wanted, needed = f"{100 * share:g} %", math.ceil(1 / (1 - share) - 1e-9)
    have = _have(scarce.edge, scarce.label, held, counts.exact)
    out.report(
        "R709",
        f"{have}: too few for {wanted} of them to be told from all of them",
        Label(scarce.asked.span, f"at least {wanted} is all of them"),
        *places,
        notes=[f"the threshold then hangs on a single photograph, the hardest `{held}` of its side"],
        helps=[f"from {needed} photographs on, {wanted} leaves room for one that is missed"],
    )


def _have(sides: dict[str, Side], label: int, title: str, exact: bool) -> str:
    """`validation has about 6 photographs of `infected`, and test about 5`."""
    numbers = [(SIDE_WORDS[name], about(side.photographs[label], exact)) for name, side in sides.items()]
    (first, number), *others = numbers
    noun = "photograph" if number.split()[-1] == "1" else "photographs"
    return f"{first} has {number} {noun} of `{title}`" + "".join(f", and {side} {more}" for side, more in others)

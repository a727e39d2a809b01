"""Metrics that do not fit what they are asked of: the classes, the labels, the training.

Enters: the metrics of an experiment, and where they are written. Leaves: R705, R726, R727, R728.
"""

from __future__ import annotations

from collections.abc import Sequence

from retdsl.balance.numbers import ratio_text
from retdsl.balance.prior import Seen
from retdsl.check.heads import classes_of, has_findings
from retdsl.check.options import Context
from retdsl.check.settings import Settings
from retdsl.diagnostics import Label
from retdsl.ir import Call, DataPlan, Experiment
from retdsl.schema.metrics import GRADED_METRICS, PROBABILITY_METRICS, TWO_CLASS_METRICS
from retdsl.source import Span
from retdsl.syntax import tree as t

SHIFTED = 2.0
"""From this factor on between classes as they are and as the network sees them, probabilities are another thing."""


def places_of(metrics: Sequence[Call], checked: Settings, otherwise: Span) -> list[Span]:
    """Where each metric is written."""
    value = checked.written.get("metrics")
    if isinstance(value, t.Listing) and len(value.items) == len(metrics):
        return [item.span for item in value.items]
    return [checked.part("metrics", metric.name, otherwise) for metric in metrics]


def check_metrics(metrics: Sequence[Call], places: Sequence[Span], data: DataPlan, ctx: Context) -> None:
    """What classes and labels say of the metrics."""
    several, count = has_findings(data), len(data.classes)
    for metric, place in zip(metrics, places, strict=True):
        if metric.name in TWO_CLASS_METRICS and count != 2 and not several:
            text = f"`{metric.name}` is for two classes, and there are {count}"
            helps = ["use `auc` or `balanced_accuracy`"]
            ctx.out.report("R705", text, Label(place), *classes_of(data.name, count, ctx), helps=helps)
        if metric.name in GRADED_METRICS and several:
            _report_no_grades(metric, place, data, ctx)
        elif metric.name in GRADED_METRICS and count == 2:
            _report_two_grades(metric, place, data, ctx)


def check_calibration(experiment: Experiment, seen: Seen, places: Sequence[Span], marked: Span, ctx: Context) -> None:
    """Whether probabilities are measured that sampling and weights shift on purpose.

    seen: in the last epoch; marked: where the sampling is written, or the model with its weights.
    """
    labels, effective = seen.labels, seen.effective
    if labels is None or effective is None or min(labels) <= 0 or min(effective) <= 0:
        return
    factors = [here / there for here, there in zip(effective, labels, strict=True)]
    asked = zip(experiment.training.metrics, places, strict=True)
    found = [(metric, place) for metric, place in asked if metric.name in PROBABILITY_METRICS]
    if not found or max(factors) < SHIFTED * min(factors):
        return
    (metric, first), *others = found
    order = " : ".join(experiment.data.classes)
    ctx.out.report(
        "R728",
        f"`{metric.name}` will measure probabilities that the training shifts on purpose",
        Label(first),
        *(Label(place, "as does this") for _, place in others),
        Label(marked, f"makes {ratio_text(labels)} into {ratio_text(effective)}"),
        notes=[
            f"the network sees `{order}` as {ratio_text(effective)}, and a class is called the more likely, the more "
            "often it is seen"
        ],
        helps=["judge by `auc` and operating points, which go by the order of the photographs"],
    )


def _report_no_grades(metric: Call, place: Span, data: DataPlan, ctx: Context) -> None:
    ctx.out.report(
        "R726",
        f"`{metric.name}` is for grades, and photographs of `{data.name}` have several findings",
        Label(place),
        *classes_of(data.name, len(data.classes), ctx),
        notes=["grades are classes in order, of which a photograph has one; a finding is there or not"],
        helps=["use `auc`, `f1` or `balanced_accuracy`, which ask about each finding"],
    )


def _report_two_grades(metric: Call, place: Span, data: DataPlan, ctx: Context) -> None:
    ctx.out.report(
        "R727",
        f"`{metric.name}` has two grades to tell apart, and nothing to weigh",
        Label(place, "here it is Cohen's kappa without weights"),
        *classes_of(data.name, 2, ctx),
        notes=["whoever is wrong by one grade of two is wrong by all; and kappa falls with the prevalence alone"],
        helps=["use `sensitivity(at_specificity = 90%)`, `balanced_accuracy` or `auc`"],
    )

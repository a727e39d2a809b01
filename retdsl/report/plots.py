"""The plots of the page.

Enters: the epochs of a run, questions with their truth and scores. Leaves: a `Plot` each: its caption and its picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from markupsafe import Markup

from retdsl.report import measured
from retdsl.report.drawing import ACCENT, CARD, EDGE, INK, LINE, SOFT, class_colour, draw
from retdsl.report.questions import Asked, Question
from retdsl.report.words import figure_name, percent
from retdsl.runtime.figures_table import is_number

DASHES = ("-", (0, (5, 1.6)), (0, (1.4, 1.4)), (0, (6, 1.6, 1.4, 1.6)))
"""Lines that are told apart without their colours, too."""

SCORE_BINS = 25

LOW, SQUARE = 2.7, 3.9
"""Heights of plots, in inches: of a course, and of what has the same axis twice."""


class Plot(NamedTuple):
    """title, about: its caption."""

    title: str
    about: str
    svg: Markup


def epoch_plots(epochs: Sequence[Mapping[str, Any]], best: int | None, phases: Sequence[int]) -> list[Plot]:
    """How the loss, every metric and the rate went. phases: the epochs in which more begins to be trained."""
    figures = [line.get(side) or {} for line in epochs for side in ("train", "valid")]
    keys = dict.fromkeys(key for found in figures for key, value in found.items() if is_number(value))
    plots = [_course(key, epochs, best, phases) for key in keys]
    if any(is_number(line.get("learning_rate")) for line in epochs):
        plots.append(_rate(epochs, phases))
    return plots


def _course(key: str, epochs: Sequence[Mapping[str, Any]], best: int | None, phases: Sequence[int]) -> Plot:
    title = figure_name(key)
    at = [line["epoch"] for line in epochs]
    sides = {side: [_number((line.get(side) or {}).get(key)) for line in epochs] for side in ("train", "valid")}

    def paint(axes: Any) -> None:
        _mark_phases(axes, phases)
        for side, label, style in (("train", "train", (SOFT, DASHES[1])), ("valid", "validation", (ACCENT, DASHES[0]))):
            known = [(x, y) for x, y in zip(at, sides[side], strict=True) if not np.isnan(y)]
            if known:
                marker = "o" if len(known) < max(3, len(at)) else None  # what lies between was not measured
                x, y = zip(*known, strict=True)
                axes.plot(x, y, color=style[0], linestyle=style[1], label=label, marker=marker, markersize=4)
        if best in at:
            on_it = [sides[side][at.index(best)] for side in ("valid", "train")]
            height = next((value for value in on_it if not np.isnan(value)), float("nan"))
            ring = {"markersize": 7, "markerfacecolor": CARD, "markeredgewidth": 1.8}
            axes.plot([best], [height], "o", color=ACCENT, label=f"best: {height:.3f}", **ring)
        axes.set_xlabel("epoch")
        _whole_epochs(axes, at)
        axes.legend(loc="best", handlelength=2.4)

    ends = [side for side in ("valid", "train") if not np.isnan(sides[side]).all()]
    about = "; ".join(f"{'validation' if s == 'valid' else s}: {_span(sides[s])}" for s in ends)
    return Plot(
        title, "", draw(f"epochs-{key}".replace("_", "-").replace(".", "-"), f"{title} by epoch", about, paint, LOW)
    )


def _rate(epochs: Sequence[Mapping[str, Any]], phases: Sequence[int]) -> Plot:
    at, rates = [line["epoch"] for line in epochs], [_number(line.get("learning_rate")) for line in epochs]

    def paint(axes: Any) -> None:
        _mark_phases(axes, phases)
        axes.plot(at, rates, color=INK, marker="o" if len(at) < 3 else None)
        axes.set_ylim(0, max(np.nanmax(rates) * 1.08, 1e-12))
        axes.set_xlabel("epoch")
        _whole_epochs(axes, at)

    return Plot(
        "learning rate",
        "at the end of each epoch",
        draw("epochs-rate", "learning rate by epoch", _span(rates), paint, LOW),
    )


def seen_plot(epochs: Sequence[Mapping[str, Any]], classes: Sequence[str]) -> Plot | None:
    """The photographs of each class that every epoch showed to the network. None if the run does not say."""
    at = [line["epoch"] for line in epochs if isinstance(line.get("images"), Mapping)]
    if not at:
        return None
    seen = {
        name: [line["images"].get(name, 0) for line in epochs if isinstance(line.get("images"), Mapping)]
        for name in classes
    }

    def paint(axes: Any) -> None:
        for place, (name, counts) in enumerate(seen.items()):
            axes.plot(
                at, counts, color=class_colour(place), linestyle=DASHES[place % len(DASHES)], label=name,
                marker="o" if len(at) < 3 else None, drawstyle="steps-mid",
            )  # fmt: skip
        axes.set_ylim(0, max(1, max(map(max, seen.values()))) * 1.12)
        axes.set_xlabel("epoch")
        _whole_epochs(axes, at)
        axes.legend(loc="best", handlelength=2.4)

    about = "; ".join(f"{name}: {_span(counts)}" for name, counts in seen.items())
    title = "photographs that an epoch saw"
    return Plot(title, "as its sampling drew them", draw("seen", title, about, paint, LOW))


def roc_plot(asked: Asked) -> Plot | None:
    """How many are found for how many false alarms. None where a side lacks a class."""
    return _curves("roc", asked)


def pr_plot(asked: Asked) -> Plot | None:
    """How many alarms are right for how many that are found."""
    return _curves("pr", asked)


def _curves(kind: str, asked: Asked) -> Plot | None:
    questions = [question for question in asked.questions if question.decided]
    if not questions:
        return None
    make = measured.roc if kind == "roc" else measured.precision_recall
    curves = [make(question.truth, question.scores, asked.answers.patients) for question in questions]
    alone = len(questions) == 1

    def paint(axes: Any) -> None:
        if kind == "roc":
            axes.plot([0, 1], [0, 1], color=EDGE, linewidth=1)
        elif alone:
            axes.axhline(questions[0].truth.mean(), color=EDGE, linewidth=1)
        for question, curve in zip(questions, curves, strict=True):
            colour = ACCENT if alone else class_colour(question.at)
            if alone and curve.low is not None:
                axes.fill_between(measured.GRID, curve.low, curve.high, color=colour, alpha=0.16, linewidth=0)
            style = DASHES[0 if alone else question.at % len(DASHES)]
            x, y = _corners(curve.x, curve.y)
            axes.plot(x, y, color=colour, linestyle=style, label=question.positive, solid_joinstyle="miter")
            if question.threshold is not None:
                point = _point(kind, question, asked)
                axes.plot(*point, "o", color=colour, markersize=8, markerfacecolor=CARD, markeredgewidth=2)
                if alone:
                    below = (14, -12) if kind == "roc" else (-14, -12)
                    words = axes.annotate(
                        "operating point",
                        point,
                        below,
                        textcoords="offset points",
                        va="top",
                        ha="left" if kind == "roc" else "right",
                        arrowprops={"arrowstyle": "-", "color": SOFT, "linewidth": 0.8, "shrinkB": 5},
                    )
                    words.set_in_layout(False)
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)
        axes.set_aspect("equal", adjustable="box", anchor="W")
        _in_percent(axes.xaxis)
        _in_percent(axes.yaxis)
        name, other = _named(questions[0]) if alone else ("photographs", "others")
        if kind == "roc":
            axes.set_xlabel(f"false alarms among {other}")
            axes.set_ylabel(f"{name} found")
        else:
            axes.set_xlabel(f"{name} found")
            axes.set_ylabel("alarms that are right")
        if not alone:
            axes.legend(loc="lower right" if kind == "roc" else "lower left", handlelength=2.6)

    title, about = {
        "roc": ("found, and false alarms", "The ROC curve: every threshold is a point on it."),
        "pr": (
            "found, and alarms that are right",
            "Precision and recall, with the classes as frequent as they are here.",
        ),
    }[kind]
    points = [(q, _point(kind, q, asked)) for q in questions if q.threshold is not None]
    spoken = "; ".join(f"{q.positive}: at the operating point {percent(x)} and {percent(y)}" for q, (x, y) in points)
    band = " The band holds 95 % of the curves of patients drawn anew." if alone and curves[0].low is not None else ""
    return Plot(title, about + band, draw(kind, title, spoken or about, paint, SQUARE))


def _point(kind: str, question: Question, asked: Asked) -> tuple[float, float]:
    """Where a frozen threshold stands on a curve."""
    said, truth = asked.said(question), question.truth
    found = float(said[truth].mean())
    right = float(truth[said].mean()) if said.any() else 1.0
    return (float(said[~truth].mean()), found) if kind == "roc" else (found, right)


def score_plots(asked: Asked) -> list[Plot]:
    """How the network's scores lie for those that are positive and those that are not."""
    return [_scores(question, asked) for question in asked.questions if question.decided]


def _scores(question: Question, asked: Asked) -> Plot:
    edges = np.linspace(0, 1, SCORE_BINS + 1)
    binary = asked.binary
    sides = (
        (question.negative, ~question.truth, class_colour(0) if binary else SOFT),
        (question.positive, question.truth, class_colour(question.at)),
    )

    def paint(axes: Any) -> None:
        for at, (name, those, colour) in enumerate(sides):
            values = measured.shares(question.scores[those], edges)
            axes.stairs(values, edges, color=colour, fill=True, alpha=0.28)
            axes.stairs(
                values, edges, color=colour, linewidth=1.8, linestyle=DASHES[at], label=f"{name} ({those.sum():,})"
            )
        if question.threshold is not None:
            axes.axvline(question.threshold, color=LINE, linewidth=1.4, label=f"threshold {question.threshold:.3g}")
        axes.set_xlim(0, 1)
        _in_percent(axes.yaxis)
        axes.set_xlabel(f"probability of {question.positive}")
        axes.set_ylabel("share of each class")
        axes.legend(loc="upper center")

    about = "; ".join(f"{name}: median {np.median(question.scores[those]):.3f}" for name, those, _ in sides)
    title = f"scores of {question.positive} and {question.negative}"
    return Plot(
        title,
        "Each class by itself, so that a rare one shows as well.",
        draw(f"scores-{question.at}", title, about, paint, SQUARE),
    )


def calibration_plots(asked: Asked) -> list[Plot]:
    """Whether a probability means what it says."""
    return [_calibration(question) for question in asked.questions if question.decided]


def _calibration(question: Question) -> Plot:
    found = measured.reliability(question.truth, question.scores)
    edges = np.linspace(0, 1, measured.BINS + 1)

    def paint(both: Any) -> None:
        axes, below = both
        axes.plot([0, 1], [0, 1], color=EDGE, linewidth=1)
        errors = np.maximum(0, [found.share - found.low, found.high - found.share])
        axes.errorbar(found.score, found.share, errors, color=ACCENT, fmt="none", linewidth=1.2, alpha=0.7)
        sizes = 22 + 110 * found.count / found.count.max()
        axes.scatter(found.score, found.share, sizes, color=ACCENT, linewidths=0, zorder=3, clip_on=False)
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)
        _in_percent(axes.yaxis)
        axes.set_ylabel(f"are {question.positive}")
        counts = np.histogram(question.scores, edges)[0]
        below.stairs(counts, edges, color=SOFT, fill=True, alpha=0.35)
        below.set_ylabel("photos")
        below.locator_params(axis="y", nbins=3, integer=True)
        _in_percent(below.xaxis)
        below.set_xlabel(f"said: {question.positive}")

    pairs = zip(found.score, found.share, found.count, strict=True)
    about = "; ".join(f"said {percent(said)}, are {percent(are)} of {n}" for said, are, n in pairs)
    title = f"what is said of {question.positive}, and what is"
    return Plot(
        title,
        "On the line a score means what it says: of those with 70 %, 70 % are. Bars hold 95 %.",
        draw(f"calibration-{question.at}", title, about, paint, SQUARE, (3, 1)),
    )


def _named(question: Question) -> tuple[str, str]:
    return question.positive, question.negative


def _corners(x: Any, y: Any) -> tuple[Any, Any]:
    """The points of a curve without those on a straight line between their neighbours."""
    if len(x) < 3:
        return x, y
    before, after = np.stack([np.diff(x)[:-1], np.diff(y)[:-1]]), np.stack([np.diff(x)[1:], np.diff(y)[1:]])
    turns = np.abs(before[0] * after[1] - before[1] * after[0]) > 1e-15
    kept = np.r_[True, turns, True]
    return x[kept], y[kept]


def _mark_phases(axes: Any, phases: Sequence[int]) -> None:
    """Lines before the epochs in which more of the network begins to be trained."""
    for at, epoch in enumerate(phases):
        label = None if at else "more is trained"
        axes.axvline(epoch - 0.5, color=SOFT, linewidth=1, linestyle=DASHES[2], label=label)


def _whole_epochs(axes: Any, at: Sequence[int]) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(7, integer=True))
    axes.set_xlim(min(at) - 0.5, max(at) + 0.5)


def _in_percent(axis: Any) -> None:
    from matplotlib.ticker import PercentFormatter

    axis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))


def _number(value: Any) -> float:
    return float(value) if is_number(value) else float("nan")


def _span(values: Sequence[float]) -> str:
    first, last = values[0], values[-1]
    return f"from {first:.4g} to {last:.4g}"

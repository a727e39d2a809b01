"""What a run has come to, in sentences that need no table.

Enters: questions with their answers, and test.json. Leaves: sentences as HTML. Guaranteed: counts come from the
answers, intervals from test.json alone; nothing is said of a threshold that was not frozen before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from retdsl.report.questions import Asked, Question
from retdsl.report.words import counted, figure, figure_name, interval, percent
from retdsl.runtime.figures_table import class_in_words, is_number


@dataclass(frozen=True)
class Headline:
    """One large figure: its value, its interval, what it is."""

    value: str
    interval: str
    name: str


def sentences(asked: Asked, test: Mapping[str, Any]) -> Iterator[Markup]:
    """What it finds and what it takes for it, each question by itself; by patient; and how well it ranks."""
    if asked.exclusive and not asked.binary:
        right = int((asked.answers.probabilities.argmax(axis=1) == asked.answers.labels).sum())
        yield Markup("The most probable of {} classes is the right one for <b>{} of {}</b> photographs{}.").format(
            len(asked.answers.classes), right, len(asked.answers), _in_brackets(test, "accuracy")
        )
    for question in [asked.main] if asked.exclusive else asked.questions:
        if question.truth.any():
            yield _found(asked, question, _point(test, asked, question))
    point = _point(test, asked, asked.main)
    if asked.exclusive and point and asked.main.threshold is not None:
        yield Markup(
            "The threshold of <b>{:.3g}</b> was chosen on {} for {}, and frozen before {} was looked at."
        ).format(
            asked.main.threshold,
            point.get("chosen_on", "validation"),
            figure_name(str(point.get("metric"))),
            "the test side",
        )
    patients = _point(test.get("per_patient") or {}, asked, asked.main)
    if asked.exclusive and is_number(patients.get("sensitivity")):
        yield Markup("By patient, for whom the worse eye decides, sensitivity is {}{} and specificity {}{}.").format(
            figure("sensitivity", patients["sensitivity"]),
            _in_brackets(patients, "sensitivity"),
            figure("specificity", patients.get("specificity")),
            _in_brackets(patients, "specificity"),
        )
    if is_number(test.get("auc")) and asked.binary:
        yield Markup(
            "Of one {} and one {} photograph, the {} one has the higher score {} times in 100 (AUC {}{})."
        ).format(
            asked.main.positive,
            asked.main.negative,
            asked.main.positive,
            percent(test["auc"]).removesuffix(" %"),
            figure("auc", test["auc"]),
            f", {interval('auc', test.get('auc_ci'))}" if interval("auc", test.get("auc_ci")) else "",
        )


def headlines(asked: Asked, test: Mapping[str, Any]) -> list[Headline]:
    """At most three figures: those of the operating point and auc, or else the first that there are."""
    point = _point(test, asked, asked.main)
    found = (
        [(point, key) for key in ("sensitivity", "specificity") if is_number(point.get(key))] if asked.exclusive else []
    )
    keys = [key for key in ("auc", "accuracy", "balanced_accuracy", "quadratic_kappa") if is_number(test.get(key))]
    chosen = [*found, *((test, key) for key in keys)][:3]
    return [Headline(figure(key, of[key]), interval(key, of.get(f"{key}_ci")), figure_name(key)) for of, key in chosen]


def _found(asked: Asked, question: Question, point: Mapping[str, Any]) -> Markup:
    said, truth = asked.said(question), question.truth
    found, alarms, positive, others = (int(n.sum()) for n in (said & truth, said & ~truth, truth, ~truth))
    share = percent(found / positive)
    name = class_in_words(question.positive)
    sentence = Markup("It finds <b>{} of {}</b> {} photographs ({}{})").format(
        found,
        f"{positive:,}",
        name,
        share,
        _after_comma(interval("sensitivity", point.get("sensitivity_ci"))),
    )
    if others:
        sentence += Markup(", and takes <b>{} of {}</b> {} for {} ({}{})").format(
            alarms,
            f"{others:,}",
            f"{question.negative} ones" if asked.binary else "others",
            name,
            percent(alarms / others),
            _after_comma(interval("specificity", _mirrored(point.get("specificity_ci")))),
        )
    return sentence + "."


def in_all(asked: Asked) -> str:
    """`140 photographs of 75 patients`."""
    return f"{counted(len(asked.answers), 'photograph')} of {counted(len(set(asked.answers.patients)), 'patient')}"


def _point(test: Mapping[str, Any], asked: Asked, question: Question) -> Mapping[str, Any]:
    """The operating point that a question has its threshold from; empty if it has none."""
    points = [p for p in test.get("operating_points") or () if is_number(p.get("threshold"))]
    if not asked.exclusive:
        points = [p for p in points if p.get("finding") == question.positive]
    return points[0] if points and question.threshold is not None else {}


def _mirrored(ends: Any) -> Any:
    """The interval of what is left to 1."""
    return (
        [1 - ends[1], 1 - ends[0]] if isinstance(ends, list) and len(ends) == 2 and all(map(is_number, ends)) else None
    )


def _in_brackets(figures: Mapping[str, Any], key: str) -> str:
    ends = interval(key, figures.get(f"{key}_ci"))
    return f" ({ends})" if ends else ""


def _after_comma(ends: str) -> str:
    return f", 95 % interval {ends}" if ends else ""

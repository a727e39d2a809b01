"""`audit.html`: one page that shows what is wrong, the worst first; it needs no network and no other file.

Enters: findings. Leaves: the page. Guaranteed: whatever names of photographs, patients and classes hold, it stays text.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from markupsafe import Markup

from retdsl import __version__
from retdsl.audit.findings import Findings, Judged
from retdsl.audit.histograms import histogram
from retdsl.pages.page import COLOURS, embedded, render
from retdsl.runtime.files import write_bytes
from retdsl.runtime.measures import Measures
from retdsl.runtime.thresholds import RULES, Threshold
from retdsl.schema.exclusions import FLAGS

SHOWN = 36
"""Photographs, or groups of them, in a section; the rest is counted."""

WORST = 12
"""Photographs at the top."""

GRAVE = {"unreadable", "no_field", "conflicting"}
"""With one of these, a photograph is among the worst, however good it is besides."""

HARMLESS = {"duplicate", "eyes_disagree"}
"""With these alone, nothing is wrong with a photograph itself."""

WORDS = {rule.measure: rule.words for rule in RULES}
"""What a measure says, for people."""

EXCLUDED_FIRST = ("unreadable", "no_field", "conflicting", "blurred", "duplicate")
"""What a study most likely leaves out, for the line that the page proposes."""


@dataclass(frozen=True)
class Section:
    """A flag: its photographs in groups (of one, or of those that belong together), and what is not shown."""

    flag: str
    about: str
    count: int
    lines: tuple[Threshold, ...]
    groups: tuple[tuple[str, tuple[Judged, ...]], ...]
    hidden: int


def write_page(findings: Findings, path: Path, name: str, file: str, note: str = "") -> None:
    """Writes the page. name: of the data block; file: of its spec; note: a sentence at the end. Raises RunError."""
    classes = findings.survey.classes
    text = render(
        "retdsl.audit",
        "audit.html.j2",
        version=__version__,
        name=name,
        file=file,
        note=note,
        findings=findings,
        classes=classes,
        colours=COLOURS,
        totals=[sum(one.photograph.label == title for one in findings.judged) for title in classes],
        patients=len({one.photograph.patient for one in findings.judged}),
        table=[(flag, about, _by_class(findings, flag)) for flag, about in FLAGS.items()],
        proposed=[flag for flag in EXCLUDED_FIRST if findings.counts()[flag]],
        histograms=_histograms(findings),
        worst=_worst(findings),
        sections=[section for flag in FLAGS if (section := _section(findings, flag)).count],
        words=WORDS,
        picture=partial(_picture, findings),
        class_of=lambda label: f"c{classes.index(label)}",
    )
    write_bytes(path, text.encode("utf-8", "replace"))


def _picture(findings: Findings, one: Judged) -> Markup:
    """The address of a small picture: the picture itself. Empty where there is none."""
    return embedded(findings.survey.thumbnails[one.at])


def _by_class(findings: Findings, flag: str) -> list[int]:
    return [
        sum(flag in one.flags and one.photograph.label == title for one in findings.judged)
        for title in findings.survey.classes
    ]


def _histograms(findings: Findings) -> list[tuple[str, str, Markup]]:
    """Name, words and picture of every measure."""
    shown = []
    for at, measure in enumerate(Measures._fields):
        by_class = [
            np.array([m[at] for m in _measures(findings, title) if m.roundness > 0])
            for title in findings.survey.classes
        ]
        lines = [line for line in findings.thresholds if line.rule.measure == measure]
        shown.append((measure, WORDS[measure], Markup(histogram(f"{measure} by class", by_class, lines))))
    return shown


def _measures(findings: Findings, title: str) -> Iterable[Measures]:
    for one in findings.judged:
        if one.photograph.label == title and one.photograph.measures is not None:
            yield one.photograph.measures


def _worst(findings: Findings) -> list[Judged]:
    def gravity(one: Judged) -> tuple[bool, int, tuple[float, float]]:
        return bool(set(one.flags) & GRAVE), len(set(one.flags) - HARMLESS), one.badness

    wrong = sorted((one for one in findings.judged if set(one.flags) - HARMLESS), key=lambda one: one.photograph.image)
    return sorted(wrong, key=gravity, reverse=True)[:WORST]


def _section(findings: Findings, flag: str) -> Section:
    """What the page tells of one flag."""
    found = findings.with_flag(flag)
    judged = findings.judged
    groups: list[tuple[str, tuple[Judged, ...]]]
    match flag:
        case "duplicate" | "conflicting":
            members = [tuple(judged[at] for at in group) for group in findings.duplicates]
            groups = [("", group) for group in members if any(flag in one.flags for one in group)]
        case "eyes_disagree":
            groups = [(f"patient {name}", tuple(judged[at] for at in ats)) for name, ats in findings.disagreeing]
        case _:
            groups = [("", (one,)) for one in found]
    lines = tuple(line for line in findings.thresholds if line.rule.flag == flag)
    hidden = sum(len(group) for _, group in groups[SHOWN:])
    return Section(flag, FLAGS[flag], len(found), lines, tuple(groups[:SHOWN]), hidden)

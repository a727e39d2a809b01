"""What is wrong with each photograph, judged within its collection.

Enters: a survey. Leaves: `Findings`. Guaranteed: flags are those of `retdsl.schema.exclusions.FLAGS`, in that order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from retdsl.audit.suspicion import Suspicions, suspect
from retdsl.runtime.decode import decode
from retdsl.runtime.likeness import near_copies
from retdsl.runtime.survey import Survey, Surveyed
from retdsl.runtime.thresholds import Threshold, beyond, thresholds
from retdsl.schema.exclusions import FLAGS

WEIGHT = {flag: weight for weight, flag in enumerate(reversed(FLAGS))}
"""How bad a flag is, beside others."""

TRUSTED = 0.9
"""The share of labels with which a classifier must agree for its suspicions to be taken for more than its mistakes."""


@dataclass(frozen=True)
class Judged:
    """A photograph and what is wrong with it.

    at: its place in the survey; flags: the worst first; beyond: how far it is beyond the thresholds of each flag that
    has some; same_as: the first, by name, of the photographs that are this one, itself if it is the first, empty if
    there is no other; probability: of its label, by a classifier that has not seen the patient; likely: the class that
    this classifier finds most likely; None and empty if it was not asked.
    """

    at: int
    photograph: Surveyed
    flags: tuple[str, ...]
    beyond: dict[str, float]
    same_as: str = ""
    probability: float | None = None
    likely: str = ""

    @property
    def badness(self) -> tuple[float, float]:
        """Orders photographs: by their worst flag, and within it by how bad that is."""
        if not self.flags:
            return -1.0, 0.0
        return WEIGHT[self.flags[0]], self.badness_of(self.flags[0])

    def badness_of(self, flag: str) -> float:
        """Orders photographs with one flag."""
        if flag == "suspected_label":
            return 1 - (self.probability or 0.0)
        return self.beyond.get(flag, 0.0)


@dataclass(frozen=True)
class Findings:
    """judged: every photograph, in the survey's order; duplicates: groups of places of photographs that are one;
    disagreeing: patients whose photographs have different labels, with their places; thresholds: where the lines are;
    network: the backbone whose features the suspicions come from, None without; unasked: why there are no suspicions.
    """

    survey: Survey
    judged: tuple[Judged, ...]
    duplicates: tuple[tuple[int, ...], ...]
    disagreeing: tuple[tuple[str, tuple[int, ...]], ...]
    thresholds: tuple[Threshold, ...]
    network: str | None
    unasked: str

    def with_flag(self, flag: str) -> list[Judged]:
        """The photographs that have a flag, the worst first."""
        found = [one for one in self.judged if flag in one.flags]
        return sorted(found, key=lambda one: (-one.badness_of(flag), one.photograph.image))

    def counts(self) -> dict[str, int]:
        """How many photographs have each flag."""
        return {flag: sum(flag in one.flags for one in self.judged) for flag in FLAGS}

    @property
    def agreement(self) -> float | None:
        """The share of labels that the classifier, asked about patients it has not seen, would have given, too."""
        asked = [one.likely == one.photograph.label for one in self.judged if one.probability is not None]
        return sum(asked) / len(asked) if asked else None

    @property
    def caution(self) -> str:
        """What to think of suspected labels, in a sentence; empty where no classifier was asked."""
        if self.agreement is None:
            return ""
        said = f"the classifier agrees with {100 * self.agreement:.0f} % of the labels"
        return said if self.agreement >= TRUSTED else f"{said}, so much of what it suspects may be its own mistake"

    @property
    def flagged(self) -> int:
        """How many photographs have a flag that says that something is wrong."""
        return sum(bool(set(one.flags) - {"eyes_disagree"}) for one in self.judged)


def judge(survey: Survey, network: str | None) -> Findings:
    """Flags every photograph. network: the backbone of the survey's features."""
    photographs = survey.photographs
    lines = thresholds([p.measures for p in photographs if p.measures is not None and _has_field(p)])
    groups = _duplicates(survey)
    patients: dict[str, list[int]] = {}
    for at, photograph in enumerate(photographs):
        patients.setdefault(photograph.patient, []).append(at)
    disagreeing = tuple((name, tuple(ats)) for name, ats in sorted(patients.items()) if _disagree(photographs, ats))
    suspicions, unasked = _suspicions(survey)
    first = {at: group[0] for group in groups for at in group}
    conflicting = {at for group in groups if _disagree(photographs, group) for at in group}
    differing = {at for _, ats in disagreeing for at in ats}
    judged = []
    for at, photograph in enumerate(photographs):
        past = _beyond(photograph, lines)
        flags = {*past}
        flags |= {"unreadable"} if photograph.refused else set()
        flags |= {"duplicate"} if first.get(at, at) != at else set()
        flags |= {"conflicting"} if at in conflicting else set()
        flags |= {"eyes_disagree"} if at in differing else set()
        probability, likely = None, ""
        if suspicions is not None and _has_field(photograph):
            row = suspicions.probabilities[at]
            probability, likely = float(row[survey.classes.index(photograph.label)]), survey.classes[int(row.argmax())]
            flags |= {"suspected_label"} if suspicions.suspected[at] else set()
        ordered = tuple(flag for flag in FLAGS if flag in flags)
        same_as = photographs[first[at]].image if at in first else ""
        judged.append(Judged(at, photograph, ordered, past, same_as, probability, likely))
    return Findings(survey, tuple(judged), groups, disagreeing, lines, network, unasked)


def _beyond(photograph: Surveyed, lines: Sequence[Threshold]) -> dict[str, float]:
    """The flags that a photograph has for its measures, each with how far it is beyond the line."""
    measures = photograph.measures
    if measures is None:
        return {}
    if not _has_field(photograph):
        return {"no_field": 1.0}
    return beyond(measures, lines)


def _duplicates(survey: Survey) -> tuple[tuple[int, ...], ...]:
    """Groups of photographs that are one, ascending: the same bytes, or near copies, or both near copies of a third."""
    leader = list(range(len(survey.photographs)))

    def first_of(at: int) -> int:
        while leader[at] != at:
            at = leader[at]
        return at

    same: dict[str, int] = {}
    for at, photograph in enumerate(survey.photographs):
        if photograph.sha256 and not photograph.refused:
            leader[at] = same.setdefault(photograph.sha256, at)
    distinct = [at for at, square in enumerate(survey.squares) if square and leader[at] == at]
    for pair in near_copies(lambda at: decode(survey.squares[at]), [(distinct, distinct)]):
        one, other = sorted((first_of(pair.first), first_of(pair.second)))
        leader[other] = one
    groups: dict[int, list[int]] = {}
    for at in range(len(leader)):
        groups.setdefault(first_of(at), []).append(at)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


def _has_field(photograph: Surveyed) -> bool:
    """Whether there is a retina to look at."""
    return photograph.measures is not None and photograph.measures.roundness > 0


def _disagree(photographs: Sequence[Surveyed], ats: Sequence[int]) -> bool:
    return len({photographs[at].label for at in ats}) > 1


def _suspicions(survey: Survey) -> tuple[Suspicions | None, str]:
    """Suspicions for every place of the survey, or why there are none."""
    import numpy as np

    if survey.features is None:
        return None, "labels were not looked at: no network was asked to describe the photographs"
    readable = [at for at, photograph in enumerate(survey.photographs) if _has_field(photograph)]
    chosen = [survey.photographs[at] for at in readable]
    labels = [survey.classes.index(photograph.label) for photograph in chosen]
    found = suspect(survey.features[readable], labels, [photograph.patient for photograph in chosen], survey.classes)
    if isinstance(found, str):
        return None, found
    probabilities = np.zeros((len(survey.photographs), len(survey.classes)))
    suspected = np.zeros(len(survey.photographs), bool)
    probabilities[readable], suspected[readable] = found.probabilities, found.suspected
    return Suspicions(probabilities, suspected), ""

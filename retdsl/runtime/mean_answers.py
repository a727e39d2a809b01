"""Several networks that answer together: the mean of the probabilities that each gives the same photograph.

Enters: the answers of each member, by its name. Leaves: one set of answers. Guaranteed: the order of the members does
not matter but for the rounding of the last bit, which float64 takes; every photograph counts each member that has
answered it once; members that were asked other things are an error that names the first of them.

The mean of the probabilities stays a probability where theirs are, and its Brier score and cross-entropy are never
worse than those of the members on average, since both are convex (Dietterich 2000, doi:10.1007/3-540-45014-9_1;
Lakshminarayanan et al. 2017, arXiv:1612.01474).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.answers import Answers
from retdsl.runtime.errors import RunError
from retdsl.runtime.problems import Problems


def mean_answers(members: Mapping[str, Answers]) -> Answers:
    """The mean of what all members say of the same photographs, in the order of the first. At least one member.

    Raises RunError if a member answers for other photographs, or knows other patients, labels or classes.
    """
    _require_same_classes(members)
    known = {name: _places(answers) for name, answers in members.items()}
    (first, wanted), *others = known.items()
    problems = Problems()
    for name, places in others:
        for one, other, who in ((wanted, places, name), (places, wanted, first)):
            if lacking := [photograph for photograph in one if photograph not in other]:
                more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
                problems.add("members answer for other photographs", f"{who} has no answer for {lacking[0][0]}{more}")
    problems.advise(
        "members answer for other photographs", "train all members on the same data, and leave out photographs for all"
    )
    problems.raise_any("the members cannot be joined")
    return _joined(members, known, list(wanted))


def mean_of(probabilities: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """What each member says [C] of one photograph to their mean, summed in float64 and rounded once."""
    mean: NDArray[np.float64] = np.mean(np.stack(probabilities).astype(np.float64), axis=0)
    return mean.astype(np.float32)


def out_of_fold_answers(members: Mapping[str, Answers]) -> Answers:
    """For every photograph that any member has answered for, the mean of those who have; sorted by its name.

    members: what each says of the photographs that it validated, and so has not learned from. Raises RunError if two of
    them know another patient or label of a photograph, or other classes.
    """
    _require_same_classes(members)
    known = {name: _places(answers) for name, answers in members.items()}
    every = dict.fromkeys(photograph for places in known.values() for photograph in places)
    return _joined(members, known, sorted(every))


def answers_each(members: Mapping[str, Answers]) -> tuple[int, int]:
    """How many members have answered about a photograph, at the least and at the most."""
    counts = Counter(photograph for answers in members.values() for photograph in _places(answers))
    return min(counts.values(), default=0), max(counts.values(), default=0)


def caution_of(test: Mapping[str, Any]) -> str | None:
    """What to know of the thresholds of an ensemble of which not all members answered about each validation photograph,
    in a sentence; None where there is nothing. test: its test.json.
    """
    members, (least, most) = test.get("members"), test.get("validated_by") or (None, None)
    if not test.get("operating_points") or not isinstance(members, int) or least is None or least >= members:
        return None
    share = str(least) if least == most else f"{least} to {most}"
    return (
        f"thresholds are chosen from the answers of {share} of {members} members to each photograph; the mean of all "
        "varies less, so that they keep more of what was asked for, and less of the rest"
    )


Photograph = tuple[str, int]
"""The name of a photograph, and which one of that name it is: sources that are joined may have one name twice."""


def _places(answers: Answers) -> dict[Photograph, int]:
    """Where each photograph stands."""
    times: dict[str, int] = {}
    places: dict[Photograph, int] = {}
    for at, image in enumerate(answers.images):
        times[image] = times.get(image, 0) + 1
        places[image, times[image]] = at
    return places


def _joined(
    members: Mapping[str, Answers], known: Mapping[str, Mapping[Photograph, int]], wanted: Sequence[Photograph]
) -> Answers:
    first = next(iter(members.values()))
    at = {photograph: number for number, photograph in enumerate(wanted)}
    answered: list[list[NDArray[np.float32]]] = [[] for _ in wanted]
    facts: list[tuple[str, NDArray[np.int64]] | None] = [None] * len(wanted)
    problems = Problems()
    for name, answers in members.items():
        for photograph, row in known[name].items():
            number = at[photograph]
            answered[number].append(answers.probabilities[row])
            own = answers.patients[row], answers.labels[row]
            told = facts[number]
            if told is None:
                facts[number] = own
            elif told[0] != own[0] or _key(told[1]) != _key(own[1]):
                problems.add("members know other labels or patients", f"{photograph[0]}, in {name}")
    problems.raise_any("the members cannot be joined")
    found = [fact for fact in facts if fact is not None]
    return Answers(
        tuple(image for image, _ in wanted),
        tuple(patient for patient, _ in found),
        first.classes,
        np.array([label for _, label in found], np.int64).reshape(len(found), *first.labels.shape[1:]),
        np.array([mean_of(each) for each in answered], np.float32).reshape(len(wanted), len(first.classes)),
    )


def _key(label: NDArray[np.int64]) -> Hashable:
    return tuple(np.atleast_1d(label).tolist())


def _require_same_classes(members: Mapping[str, Answers]) -> None:
    (first, answers), *others = members.items()
    for name, other in others:
        if other.classes != answers.classes or other.labels.ndim != answers.labels.ndim:
            shown = [f"{who}: {', '.join(one.classes)}" for who, one in ((first, answers), (name, other))]
            raise RunError("members tell other classes apart", items=shown)

"""The answers of several runs put beside each other, photograph by photograph.

Enters: runs and their answers. Leaves: answers about the photographs that all of them share, in the same order.
Guaranteed: patients and labels of these are the same in all; what does not fit is one RunError with every case.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from retdsl.runtime.answers import Answers
from retdsl.runtime.errors import RunError
from retdsl.runtime.problems import Problems

Key = tuple[str, int]
"""A photograph: its name, and which of this name it is, since sources that are joined may have one twice."""


def beside(answers: Mapping[str, Answers]) -> list[Answers]:
    """The answers about what all share, in the order of the first. answers: by what the runs are called.

    Raises RunError where nothing is shared, or where classes, labels or patients differ.
    """
    (first, one), *others = answers.items()
    for name, other in others:
        if other.classes != one.classes:
            items = [f"{name}: {', '.join(other.classes)}", f"{first}: {', '.join(one.classes)}"]
            raise RunError("these runs answer with other classes", items=items)
    places = {name: _places(each) for name, each in answers.items()}
    shared = [key for key in places[first] if all(key in each for each in places.values())]
    if not shared:
        items = [f"{name}: {each.images[0] if len(each) else 'none'}, ..." for name, each in answers.items()]
        help = "compare runs whose data have the same root and the same split"
        raise RunError("these runs share no test photograph", items=items, help=help)
    found = [_taken(each, [places[name][key] for key in shared]) for name, each in answers.items()]
    problems = Problems()
    for name, other in zip([name for name, _ in others], found[1:], strict=True):
        _require_same(first, found[0], name, other, problems)
    problems.raise_any("these runs were not tested on the same")
    return found


def _places(answers: Answers) -> dict[Key, int]:
    times: Counter[str] = Counter()
    found: dict[Key, int] = {}
    for at, image in enumerate(answers.images):
        times[image] += 1
        found[image, times[image]] = at
    return found


def _taken(answers: Answers, places: Sequence[int]) -> Answers:
    return Answers(
        tuple(answers.images[at] for at in places),
        tuple(answers.patients[at] for at in places),
        answers.classes,
        answers.labels[list(places)],
        answers.probabilities[list(places)],
    )


def _require_same(first: str, one: Answers, name: str, other: Answers, problems: Problems) -> None:
    if one.labels.shape != other.labels.shape:
        problems.add("labels that are one class in one run, and findings in another", f"{first} and {name}")
        return
    for at, image in enumerate(one.images):
        if not np.array_equal(one.labels[at], other.labels[at]):
            case = f"{image}: {_label(one, at)} in {first}, {_label(other, at)} in {name}"
            problems.add("photographs with another label", case, "evaluate both runs with the same --labels first")
        if one.patients[at] != other.patients[at]:
            case = f"{image}: {one.patients[at]} in {first}, {other.patients[at]} in {name}"
            problems.add("photographs of another patient", case, "train both with the same column of patients")


def _label(answers: Answers, at: int) -> str:
    label = answers.labels[at]
    shown = [int(label)] if answers.labels.ndim == 1 else np.flatnonzero(label).tolist()
    return "+".join(answers.classes[one] for one in shown) or "nothing"

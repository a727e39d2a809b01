"""The yes-or-no questions that a network answers, and the thresholds that were frozen for them.

Enters: answers, and the operating points of test.json. Leaves: a `Question` for each class or finding that is looked
for. Guaranteed: of two classes there is one question, whether it is the last; a threshold is one that was chosen before
the answers were looked at, never one that they suggest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.answers import Answers


@dataclass(frozen=True)
class Question:
    """Whether a photograph is `positive`, or else `negative`.

    at: the place of `positive` among the classes; truth: bool [n]; scores: float64 [n]; threshold: at or above it the
    answer is yes; None where the most probable class is the answer.
    """

    positive: str
    negative: str
    at: int
    truth: NDArray[np.bool_]
    scores: NDArray[np.float64]
    threshold: float | None

    @property
    def decided(self) -> bool:
        """Whether there are photographs of both kinds, without which no curve means anything."""
        return bool(self.truth.any() and not self.truth.all())


@dataclass(frozen=True)
class Asked:
    """All questions about a set of answers. main: the one that screening asks, of findings the first."""

    answers: Answers
    questions: tuple[Question, ...]
    main: Question

    @property
    def exclusive(self) -> bool:
        """Whether a photograph is of one class alone."""
        return self.answers.labels.ndim == 1

    @property
    def binary(self) -> bool:
        return self.exclusive and len(self.answers.classes) == 2

    def said(self, question: Question) -> NDArray[np.bool_]:
        """Which photographs the network calls positive, at the threshold, or where that class is the most probable; of
        findings without a threshold, at one half.
        """
        if question.threshold is not None:
            return question.scores >= question.threshold
        if self.exclusive:
            answered: NDArray[np.bool_] = self.answers.probabilities.argmax(axis=1) == question.at
            return answered
        return question.scores > 0.5


def ask(answers: Answers, points: Sequence[Mapping[str, Any]] = ()) -> Asked:
    """points: the `operating_points` of test.json; of several for one question the first counts."""
    classes, exclusive = answers.classes, answers.labels.ndim == 1
    last = len(classes) - 1

    def question(at: int) -> Question:
        truth = answers.labels == at if exclusive else answers.labels[:, at] == 1
        negative = f"no {classes[at]}" if not exclusive else classes[0] if last == 1 else f"not {classes[at]}"
        about = [point for point in points if (point.get("finding") == classes[at] if not exclusive else at == last)]
        found = next((value for point in about if (value := _threshold(point)) is not None), None)
        return Question(classes[at], negative, at, truth, answers.probabilities[:, at].astype(np.float64), found)

    questions = tuple(question(at) for at in ([last] if exclusive and last == 1 else range(last + 1)))
    return Asked(answers, questions, questions[-1] if exclusive else questions[0])


def _threshold(point: Mapping[str, Any]) -> float | None:
    value = point.get("threshold")
    return float(value) if isinstance(value, int | float) and not math.isnan(value) else None

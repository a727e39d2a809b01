"""What the photographs are, and what was said of them, counted.

Enters: questions with their answers. Leaves: a `Confusion`: rows are what photographs are, columns what was said.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retdsl.report.questions import Asked


@dataclass(frozen=True)
class Confusion:
    """columns: what was said; rows: what is, its counts, and their shares of the row; right: which column is right."""

    about: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[int, ...], tuple[float, ...], int], ...]


def confusion(asked: Asked) -> Confusion:
    """At the frozen thresholds; of more than two classes by the most probable one; of findings one after the other."""
    answers, main = asked.answers, asked.main
    rows: list[tuple[str, tuple[int, ...], int]] = []
    if not asked.exclusive:
        for question in asked.questions:
            said = asked.said(question)
            for name, those, right in ((question.positive, question.truth, 1), (question.negative, ~question.truth, 0)):
                rows.append((name, (int((~said & those).sum()), int((said & those).sum())), right))
        frozen = any(question.threshold is not None for question in asked.questions)
        about = "Each finding at its own threshold." if frozen else "Each finding at one half."
        columns: tuple[str, ...] = ("not found", "found")
    elif asked.binary:
        said = asked.said(main)
        columns = answers.classes
        rows = [
            (name, (int((~said & those).sum()), int((said & those).sum())), at)
            for at, (name, those) in enumerate(((main.negative, ~main.truth), (main.positive, main.truth)))
        ]
        frozen = main.threshold is not None
        about = f"At the frozen threshold of {main.threshold:.4g}." if frozen else "By the most probable class."
    else:
        columns, about = answers.classes, "By the most probable class."
        size, said = len(columns), answers.probabilities.argmax(axis=1)
        table = np.bincount(answers.labels * size + said, minlength=size * size).reshape(size, size)
        rows = [(name, tuple(map(int, table[at])), at) for at, name in enumerate(columns)]
    return Confusion(about, columns, tuple((name, c, tuple(n / max(1, sum(c)) for n in c), at) for name, c, at in rows))

"""Answers put beside each other, and what cannot be."""

from __future__ import annotations

import numpy as np
import pytest

from retdsl.evaluation.pairs import beside
from retdsl.runtime.answers import Answers
from retdsl.runtime.errors import RunError


def made(images: str = "abcd", labels: tuple[int, ...] = (0, 1, 0, 1), patients: str = "1122", **changes) -> Answers:
    p = np.linspace(0.1, 0.9, len(images)).astype(np.float32)
    parts = {
        "images": tuple(images),
        "patients": tuple(patients),
        "classes": ("healthy", "infected"),
        "labels": np.array(labels, np.int64),
        "probabilities": np.stack([1 - p, p], axis=1),
    }
    return Answers(**{**parts, **changes})


def test_what_is_shared_stands_in_the_order_of_the_first() -> None:
    one, other = beside({"one": made(), "other": made("dbx", (1, 1, 0), "219")})
    assert one.images == other.images == ("b", "d")
    assert other.probabilities[:, 1].tolist() == pytest.approx([0.5, 0.1])


def test_one_name_twice_is_two_photographs() -> None:
    one, _ = beside({"one": made("aabb"), "other": made("aabb")})
    assert one.images == tuple("aabb")


@pytest.mark.parametrize(
    ("other", "message", "item"),
    [
        (made(labels=(0, 1, 1, 1)), "photographs with another label (1)", "c: healthy in one, infected in other"),
        (made(patients="1132"), "photographs of another patient (1)", "c: 2 in one, 3 in other"),
        (made("wxyz"), "these runs share no test photograph", "one: a, ..."),
        (made(classes=("a", "b")), "these runs answer with other classes", "other: a, b"),
        (
            made(labels=((0, 1), (1, 0), (1, 1), (0, 0))),
            "labels that are one class in one run, and findings in another (1)",
            "one and other",
        ),
    ],
)
def test_what_does_not_fit_is_refused(other: Answers, message: str, item: str) -> None:
    with pytest.raises(RunError) as refused:
        beside({"one": made(), "other": other})
    assert refused.value.message == message
    assert item in refused.value.items

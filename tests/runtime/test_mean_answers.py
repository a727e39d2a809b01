"""Answers of several networks for the same photographs, against NumPy by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retdsl.runtime.answers import Answers
from retdsl.runtime.errors import RunError
from retdsl.runtime.mean_answers import mean_answers, out_of_fold_answers

CLASSES = ("healthy", "infected")


def answers(images: str, p: list[float], labels: str | None = None, classes: tuple[str, ...] = CLASSES) -> Answers:
    """One letter a photograph; its label is 1 for a vowel unless `labels` says otherwise."""
    said = [int(digit) for digit in labels] if labels is not None else [int(image in "aeiou") for image in images]
    return Answers(
        tuple(images),
        tuple(f"p{image}" for image in images),
        classes,
        np.array(said, np.int64),
        np.array([[1 - each, each] for each in p], np.float32),
    )


def test_the_mean_is_that_of_every_photograph_whatever_the_order() -> None:
    joined = mean_answers({"x": answers("abc", [0.1, 0.5, 0.9]), "y": answers("cab", [0.5, 0.3, 0.7])})
    assert joined.images == ("a", "b", "c")
    assert joined.labels.tolist() == [1, 0, 0]
    np.testing.assert_allclose(joined.probabilities[:, 1], [0.2, 0.6, 0.7], atol=1e-7)


@given(st.lists(st.lists(st.floats(0, 1, width=32), min_size=4, max_size=4), min_size=1, max_size=6))
def test_the_mean_agrees_with_numpy(rows: list[list[float]]) -> None:
    members = {str(at): answers("abcd", row) for at, row in enumerate(rows)}
    expected = np.mean([member.probabilities.astype(np.float64) for member in members.values()], axis=0)
    np.testing.assert_allclose(mean_answers(members).probabilities, expected, atol=1e-7)
    np.testing.assert_array_equal(mean_answers(members).probabilities, out_of_fold_answers(members).probabilities)


def test_other_photographs_are_named() -> None:
    with pytest.raises(RunError) as caught:
        mean_answers({"x": answers("abc", [0.1] * 3), "y": answers("abd", [0.1] * 3)})
    assert "y has no answer for c" in str(caught.value)
    assert "x has no answer for d" in str(caught.value)


@pytest.mark.parametrize("join", [mean_answers, out_of_fold_answers])
def test_other_labels_and_classes_are_refused(join) -> None:
    with pytest.raises(RunError, match="members know other labels") as caught:
        join({"x": answers("abc", [0.1] * 3), "y": answers("abc", [0.1] * 3, "110")})
    assert "b, in y" in str(caught.value)
    with pytest.raises(RunError, match="members tell other classes apart"):
        join({"x": answers("ab", [0.1] * 2), "y": answers("ab", [0.1] * 2, classes=("healthy", "ill"))})


def test_out_of_fold_answers_are_of_those_who_validated() -> None:
    joined = out_of_fold_answers(
        {"x": answers("ab", [0.2, 0.4]), "y": answers("c", [0.6]), "z": answers("ba", [0.8, 0.4])}
    )
    assert joined.images == ("a", "b", "c")
    np.testing.assert_allclose(joined.probabilities[:, 1], [0.3, 0.6, 0.6], atol=1e-7)


def test_one_name_twice_is_two_photographs() -> None:
    members = {"x": answers("aab", [0.1, 0.3, 0.5]), "y": answers("aab", [0.3, 0.5, 0.7])}
    np.testing.assert_allclose(mean_answers(members).probabilities[:, 1], [0.2, 0.4, 0.6], atol=1e-7)


def test_several_findings_keep_their_rows() -> None:
    one = Answers(("a",), ("p",), CLASSES, np.array([[1, 1]], np.int64), np.array([[0.5, 0.7]], np.float32))
    joined = mean_answers({"x": one, "y": one})
    assert joined.labels.tolist() == [[1, 1]]
    np.testing.assert_array_equal(joined.probabilities, one.probabilities)

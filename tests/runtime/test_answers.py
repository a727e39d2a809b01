"""Answers written and read again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retdsl.runtime.answers import Answers, read_answers
from retdsl.runtime.errors import RunError

NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=8)


@given(st.lists(st.tuples(NAMES, NAMES, st.integers(0, 2), st.floats(0, 1, width=32)), max_size=20))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, rows: list) -> None:
    first = np.array([p for *_, p in rows], np.float32).reshape(-1, 1)
    probabilities = np.concatenate([first, 1 - first, np.zeros_like(first)], axis=1)
    labels = np.array([label for _, _, label, _ in rows], np.int64)
    answers = Answers(
        tuple(r[0] for r in rows), tuple(r[1] for r in rows), ("healthy", "a few", "many"), labels, probabilities
    )
    path = tmp_path_factory.mktemp("answers") / "predictions.csv"
    path.write_text(answers.text(), "utf-8")
    read = read_answers(path)
    assert (read.images, read.patients, read.classes) == (answers.images, answers.patients, answers.classes)
    assert np.array_equal(read.probabilities, probabilities)
    assert np.array_equal(read.labels, labels)


def test_findings_stay_findings(tmp_path: Path) -> None:
    labels = np.array([[0, 0], [1, 0], [1, 1]], np.int64)
    answers = Answers(("a", "b", "c"), ("p", "q", "r"), ("x", "y"), labels, np.full((3, 2), 0.25, np.float32))
    (tmp_path / "predictions.csv").write_text(answers.text())
    assert np.array_equal(read_answers(tmp_path / "predictions.csv").labels, labels)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "first line"),
        ("image,label\n", "first line"),
        ("image,patient,label,p_a,p_b\nx,y,a,0.5\n", "4 columns"),
        ("image,patient,label,p_a,p_b\nx,y,c,0.5,0.5\n", "`c` is no class"),
        ("image,patient,label,p_a,p_b\nx,y,a,half,0.5\n", "damaged"),
    ],
)
def test_a_damaged_file_is_told(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "predictions.csv"
    path.write_text(text)
    with pytest.raises(RunError, match=message):
        read_answers(path)

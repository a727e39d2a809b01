"""What a run has seen before, among photographs that it is to be judged by."""

from __future__ import annotations

import pytest

from retdsl.runtime.errors import RunError
from retdsl.runtime.known_photographs import find_known
from retdsl.runtime.sample import Sample

MANIFEST = [
    {"image": "a.png", "side": "train", "label": "healthy", "patient": "p1", "sha256": "aa"},
    {"image": "b.png", "side": "valid", "label": "healthy", "patient": "p2", "sha256": "bb"},
    {"image": "c.png", "side": "test", "label": "healthy", "patient": "p3", "sha256": "cc"},
    {"image": "d.png", "side": "train", "label": "healthy", "patient": "d.png", "sha256": ""},
]


def test_files_and_patients_of_training_and_validation_are_known() -> None:
    samples = [Sample("x.png", 0, "q1"), Sample("y.png", 0, "p2"), Sample("b.png", 0, "q2"), Sample("z.png", 0, "p3")]
    known = find_known(MANIFEST, samples, ["aa", "ee", "bb", "ff"])
    assert known.lines() == [
        "x.png: is a.png, which the run has learned from",
        "b.png: the run has validated on",
        "patient p2: the run has validated on others of the same name (1 here)",
    ]
    with pytest.raises(RunError, match="the run knows these already") as refused:
        known.require_none()
    assert "--allow-known" in refused.value.help[-1]


def test_the_test_side_is_not_known_and_neither_are_names_of_photographs() -> None:
    samples = [Sample("c.png", 0, "p3"), Sample("d.png", 0, "d.png"), Sample("e.png", 0, "e.png")]
    known = find_known(MANIFEST, samples, ["cc", "dd", ""])
    assert known.lines() == []
    known.require_none()


def test_a_record_without_patients_says_so() -> None:
    old = [{key: value for key, value in row.items() if key != "patient"} for row in MANIFEST]
    known = find_known(old, [Sample("y.png", 0, "p2")], ["ee"])
    assert known.lines() == []
    assert not known.patients_compared

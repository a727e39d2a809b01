"""All mistakes of a file in one pass, and none invented."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import MISTAKES, STUDY, TWENTY, Planted

from retdsl.check import check_source
from retdsl.source import Source

ROOT = Path(__file__).parent / "root"
"""Where the weights of the study lie."""

Said = tuple[str, int, str]
"""A code, the offset that its message points at, and the words there."""


def spoilt(planted: Sequence[Planted]) -> tuple[str, list[Said]]:
    """The study with all the mistakes in it, and what must be said about it, in the order of the text."""
    text, at = "", 0
    due: list[Said] = []
    for one in sorted(planted, key=lambda one: STUDY.index(one.old)):
        place = STUDY.index(one.old)
        text += STUDY[at:place]
        due.append((one.code, len(text) + one.new.rindex(one.words), one.words))
        text += one.new
        at = place + len(one.old)
    return text + STUDY[at:], due


def heard(text: str) -> list[Said]:
    diagnostics = check_source(Source("study.retina", text), ROOT).diagnostics
    return [(item.code, item.labels[0].span.start, item.labels[0].span.text) for item in diagnostics]


def independent(planted: Sequence[Planted]) -> bool:
    """Whether no two of the mistakes overlap, or hide one another."""
    places = sorted((STUDY.index(one.old), STUDY.index(one.old) + len(one.old)) for one in planted)
    parts = [one.part for one in planted if one.part]
    return len(set(parts)) == len(parts) and all(end <= start for (_, end), (start, _) in pairwise(places))


def test_the_study_is_without_mistakes() -> None:
    assert heard(STUDY) == []
    assert all(STUDY.count(one.old) == 1 for one in MISTAKES)
    assert len(MISTAKES) >= 40
    assert {one.code[1] for one in MISTAKES} >= set("123456")


@pytest.mark.parametrize("one", MISTAKES, ids=lambda one: f"{one.code} {one.words}")
def test_one_mistake_one_message(one: Planted) -> None:
    text, due = spoilt([one])
    assert heard(text) == due


def test_twenty_mistakes_of_one_file_are_told_in_one_pass() -> None:
    twenty = [one for one in MISTAKES if one.words in TWENTY]
    assert len(twenty) == len(TWENTY) == 20
    assert independent(twenty)
    text, due = spoilt(twenty)
    assert heard(text) == due
    assert len({code for code, _, _ in due}) >= 12


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(MISTAKES), min_size=2, max_size=len(MISTAKES), unique=True))
def test_any_mistakes_at_once(drawn: list[Planted]) -> None:
    planted: list[Planted] = []
    for one in drawn:
        if independent([*planted, one]):
            planted.append(one)
    text, due = spoilt(planted)
    assert heard(text) == due

"""Problems are told at once: one kind as itself, several kinds under their headings."""

from __future__ import annotations

import pytest

from retdsl.runtime.errors import RunError
from retdsl.runtime.problems import Problems, did_you_mean, near_names, together


def test_nothing_is_raised_without_cases() -> None:
    problems = Problems()
    problems.advise("rows without a label", "never told")
    problems.raise_any("unused")
    assert not problems


def test_one_kind_is_its_own_message() -> None:
    problems = Problems()
    problems.add("rows without a label", "line 4", "fill them")
    problems.add("rows without a label", "line 9", "fill them")
    with pytest.raises(RunError) as caught:
        problems.raise_any("`labels.csv` cannot be used", "labels.csv")
    assert str(caught.value) == (
        "rows without a label (2)\n --> labels.csv\n   - line 4\n   - line 9\n   = help: fill them"
    )


def test_several_kinds_stand_under_their_headings() -> None:
    problems = Problems()
    for line in range(2, 8):
        problems.add("rows without a label", f"line {line}")
    problems.add("photographs that do not exist", "a.jpeg (line 3)")
    with pytest.raises(RunError) as caught:
        problems.raise_any("`labels.csv` cannot be used", "labels.csv")
    assert str(caught.value).splitlines() == [
        "`labels.csv` cannot be used",
        " --> labels.csv",
        "   - rows without a label (6)",
        "       line 2",
        "       line 3",
        "       line 4",
        "       line 5",
        "       ... and 2 more",
        "   - photographs that do not exist (1)",
        "       a.jpeg (line 3)",
    ]


def test_near_names_look_past_capitals() -> None:
    assert near_names("Infected", ["healthy", "infected"]) == ["infected"]
    assert did_you_mean("imgae", ["eye", "image"]) == "; did you mean `image`?"
    assert did_you_mean("zebra", ["eye", "image"]) == ""


def test_several_errors_are_told_together() -> None:
    one, other = RunError("no such table", where="a.csv", help="look"), Problems()
    other.add("kind", "case", "help")
    other.add("another kind", "another case")
    with pytest.raises(RunError) as caught:
        other.raise_any("cannot be used", "b.csv")
    assert together([one], "two of them") is one
    both = together([one, caught.value], "two of them")
    assert [part.message for part in both.parts] == ["no such table", "kind (1)", "another kind (1)"]
    for words in ("two of them", "no such table", "--> a.csv", "--> b.csv", "another case", "help: look"):
        assert words in str(both)

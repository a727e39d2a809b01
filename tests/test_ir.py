"""The records of a checked program."""

from __future__ import annotations

from retdsl.ir import Place


def test_what_the_command_line_says_has_no_line() -> None:
    assert str(Place("study.retina", 12, 3)) == "study.retina:12"
    assert str(Place("--set first.seed", 1, 1)) == "--set first.seed"

"""What a program can be asked for instead of training: each by an option of its own."""

from __future__ import annotations

import argparse

import pytest

from retdsl.runtime import program
from retdsl.runtime.modes import MODES, Mode, asked_modes


@pytest.fixture
def parser() -> argparse.ArgumentParser:
    class experiment:
        name, data_root = "tiny", "."

    return program._parser(experiment)  # type: ignore[arg-type]


def test_a_program_that_is_asked_for_nothing_trains(parser: argparse.ArgumentParser) -> None:
    assert asked_modes(parser.parse_args([])) == []
    assert asked_modes(parser.parse_args(["--resume", "run", "--plain", "--format", "json", "--layer", "x"])) == []


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.option)
def test_each_has_its_option(parser: argparse.ArgumentParser, mode: Mode) -> None:
    given = [mode.option] if mode.metavar is None else [mode.option, "there"]
    assert asked_modes(parser.parse_args(given)) == [mode]
    assert mode.help in " ".join(parser.format_help().split())


def test_several_are_done_in_their_order(parser: argparse.ArgumentParser) -> None:
    asked = asked_modes(parser.parse_args(["--symbols", "there", "--check-data"]))
    assert [mode.option for mode in asked] == ["--check-data", "--symbols"]

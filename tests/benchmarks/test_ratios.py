"""`ratios`: turns are taken fairly, and a ratio says whether it is as wanted."""

import sys

import pytest
from ratios import Ratio, Took, asked, at_least, at_most, faster, in_turn, interleaved, markdown, more, print_ratios

SLEEPER = """
import sys, time
from ratios import serve
serve(lambda: time.sleep(float(sys.argv[1])))
"""


def test_everything_takes_its_turn_and_the_first_round_does_not_count() -> None:
    done: list[str] = []
    took = interleaved({"a": lambda: done.append("a"), "b": lambda: done.append("b")}, rounds=2)
    assert done == ["a", "b"] * 3
    assert len(took["a"].rounds) == 2


def test_medians_do_not_mind_one_slow_round() -> None:
    assert Took.of([(1, 2), (50, 60), (3, 4)]) == Took(3, 4, (1, 50, 3))


def test_commands_are_measured_as_whole_processes() -> None:
    busy = "sum(range(10_000_000))"
    took = in_turn({"busy": [sys.executable, "-c", busy], "idle": [sys.executable, "-c", "pass"]}, rounds=2)
    assert took["busy"].user > took["idle"].user > 0


def test_a_command_that_fails_says_why() -> None:
    with pytest.raises(SystemExit, match=r"(?s)ended with 3.*no such thing"):
        in_turn({"bad": [sys.executable, "-c", "import sys; print('no such thing', file=sys.stderr); sys.exit(3)"]}, 1)


def test_processes_work_when_asked() -> None:
    commands = {name: [sys.executable, "-c", SLEEPER, name] for name in ("0.01", "0.06")}
    with asked(commands, environment={"PYTHONPATH": str(__file__).rpartition("/")[0]}) as workers:
        took = workers.in_turn(2)
    assert took["0.01"].seconds >= 0.01
    assert took["0.06"].seconds >= 0.06


def test_a_process_that_dies_is_noticed(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="dead died"), asked({"dead": [sys.executable, "-c", "1 / 0"]}) as workers:
        workers.in_turn(1)
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_which_way_a_ratio_goes() -> None:
    assert faster("x", ours=1, theirs=40, wanted=at_least(40)).met
    assert not faster("x", ours=1, theirs=39, wanted=at_least(40)).met
    assert more("x", ours=1.2, theirs=1.0, wanted=at_most(1.3), unit="s").met
    assert not more("x", ours=140, theirs=100, wanted=at_most(1.3), unit="s").met
    assert Ratio("x", 1, None, "s", 1).met is None


def test_tables(capsys: pytest.CaptureFixture[str]) -> None:
    ratios = [
        faster("a step", 0.5, 1.0, at_least(1.5), "batch 32"),
        Ratio("compiling", 1.7, None, "s", 1.7, at_most(1.5)),
    ]
    lines = markdown(ratios).splitlines()
    assert lines[2] == "| a step | 0.5 s | 1 s | 2 | ≥ 1.5 | ✓ | batch 32 |"
    assert lines[3] == "| compiling | 1.7 s |  | 1.7 | ≤ 1.5 | ✗ |  |"
    print_ratios(ratios)
    shown = capsys.readouterr().out
    assert "a step" in shown
    assert "batch 32" in shown

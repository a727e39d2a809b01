"""What is on the screen: everything at any size, nothing beyond its edges."""

from __future__ import annotations

import math
import time
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_run import add, age, run_folder, step
from rich.console import Console

from retdsl.watching.curves import BLOCKS, field, fitted, sparkline
from retdsl.watching.screen import screen
from retdsl.watching.state import Watched
from retdsl.watching.words import epoch_words, last_words, state_words

NOW = time.time()
SIZES = [(200, 60), (110, 32), (84, 24), (83, 24), (60, 20), (40, 12), (24, 8)]


def shown(paths: list[Path], width: int = 110, height: int = 32, now: float | None = None) -> str:
    console = Console(width=width, height=height, record=True, force_terminal=True, file=StringIO())
    console.print(screen([Watched(path).look(now or time.time()) for path in paths], width, height))
    return console.export_text()


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("epochs", [0, 1, 2, 7, 20])
@pytest.mark.parametrize("state", ["running", "finished", "silent", "interrupted", "failed"])
def test_nothing_lies_beyond_the_edges(tmp_path: Path, width: int, height: int, epochs: int, state: str) -> None:
    path = run_folder(tmp_path / "a-run-with-quite-a-long-name-20261123-081200", epochs, finished=state == "finished")
    add(path, step(epochs + 1, 1), step(epochs + 1, 2), to="steps.jsonl")
    if state == "silent":
        age(path, 1e6, NOW)
    if state == "interrupted":
        (path / ".running").unlink()
    if state == "failed":
        age(path, 10, NOW)
        (path / "defect.txt").write_text("")
    rows = shown([path], width, height).splitlines()
    assert max(map(len, rows)) <= width
    assert len(rows) <= height
    several = shown([path, tmp_path / "none", path], width, height).splitlines()
    assert max(map(len, several)) <= width
    assert len(several) <= height


def test_a_run_that_goes_on(tmp_path: Path) -> None:
    path = run_folder(tmp_path / "net-20261123-081200", 7)
    text = shown([path])
    for words in (
        "net",
        "epoch 8 of 20",
        "35%",
        "min",
        "left",
        "6 images/s",
        "loss",
        "train 0.143",
        "valid 0.171",
        "▲ best: epoch 5",
        "sensitivity@90",
        "saved",
    ):
        assert words in text, words
    [best] = [line for line in text.splitlines() if line.rstrip().endswith("best")]
    assert best.split()[0] == "5"
    assert "0.900" in best


def test_within_an_epoch(tmp_path: Path) -> None:
    path = run_folder(tmp_path / "run", 2)
    add(path, step(3, 2), to="steps.jsonl")
    assert "epoch 3 of 20, batch 2" in shown([path])


def test_the_first_epoch_has_a_curve_of_its_batches(tmp_path: Path) -> None:
    path = run_folder(tmp_path / "run")
    add(path, *(step(1, batch) for batch in range(1, 5)), to="steps.jsonl")
    text = shown([path])
    assert "loss of the epoch so far" in text
    assert any("\u2801" <= letter <= "\u28ff" for letter in text)


def test_a_finished_run_shows_its_test_figures_and_no_time_left(tmp_path: Path) -> None:
    path = run_folder(tmp_path / "run", 20, finished=True)
    text = shown([path])
    assert "finished" in text
    assert "took 20 min 34 s" in text
    assert "auc 0.943 [0.910, 0.970]" in text
    assert "left" not in text


def test_a_run_that_stopped_early_is_finished(tmp_path: Path) -> None:
    path = run_folder(tmp_path / "run", 7, finished=True)
    assert "finished, stopped at epoch 7 of 20" in shown([path])
    assert "100%" in shown([path])


def test_a_silent_run_says_what_to_do(tmp_path: Path) -> None:
    path = run_folder(tmp_path / "run", 7)
    age(path, 3 * 86400, NOW)
    text = shown([path], 160)
    assert "nothing new for 3 days, epoch 7 of 20" in text
    assert f"if its process has ended, go on with: python train.py --resume {path}" in text


def test_an_interrupted_run_says_how_it_goes_on(tmp_path: Path) -> None:
    path = run_folder(tmp_path / "run", 7)
    (path / "program").mkdir()
    (path / "program" / "train.py").touch()
    (path / ".running").unlink()
    text = shown([path], 160)
    assert "interrupted, epoch 7 of 20" in text
    assert f"go on with: retdsl train --resume {path}" in text
    assert " left" not in text


def test_a_folder_that_is_not_there_is_waited_for(tmp_path: Path) -> None:
    assert "no such folder yet" in shown([tmp_path / "none"])
    (tmp_path / "none").mkdir()
    assert "nothing written yet" in shown([tmp_path / "none"])


def test_the_best_epoch_stays_in_sight(tmp_path: Path) -> None:
    path = run_folder(tmp_path / "run", 20)
    lines = shown([path], 110, 14).splitlines()
    epochs = [line.split()[0] for line in lines if line[:7].strip().isdecimal()]
    assert epochs[0] == "5"
    assert epochs[-1] == "20"


def test_several_runs_have_a_row_each(tmp_path: Path) -> None:
    runs = [
        run_folder(tmp_path / "a", 7, name="one"),
        run_folder(tmp_path / "b", 20, finished=True, name="two"),
        run_folder(tmp_path / "c", 3, name="same"),
        run_folder(tmp_path / "d", 3, name="same"),
    ]
    text = shown(runs)
    rows = {line.split()[1]: line for line in text.splitlines() if line.startswith(("●", "✔"))}
    assert set(rows) == {"one", "two", "c", "d"}
    assert "7/20" in rows["one"]
    assert "0.900 (5)" in rows["one"]
    assert "finished" in rows["two"]
    assert "4 runs: 3 running, 1 finished" in text


def test_more_runs_than_rows_are_counted(tmp_path: Path) -> None:
    runs = [run_folder(tmp_path / f"r{at}", 2, name=f"n{at}") for at in range(12)]
    assert "and 6 more" in shown(runs, 100, 10)


def test_the_words_without_a_terminal(tmp_path: Path) -> None:
    path = run_folder(tmp_path / "run", 7)
    run = Watched(path).look(time.time())
    assert epoch_words(run, run.epochs[4]) == (
        "epoch  5/20  loss 0.200  valid loss 0.240  accuracy 0.880  auc 0.900  sensitivity@90 -  6 images/s  10 s  best"
    )
    assert last_words(run)[0].startswith("net: epoch 8 of 20, ")
    assert last_words(run)[1] == "  best epoch  5 (auc 0.900)"
    assert state_words(Watched(tmp_path / "x").look(NOW)) == "no such folder yet"


def test_blocks_go_from_the_lowest_to_the_highest() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8) == BLOCKS
    assert sparkline([5, math.nan, 5], 5) == "▁ ▁  "
    assert sparkline([], 3) == "   "


def test_more_values_than_columns_are_the_means_of_neighbours_and_the_last() -> None:
    assert fitted([1, 3, 5, 7, 9, 2], 3) == [2, 6, 2]
    assert fitted([1, 2], 5) == [1, 2]


def test_a_straight_line_is_a_diagonal_of_dots() -> None:
    [[cell]] = field([[0, 1, 2, 3]], 1, 1)
    assert cell.character in "⡠⠔⠊⡰⢠⡎⢣⠎⡜⢰⠃⡇⣠⠞⠔⡔⡸⢎⡜⢸⡱⣸⢇⡞⢳⣰⢹"
    [row] = field([[0, 1]], 4, 1)
    assert row[0].character < "\u28ff"
    assert [cell.curve for cell in row] == [0] * 4


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.lists(st.floats(allow_infinity=False, width=32), max_size=60), max_size=3),
    st.integers(1, 40),
    st.integers(1, 8),
)
def test_a_field_has_the_size_that_is_asked_for(curves: list[list[float]], width: int, height: int) -> None:
    drawn = field(curves, width, height)
    assert len(drawn) == height
    assert all(len(row) == width for row in drawn)
    for row in drawn:
        assert all((cell.character == " ") == (cell.curve is None) for cell in row)

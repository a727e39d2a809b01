"""`retdsl check --fix` and `--diff`: what is written, what is said, and what is left alone."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from retdsl.check.files import shipped_spec
from retdsl.cli import main

WRONG = "model m =\r\n  input(3, 8, 8)\r\n    -> Flaten\r\n    => Dense(units = 2)\r\n    => Transformer\r\n"
RIGHT = WRONG.replace("->", "=>").replace("Flaten", "Flatten").replace("Dense(units", "FullyConnected(num_hidden")


def spec(folder: Path, text: str = WRONG, name: str = "own.retina") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def test_it_writes_says_and_leaves_the_rest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = spec(tmp_path)
    path.chmod(0o640)
    assert main(["check", "--fix", str(path)]) == 1
    assert path.read_bytes().decode() == RIGHT
    assert path.stat().st_mode & 0o777 == 0o640
    said = capsys.readouterr().err
    assert said.startswith(
        f"fixed 4 mistakes in {path}\n"
        "  line 3: `->` to `=>`\n"
        "  line 3: `Flaten` to `Flatten`\n"
        "  line 4: `Dense` to `FullyConnected`\n"
        "  line 4: `units` to `num_hidden`\n"
        "\n"
        "error[R205]: there is no layer `Transformer`\n"
    )
    assert said.endswith("\n1 error; `retdsl explain R205` tells more\n")
    assert main(["check", "--fix", str(path)]) == 1
    assert path.read_bytes().decode() == RIGHT
    assert "fixed" not in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["own.retina"]


def test_all_fixed_is_no_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = spec(tmp_path, "\ufeffmodel m = input(3, 8, 8) => flatten")
    assert main(["check", "--fix", str(path)]) == 0
    assert path.read_bytes().decode() == "\ufeffmodel m = input(3, 8, 8) => Flatten"
    said = capsys.readouterr().err
    assert said == f"fixed 1 mistake in {path}\n  line 1: `flatten` to `Flatten`\n\n{path}: no errors\n"


def test_safe_fixes_of_warnings_are_written_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = """\
data eyes {
  source  = synthetic_fundus(2000, ratio = 30 : 1, seed = 2016)
  classes = [healthy, infected]
  counts  = 1935 : 66
  split   = by_patient(train = 60%, valid = 20%, test = 20%, seed = 1)
  image   = photo => resize(64, 64)
}
"""
    path = spec(tmp_path, text)
    assert main(["check", "--fix", str(path)]) == 0
    assert path.read_text() == text.replace("1935 : 66", "1935 : 65")
    assert capsys.readouterr().err.startswith(f"fixed 1 mistake in {path}\n  line 4: `1935 : 66` to `1935 : 65`\n")


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    path = spec(tmp_path)
    link = tmp_path / "link.retina"
    link.symlink_to(path)
    main(["check", "--fix", str(link)])
    assert link.is_symlink()
    assert path.read_bytes().decode() == RIGHT


def test_the_difference_is_shown_and_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = spec(tmp_path)
    assert main(["check", "--diff", str(path)]) == 1
    assert path.read_bytes().decode() == WRONG
    shown = capsys.readouterr()
    assert shown.out.splitlines() == [
        f"--- {path}",
        f"+++ {path}, fixed",
        "@@ -1,5 +1,5 @@",
        " model m =",
        "   input(3, 8, 8)",
        "-    -> Flaten",
        "-    => Dense(units = 2)",
        "+    => Flatten",
        "+    => FullyConnected(num_hidden = 2)",
        "     => Transformer",
    ]
    assert shown.err.startswith(f"would fix 4 mistakes in {path}\n")


def test_programs_are_told_what_was_applied(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = spec(tmp_path, "model m = input(3, 8, 8) => ReLU() => Transformer\n")
    assert main(["check", "--fix", "--format", "json", str(path)]) == 1
    shown = capsys.readouterr()
    assert shown.err == ""
    found = json.loads(shown.out)
    assert (found["errors"], len(found["diagnostics"])) == (1, 1)
    [applied] = found["fixed"]
    [fix] = applied["fixes"]
    place = {"file": "own.retina", "start_line": 1, "end_line": 1}
    assert applied["code"] == "R205"
    assert fix == {
        **place,
        "start_column": 29,
        "end_column": 33,
        "replacement": "Activation",
        "safe": True,
        "also": [{**place, "start_column": 33, "end_column": 35, "replacement": "(relu)"}],
    }
    assert path.read_text() == "model m = input(3, 8, 8) => Activation(relu) => Transformer\n"


def test_files_that_are_only_used_are_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts = spec(tmp_path, "block part() = Flaten\n", "parts.retina")
    path = spec(tmp_path, 'use "parts.retina"\nmodel m = input(3, 8, 8) => part => Droput\n')
    assert main(["check", "--fix", str(path)]) == 1
    assert parts.read_text() == "block part() = Flaten\n"
    assert path.read_text() == 'use "parts.retina"\nmodel m = input(3, 8, 8) => part => Dropout\n'
    assert "parts.retina:1:16" in capsys.readouterr().err


def test_what_ships_is_not_changed(capsys: pytest.CaptureFixture[str]) -> None:
    path = shipped_spec("quickstart")
    assert path is not None
    before = path.read_bytes()
    assert main(["check", "--fix", "quickstart"]) == 2
    assert "ships with retdsl" in capsys.readouterr().err
    assert path.read_bytes() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = spec(tmp_path)
    tmp_path.chmod(0o500)
    try:
        assert main(["check", "--fix", str(path)]) == 1
    finally:
        tmp_path.chmod(0o700)
    assert "cannot write" in capsys.readouterr().err
    assert path.read_bytes().decode() == WRONG

"""`retdsl bench`: a study measured, and what is said where it cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from spec_texts import TINY

from retdsl.cli import main

QUICK = ("--threads", "1", "--seconds", "0.02")


@pytest.mark.slow
def test_a_study_is_measured(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    spec, picture = tmp_path / "tiny.retina", tmp_path / "speed.svg"
    spec.write_text(TINY)
    assert main(["bench", str(spec), *QUICK, "--format", "json", "-o", str(picture)]) == 0
    said = capfd.readouterr()
    [found] = json.loads(said.out)
    assert found["place"] == "1 thread"
    assert set(found["stages"]) == {"loader", "step", "together"}
    assert found["measured"]["threads"] == 1
    assert "measuring on 1 thread" in said.err
    assert picture.read_text().startswith("<?xml")


@pytest.mark.slow
def test_photographs_that_are_not_there(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source = "synthetic_fundus(60, ratio = 3 : 1, seed = 1, size = 64)"
    spec = tmp_path / "tiny.retina"
    spec.write_text(TINY.replace(source, 'csv("labels.csv", patient = patient)'))
    with pytest.raises(SystemExit) as ended:
        main(["bench", str(spec), *QUICK])
    assert ended.value.code == 1
    said = capfd.readouterr().err
    assert said.count("error: ") == 1
    assert "there is no file `labels.csv`" in said
    assert "`--synthetic` measures on painted photographs instead" in said
    assert main(["bench", str(spec), *QUICK, "--synthetic"]) == 0
    assert "painted photographs" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["-o", "speed.gif"], "no picture can be written as `speed.gif`"),
        (["--seconds", "0"], "--seconds must be more than 0"),
        (["--seconds", "nan"], "--seconds must be more than 0"),
        (["--threads", "0"], "--threads must be 1 or more"),
        (["--train", "tinny"], "no experiment `tinny`"),
    ],
)
def test_wrong_usage(options: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tiny.retina").write_text(TINY)
    assert main(["bench", str(tmp_path / "tiny.retina"), *options]) == 2
    assert words in capsys.readouterr().err

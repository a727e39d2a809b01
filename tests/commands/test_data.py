"""`retdsl data pack`: one file for MXNet's iterators, of a data block or one of its sides."""

from __future__ import annotations

from pathlib import Path

import pytest

from retdsl.cli import main
from retdsl.runtime.record_source import recordio
from retdsl.runtime.sources import Wanted

STUDY = """
data eyes {
  source  = synthetic_fundus(40, ratio = 3 : 1, size = 64)
  classes = [healthy, infected]
  split   = by_patient(train = 50%, valid = 25%, test = 25%)
  image   = photo => resize(32, 48)
}
"""
ANOTHER = STUDY.replace("eyes", "more")


def pack(folder: Path, text: str, *arguments: str) -> int:
    (folder / "study.retina").write_text(text)
    return main(["data", "pack", str(folder / "study.retina"), "--plain", *arguments])


def labels(folder: Path) -> list[int]:
    return [sample.label for sample in recordio("out.rec", patient="id2").samples(folder, Wanted(("a", "b")))]


def test_all_photographs_and_one_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "out.rec")
    assert pack(tmp_path, STUDY, "-o", out) == 0
    assert (len(labels(tmp_path)), sum(labels(tmp_path))) == (40, 10)
    assert "out.rec: 40 photographs, " in capsys.readouterr().err
    assert pack(tmp_path, STUDY, "-o", out, "--side", "train", "--prepared") == 0
    assert len(labels(tmp_path)) == 20
    sample = recordio("out.rec").samples(tmp_path, Wanted(("a", "b")))[0]
    assert recordio("out.rec").read(tmp_path, sample).startswith(b"\xff\xd8")


def test_one_of_several_data_blocks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "out.rec")
    assert pack(tmp_path, STUDY + ANOTHER, "-o", out) == 2
    assert "give one of eyes, more with --data" in capsys.readouterr().err
    assert pack(tmp_path, STUDY + ANOTHER, "-o", out, "--data", "eye") == 2
    assert "there is no data block `eye`" in capsys.readouterr().err
    assert pack(tmp_path, STUDY + ANOTHER, "-o", out, "--data", "more") == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-o", "out.record"), "does not end in .rec"),
        (("-o", "out.rec", "--format", "png"), "--format is for --prepared"),
        (("-o", "out.rec", "--threads", "0"), "--threads must be 1 or more"),
    ],
)
def test_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments, words: str) -> None:
    assert pack(tmp_path, STUDY, *arguments) == 2
    assert words in capsys.readouterr().err


def test_a_place_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert pack(tmp_path, STUDY, "-o", str(tmp_path / "none" / "out.rec")) == 1
    said = capsys.readouterr().err
    assert "cannot write `out.rec`: No such file or directory" in said or "cannot write `out.idx`" in said
    assert "choose another place with -o" in said


def test_a_spec_without_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert pack(tmp_path, "block nothing() = Flatten\n", "-o", "out.rec") == 2
    assert "there is no `data` block" in capsys.readouterr().err

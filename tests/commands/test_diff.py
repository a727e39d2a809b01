"""`retdsl diff` and `retdsl check --verbose`: what they print where, and with which code they leave."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from spec_texts import TINY

from retdsl.cli import main


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.retina").write_text(TINY)
    (tmp_path / "b.retina").write_text("# again\n" + TINY)
    (tmp_path / "c.retina").write_text(TINY.replace("lr = 0.05", "lr = 0.01"))
    (tmp_path / "bad.retina").write_text(TINY.replace("epochs    = 2", "epoks = 2"))
    (tmp_path / "blocks.retina").write_text("block one() = Flatten")
    (tmp_path / "gone.retina").write_text(
        TINY + '\nbackbone b = checkpoint("nowhere", 3)\nmodel m = b => Flatten => FullyConnected(2) => Softmax\n'
    )
    return tmp_path


def leaves(*arguments: str) -> int:
    try:
        return main(["diff", *arguments])
    except SystemExit as stop:
        return int(str(stop.code))


@pytest.mark.usefixtures("here")
def test_the_same_program(capsys: pytest.CaptureFixture[str]):
    assert leaves("a.retina", "b.retina") == 0
    assert capsys.readouterr() == ("a.retina and b.retina: same program\n", "")


@pytest.mark.usefixtures("here")
def test_a_difference_leaves_with_1(capsys: pytest.CaptureFixture[str]):
    assert leaves("a.retina", "c.retina") == 1
    out, err = capsys.readouterr()
    assert "optimizer   lr 0.05 -> 0.01" in out
    assert "\033" not in out
    assert err == ""


@pytest.mark.usefixtures("here")
def test_files_of_one_name_are_called_by_their_paths(here: Path, capsys: pytest.CaptureFixture[str]):
    (here / "old").mkdir()
    (here / "old/a.retina").write_text(TINY)
    assert leaves("old/a.retina", "a.retina") == 0
    assert capsys.readouterr().out == "old/a.retina and a.retina: same program\n"


@pytest.mark.usefixtures("here")
def test_json_for_programs(capsys: pytest.CaptureFixture[str]):
    assert leaves("a.retina", "c.retina", "--format", "json") == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["same"], found["count"]) == (False, 1)
    [part] = found["parts"]
    assert part["pairs"] == [["tiny", "tiny"]]
    assert part["differences"][0]["changes"] == [{"option": "lr", "a": "0.05", "b": "0.01"}]


def test_two_experiments_of_one_study(capsys: pytest.CaptureFixture[str]):
    assert leaves("three_answers", "--train", "penalised", "--train", "refreshed") == 1
    out = capsys.readouterr().out
    assert out.startswith("penalised and refreshed of three_answers.retina: 4 differences\n")
    assert leaves("three_answers", "three_answers", "--train", "balanced") == 0


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a.retina"], "--train"),
        (["a.retina", "b.retina", "c.retina"], "two specs"),
        (["a.retina", "--train", "tiny", "--train", "tinny"], "did you mean `tiny`?"),
        (["a.retina", "bad.retina"], "no key `epoks`"),
        (["nowhere.retina", "a.retina"], "there is no file"),
        (["blocks.retina", "blocks.retina"], "neither"),
        (["a.retina", "gone.retina"], "checkpoint"),
    ],
)
def test_what_cannot_be_compared_leaves_with_2(capsys: pytest.CaptureFixture[str], arguments: list[str], said: str):
    assert leaves(*arguments) == 2
    assert said in capsys.readouterr().err


def test_check_verbose_writes_experiments_out(capsys: pytest.CaptureFixture[str]):
    assert main(["check", "three_answers", "-v"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\ntrain ") == 3
    assert main(["check", "three_answers", "-v", "--format", "json"]) == 0
    out, err = capsys.readouterr()
    assert [e["name"] for e in json.loads(out)["experiments"]] == ["penalised", "balanced", "refreshed"]
    assert err == ""


@pytest.mark.usefixtures("here")
def test_check_verbose_has_nothing_to_write_out_after_an_error(capsys: pytest.CaptureFixture[str]):
    assert main(["check", "bad.retina", "-v"]) == 1
    assert "train tiny" not in capsys.readouterr().err


@pytest.mark.usefixtures("here")
def test_what_is_left_out_is_a_difference(capsys: pytest.CaptureFixture[str]):
    exclude = '  exclude = audit("audit.csv", [blurred])\n  image '
    Path("c.retina").write_text(TINY.replace("  image ", exclude, 1))
    Path("d.retina").write_text(TINY.replace("  image ", exclude.replace("]", ", dark]"), 1))
    assert leaves("a.retina", "c.retina") == 1
    assert "exclude" in capsys.readouterr().out
    assert leaves("c.retina", "d.retina") == 1
    assert "[blurred, dark]" in " ".join(capsys.readouterr().out.replace(":2", "").split())

"""`retdsl viz` of networks by themselves: files it writes, cuts, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from graph_texts import symbol_file, zoo

from retdsl.cli import main


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net-symbol.json").write_text(symbol_file(zoo("squeezenet1_1")))
    Path("broken-symbol.json").write_text("{}")


def drawn(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The DOT text of the one picture that is drawn."""
    assert main(["viz", *arguments]) == 0
    [path] = capsys.readouterr().out.split()
    return Path(path).read_text(encoding="utf-8")


def test_a_network_bears_its_own_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert "<svg" in drawn(capsys, "squeezenet1_1")
    assert Path("squeezenet1_1.svg").is_file()
    assert "[fire9_concat]" in drawn(capsys, "net-symbol.json")
    assert Path("net.svg").is_file()


def test_a_cut(capsys: pytest.CaptureFixture[str]) -> None:
    text = drawn(capsys, "net", "--cut", "fire5_concat_output", "-o", "cut.dot")
    assert "net[fire5_concat]" in text
    assert "dashed" in text
    assert "left behind" in text
    assert drawn(capsys, "net", "--cut", "fire5", "-o", "cut.dot") == text


def test_a_backbone_of_a_spec(capsys: pytest.CaptureFixture[str]) -> None:
    text = drawn(capsys, "quickstart", "--backbone", "lite", "--cut", "blocks_10_add", "-o", "lite.dot")
    assert "lite[blocks_10_add]" in text


def test_another_size(capsys: pytest.CaptureFixture[str]) -> None:
    assert "96 × 128 × 3" in drawn(capsys, "net", "--size", "96x128", "-o", "net.dot")


@pytest.mark.parametrize(
    ("arguments", "code", "error", "help"),
    [
        (["nett"], 2, "there is nothing called `nett`", "did you mean `net`?"),
        (["none.retina"], 1, "there is no file none.retina", ""),
        (["broken"], 1, "error[R802]: cannot use broken-symbol.json", ""),
        (["net", "--cut", "fire15"], 2, "net has no layer `fire15`", "did you mean"),
        (["net", "--train", "first"], 2, "`--train` and `--set` are for experiments", "net is a network"),
        (["net", "--size", "0"], 2, "--size 0: not a size", "`--size 299`"),
        (["quickstart", "--size", "99"], 2, "`--size` is for networks by themselves", "a spec's data"),
        (["quickstart", "--cut", "fire5"], 2, "`--cut` cuts a backbone", "`--backbone NAME`"),
        (["quickstart", "--backbone", "light"], 2, "quickstart has no backbone `light`", "lite"),
    ],
)
def test_what_cannot_be_drawn(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, error: str, help: str
) -> None:
    try:
        ended = main(["viz", *arguments])
    except SystemExit as stop:
        ended = int(str(stop.code))
    assert ended == code
    said = capsys.readouterr()
    assert said.out == ""
    assert error in said.err
    assert help in said.err


def test_a_symbol_file_called_as_a_network_of_the_zoo(capsys: pytest.CaptureFixture[str]) -> None:
    Path("resnet18_v1-symbol.json").write_text(Path("net-symbol.json").read_text())
    assert main(["viz", "resnet18_v1", "-o", "zoo.dot"]) == 0
    assert "resnet18_v1-symbol.json is here, too" in capsys.readouterr().err
    assert main(["viz", "resnet18_v1-symbol.json", "-o", "file.dot"]) == 0
    assert capsys.readouterr().err == ""
    assert "fire9_concat" in Path("file.dot").read_text(encoding="utf-8")

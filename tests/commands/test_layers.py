"""`retdsl layers`: the list, everything about one entry, and names that nothing has."""

from __future__ import annotations

import io
import json

import pytest

from retdsl.cli import main
from retdsl.schema import LAYERS
from retdsl.schema.lookup import layer_names


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["layers", *arguments]) == 0
    return capsys.readouterr().out


def test_the_list_has_every_layer_in_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys).splitlines()
    assert lines[0] == "Filters and weights"
    assert lines[1].startswith("  Convolution     Slides learned filters over the image;")
    listed = [line.split()[0] for line in lines if line.startswith("  ")]
    assert sorted(listed) == sorted([*layer_names(), "Softmax", "WSoftmax", "FocalSoftmax"])


def test_all_about_one_layer(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "slice_like") == (
        "slice_like(axes = ())\n"
        "\n"
        "Cuts the first value to the size of the second.\n"
        "\n"
        "  takes      the branches { data | shape_like }, in this order\n"
        "  gives      The first value cut to the size of the second\n"
        "  elsewhere  crop_like\n"
        "\n"
        "options\n"
        "  axes  Along these axes; without it, along all.\n"
        "        a list (each a whole number); default ()\n"
    )


def test_layers_of_the_registry_and_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "DeformableConvolution")
    assert "  gives     a shape that is known when the program runs\n" in text
    assert "  learns    weight, bias\n" in text
    assert "  in MXNet  _contrib_DeformableConvolution\n" in text
    assert "two whole numbers (height, width) of at least 1, or one for both; must be given" in text


@pytest.mark.parametrize(
    ("name", "category"),
    [("cosine", "schedule"), ("auc", "metric"), ("WSoftmax", "loss"), ("rotate180", "augmentation")],
)
def test_other_entries_too(capsys: pytest.CaptureFixture[str], name: str, category: str) -> None:
    assert f"  is         {category}\n".replace(" ", "") in printed(capsys, name).replace(" ", "")


def test_several_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "Flatten", "Reshape")
    assert text.startswith("Flatten\n")
    assert "\n\nReshape(shape, reverse = false)\n" in text


def test_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    [known] = json.loads(printed(capsys, "Flatten", "--format", "json"))
    assert (known["name"], known["family"], known["options"]) == ("Flatten", "Shape", [])
    everything = json.loads(printed(capsys, "--format", "json"))
    assert {*LAYERS, "Softmax", "topk"} <= {known["name"] for known in everything}


@pytest.mark.parametrize(
    ("name", "error", "help"),
    [
        ("Dense", "there is nothing called `Dense`", "did you mean `FullyConnected`?"),
        ("sensitivty", "there is nothing called `sensitivty`", "did you mean `sensitivity`?"),
        ("xyzzy", "there is nothing called `xyzzy`", "`retdsl layers` lists all layers"),
        ("RNN", "`RNN` cannot stand in a chain: a network of retdsl has no state", "`mean` or `max`"),
    ],
)
def test_names_that_nothing_has(capsys: pytest.CaptureFixture[str], name: str, error: str, help: str) -> None:
    assert main(["layers", name]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert f"error: {error}\n" in said.err
    assert help in said.err


class Terminal(io.StringIO):
    """A stdout that is a terminal."""

    def isatty(self) -> bool:
        return True


def test_in_a_terminal_texts_are_broken_where_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("NO_COLOR", "1")
    assert main(["layers", "Convolution"]) == 0
    lines = terminal.getvalue().splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 80
    assert any(line.startswith("  gives      [N, C, H, W] to") for line in lines)
    assert any(line.startswith("             (kernel - 1)") for line in lines), "broken under its beginning"

"""`retdsl layers`: the list, everything about one entry, the layers of a network, and names that nothing has."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from graph_texts import imported, symbol_file, zoo

from retdsl.cli import main
from retdsl.ir import learned_numbers
from retdsl.schema import ENTRIES, LAYERS
from retdsl.schema.lookup import layer_names


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["layers", *arguments]) == 0
    return capsys.readouterr().out


def test_the_list_has_every_layer_in_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys).splitlines()
    assert lines[0] == "Filters and weights"
    assert lines[1].startswith("  Convolution     Slides learned filters over the image;")
    listed = [line.split()[0] for line in lines if line.startswith("  ")]
    assert sorted(listed) == sorted([*layer_names(), *ENTRIES["loss"]])


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
        (
            "on_bad_image",
            "`on_bad_image` is a key of a data block",
            "are left out and counted. It takes one of `error`, `skip`",
        ),
        ("batch", "`batch` is a key of a train block", "whole number"),
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


def shown(monkeypatch: pytest.MonkeyPatch, width: int, *arguments: str) -> list[str]:
    """What a terminal of that many columns shows."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")  # a dumb one has 80 columns, whatever COLUMNS says
    assert main(["layers", *arguments]) == 0
    lines = [line.rstrip() for line in re.sub(r"\x1b\[[\d;]*m", "", terminal.getvalue()).splitlines()]
    assert max(map(len, lines)) <= width
    return lines


def test_a_network_in_a_pipe_has_a_line_a_layer(capsys: pytest.CaptureFixture[str]) -> None:
    head, *lines = printed(capsys, "resnet18_v1").splitlines()
    assert head == "# resnet18_v1: 69 layers, 11,689,512 parameters, for [N, 3, 224, 224]"
    assert [line.split()[0] for line in lines] == [node.name for node in zoo("resnet18_v1").nodes]
    assert lines[3].split(maxsplit=4) == [
        *("stem_pool", "[N,64,56,56]", "0", "place"),
        "Pooling(kernel = 3, stride = 2, pad = 1)",
    ]


def test_a_long_network_shows_where_to_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = zoo("resnet152_v1").nodes
    unit, stage = (
        learned_numbers(node for node in nodes if node.name.startswith(part)) for part in ("stage3_unit36_", "stage3_")
    )
    lines = shown(monkeypatch, 120, "resnet152_v1")
    assert lines[0] == f"resnet152_v1: 515 layers, {learned_numbers(nodes):,} parameters, for [N, 3, 224, 224]"
    assert len(lines) < 80
    [row] = [line for line in lines if "stage3_unit36_relu" in line]
    assert row.split("  ")[0] == "●"
    assert "bottleneck_v1, 10 layers" in row
    assert row.split("]")[1].split()[0] == f"{unit:,}"
    [head] = [line for line in lines if line.startswith("  stage3 ")]
    assert head.split() == ["stage3", "bottleneck_v1_stage", f"{stage:,}"]
    assert "a cut is written `NAME[global_pool]`, after `backbone NAME = zoo(resnet152_v1)`" in lines
    assert "a group of layers can stand there, too: stem, stage1, stage2, stage3, stage4" in lines
    assert lines[-1] == "`--all` shows every layer, `--only 'PATTERN'` those of a name"


def test_all_layers_of_a_long_network_and_those_of_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = shown(monkeypatch, 120, "resnet50_v1", "--all")
    assert [line for line in everything if "stage2_unit3_bn2" in line]
    assert not [line for line in everything if "--all" in line]
    some = shown(monkeypatch, 120, "resnet50_v1", "--only", "stage2_unit3_bn*")
    assert [line.split()[0] for line in some if "BatchNorm" in line] == [f"stage2_unit3_bn{i}" for i in (1, 2, 3)]


@pytest.mark.parametrize("width", [40, 60, 80, 100, 160])
def test_a_table_fits_the_terminal_and_names_are_whole(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    lines = shown(monkeypatch, width, "mobilenet_v1")
    assert [line for line in lines if "stage4_unit6_pointwise_relu" in line]
    assert any("up to here" in line for line in lines) == (width >= 100)
    assert any("made by" in line for line in lines) == (width >= 80)


def test_an_import_of_unknown_shapes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    symbol = json.loads(symbol_file(imported(zoo("resnet18_v1"))))
    for item in symbol["nodes"]:
        if item["op"] == "Convolution":
            item["attrs"]["layout"] = "NHWC"
    Path("net-symbol.json").write_text(json.dumps(symbol))
    lines = shown(monkeypatch, 100, "net", "--only", "stem_*")
    [conv] = [line for line in lines if "stem_conv" in line]
    assert conv.split()[-3:-1] == ["[?]", "?"]


def test_a_network_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    [entry, network] = json.loads(printed(capsys, "Flatten", "resnet18_v1", "--format", "json"))
    assert entry["category"] == "layer"
    assert (network["name"], network["category"], network["declared"]) == (
        "resnet18_v1",
        "backbone",
        "zoo(resnet18_v1)",
    )
    assert (network["input"], network["input_shape"], network["output"]) == ("data", [None, 3, 224, 224], "fc")
    layers = {layer["name"]: layer for layer in network["layers"]}
    conv = layers["stage1_unit1_conv1"]
    assert conv["options"]["kernel"] == [3, 3]
    assert conv["parameters"] == [
        {"name": "stage1_unit1_conv1_weight", "shape": [64, 64, 3, 3], "auxiliary": False},
    ]
    assert (conv["waist"], conv["cut"], conv["inputs"]) == (False, None, ["stem_pool"])
    assert layers["global_pool"]["cut"] == "stage"
    assert layers["stage1_unit1_relu"]["cut"] == "place"
    assert layers["fc"]["kept"] == network["parameters"] == 11_689_512
    assert network["groups"]["stage1_unit1"] == "stage1_unit1_relu"


def test_a_spec_shows_every_backbone_and_model_or_one(capsys: pytest.CaptureFixture[str]) -> None:
    heads = [line for line in printed(capsys, "three_answers").splitlines() if line.startswith("#")]
    assert [head.split()[1].rstrip(":") for head in heads] == ["eyes", "scores", "weighted", "plain"]
    assert printed(capsys, "three_answers", "--model", "plain").startswith("# plain: 150 layers")
    assert printed(capsys, "three_answers", "--backbone", "eyes").startswith("# eyes = zoo(efficientnet_lite0")


def test_a_layer_goes_before_a_file_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("Flatten").write_text("")
    assert printed(capsys, "Flatten").startswith("Flatten\n")


@pytest.mark.parametrize(
    ("arguments", "code", "error", "help"),
    [
        (["resnet51"], 2, "there is nothing called `resnet51`", "did you mean `resnet50`"),
        (["none.retina"], 1, "there is no file none.retina", ""),
        (["no/net-symbol.json"], 2, "there is no file no/net-symbol.json", "NAME-symbol.json or its prefix"),
        (["resnet18_v1", "--size", "7x"], 2, "--size 7x: not a size", "`--size 299`"),
        (["three_answers", "--size", "7"], 2, "`--size` is for networks by themselves", "a spec's data"),
        (["resnet18_v1", "--model", "m"], 2, "`--model` chooses a network of a spec", "leave it out"),
        (["three_answers", "--backbone", "eye"], 2, "three_answers has no backbone `eye`", "did you mean `eyes`?"),
        (["resnet18_v1", "--only", "stem_cov"], 2, "resnet18_v1 has no layer named like `stem_cov`", "`stem_conv`?"),
    ],
)
def test_networks_that_are_not_there(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, error: str, help: str
) -> None:
    try:
        ended = main(["layers", *arguments])
    except SystemExit as stop:
        ended = int(str(stop.code))
    assert ended == code
    said = capsys.readouterr()
    assert said.out == ""
    assert error in said.err
    assert help in said.err

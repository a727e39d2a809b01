"""What holds for every family and every network of the zoo."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from retdsl.check import check_source
from retdsl.check.files import guess_network, zoo_families, zoo_help, zoo_networks
from retdsl.diagnostics import Diagnostics
from retdsl.diagnostics.render import render_text
from retdsl.ir import Call, Network, learned_numbers
from retdsl.schema import LAYERS
from retdsl.source import Source
from retdsl.syntax import parse
from retdsl.syntax import tree as t
from retdsl.viz import network_picture

MOST_CARDS = 14
"""Two rows: what a reader takes in at a glance."""

HABITS = {
    '"ResNet-50"': ["resnet50"],
    "ResNet-50": ["resnet50"],
    "resnet50_v1b": ["resnet50"],
    '"resnet50_v1.5"': ["resnet50"],
    "resnet50v1b": ["resnet50"],
    "resnet50v1": ["resnet50_v1"],
    "resnet152v2": ["resnet152_v2"],
    '"mobilenet1.0"': ["mobilenet_v1"],
    '"mobilenetv2_1.0"': ["mobilenet_v2_gluon"],
    "mobilenetv2_100": ["mobilenet_v2"],
    "mobilenet_v2_100": ["mobilenet_v2"],
    "mobilenetv2": ["mobilenet_v2"],
    '"squeezenet1.1"': ["squeezenet1_1"],
    "inceptionv3": ["inception_v3"],
    "inception": ["inception_bn", "inception_v3"],
    "googlenet": ["inception_bn"],
    '"vgg16-bn"': ["vgg16_bn"],
    "VGG16": ["vgg16"],
    "densenet_121": ["densenet121"],
    "efficientnet-lite0": ["efficientnet_lite0"],
    "tf_efficientnet_lite0": ["efficientnet_lite0"],
    "tf_efficientnet_lite2": ["efficientnet_lite2"],
    '"efficientnet_lite0.ra_in1k"': ["efficientnet_lite0_timm"],
}
"""What people write who know other collections, and what they mean."""


@cache
def network(name: str) -> Network:
    size = 299 if name == "inception_v3" else 224
    spec = f"use zoo.{name}\nmodel whole = input(3, {size}, {size}) => {name}"
    checked = check_source(Source("whole.retina", spec), Path())
    assert render_text(checked.diagnostics) == ""
    assert checked.program is not None
    return checked.program.networks[0]


def backbone(written: str) -> tuple[Diagnostics, Call | None]:
    """What checking `zoo(WRITTEN)` says, and the call that the program keeps."""
    spec = f"backbone net = zoo({written})\nmodel m = net => Softmax"
    checked = check_source(Source("cut.retina", spec), Path())
    return checked.diagnostics, checked.program.networks[0].backbones[0].source if checked.program else None


@pytest.mark.parametrize("family", zoo_families())
def test_a_search_finds_the_networks_that_parsing_finds(family: str) -> None:
    path = zoo_families()[family]
    file = parse(Source(path.name, path.read_text("utf-8")), out := Diagnostics())
    assert not len(out)
    blocks = [block for block in file.declarations if isinstance(block, t.Block)]
    open_to_all = {
        block.name.name
        for block in blocks
        if {"classes"} <= {parameter.name.name for parameter in block.parameters if parameter.default is not None}
    }
    assert open_to_all == {name for name, at in zoo_networks().items() if at == path} != set()
    for block in blocks:
        if block.name.name in open_to_all:
            assert all(parameter.default is not None for parameter in block.parameters)


def test_all_families_can_be_used_together() -> None:
    spec = "\n".join(f"use zoo.{family}" for family in zoo_families())
    assert render_text(check_source(Source("all.retina", spec), Path()).diagnostics) == ""


@pytest.mark.parametrize("family", zoo_families())
def test_a_file_says_what_it_is(family: str) -> None:
    path = zoo_families()[family]
    text = path.read_text("utf-8")
    head = re.sub(r"\n# ?", " ", text.split("\n\n")[0])
    assert "arXiv:" in head
    assert "Input: RGB [N, 3, " in head
    assert "is the place to cut" in head
    said = re.search(r"((?:[\d.]+, )*(?:[\d.]+ and )?[\d.]+) million parameters", head)
    assert said is not None
    figures = re.findall(r"[\d.]+\d", said[1])
    networks = [name for name in re.findall(r"^block (\w+)", text, re.M) if zoo_networks().get(name) == path]
    for figure, name in zip(figures, networks, strict=family != "vgg"):  # with BatchNorm, VGG has hardly more
        decimals = len(figure.partition(".")[2])
        assert f"{learned_numbers(network(name).nodes) / 1e6:.{decimals}f}" == figure, name


@pytest.mark.parametrize("name", zoo_networks())
def test_layers_have_plain_names_and_the_last_gives_the_scores(name: str) -> None:
    found = network(name)
    assert [node.name for node in found.nodes if not re.fullmatch(r"[a-z][a-z0-9_]*", node.name)] == []
    assert found.nodes[-1].shape == (None, 1000)
    if not name.startswith("vgg"):
        shape = found.node("global_pool").shape
        assert shape is not None
        assert shape[2:] == (1, 1)


@pytest.mark.parametrize("name", zoo_networks())
def test_the_picture_of_a_network_tells_its_stages(name: str) -> None:
    picture = network_picture(network(name))
    assert len(picture.boxes) <= MOST_CARDS
    known = {*LAYERS, *(block.partition("(")[0] for node in network(name).nodes for block in node.path)}
    for box in picture.boxes[1:]:
        titled = {title.partition(" × ")[0] for title in box.title.split(", ")}
        assert titled <= known | {"relu"}, "a card that is only called stage tells nothing"
        assert len(box.title) <= 24


def test_a_stage_counts_its_units() -> None:
    lines = {line for box in network_picture(network("resnet152_v1")).boxes for line in box.lines}
    assert {"bottleneck_v1 × 2", "bottleneck_v1 × 7", "bottleneck_v1 × 35", "stage3"} <= lines
    lines = {line for box in network_picture(network("densenet201")).boxes for line in box.lines}
    assert {"dense_layer × 6", "dense_layer × 12", "dense_layer × 48", "dense_layer × 32"} <= lines


@pytest.mark.parametrize("written", HABITS)
def test_names_of_other_collections_are_understood(written: str) -> None:
    [found], _ = backbone(written)
    meant = HABITS[written]
    assert found.code == "R208"
    assert found.helps == (f"did you mean {' or '.join(f'`{name}`' for name in meant)}?",)


def test_a_network_that_is_like_nothing_else_gets_the_families() -> None:
    assert guess_network("yolo").names == ()
    assert zoo_help().startswith("the families of the zoo are `densenet`, `efficientnet_lite`, ")


def test_options_go_to_the_network() -> None:
    none, call = backbone("mobilenet_v2, width = 1 / 2, classes = 3")
    assert not len(none)
    assert call is not None
    assert call.options == (("name", "mobilenet_v2"), ("weights", None), ("width", 0.5), ("classes", 3))


@pytest.mark.parametrize(
    ("written", "code", "said"),
    [
        ("mobilenet_v2, widht = 0.5", "R302", "the block `mobilenet_v2` has no parameter `widht`"),
        ("efficientnet_lite0, weigths = imagenet", "R302", "`zoo` has no option `weigths`"),
        ("vgg11, 3", "R306", "too many unnamed values for `zoo`"),
        ("efficientnet_lite0, weights = imagenet, classes = 2", "R803", "those of `efficientnet_lite0` as it is"),
        ("resnet_v1", "R208", "the zoo has no network `resnet_v1`"),
    ],
)
def test_mistakes_in_options(written: str, code: str, said: str) -> None:
    [found], _ = backbone(written)
    assert found.code == code
    assert said in found.message


@pytest.mark.parametrize("name", ["resnet_v1", "resnet50_v1", "mobilenet_v2"])
def test_a_family_is_used_by_its_name_or_by_a_networks(name: str) -> None:
    spec = f"use zoo.{name}"
    assert not len(check_source(Source("used.retina", spec), Path()).diagnostics)


def test_an_unknown_family_is_told_its_neighbours() -> None:
    [found] = check_source(Source("used.retina", "use zoo.resnet_v3"), Path()).diagnostics
    assert found.helps == ("did you mean `zoo.resnet_v1`, `zoo.resnet_v2` or `zoo.resnet`?",)

"""Networks as pictures: what is folded, what is drawn, where rows break, and the DOT text of it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
import viz_material as material
from spec_texts import experiment

from retdsl.ir import Call, Network
from retdsl.viz import Look, Picture, dot_text, experiment_picture, network_picture
from retdsl.viz.fold import LIMIT, fold
from retdsl.viz.graph import Form, depth

GOLDEN = Path(__file__).parent / "small.dot"

NETWORKS = {
    "small": material.small(),
    "plain": material.plain(),
    "efficientnet": material.efficientnet_lite0(),
    "efficientnet without paths": material.efficientnet_lite0(paths=False),
    "inception": material.inception_bn(),
}


def titles(picture: Picture) -> list[str]:
    return [box.title for box in picture.boxes]


def check_rows(picture: Picture) -> None:
    """Every box once, in reading order; only the last box of a row leads out of it, and only into the next one."""
    assert [i for row in picture.rows for i in row] == [box.id for box in picture.boxes]
    row_of = {i: r for r, row in enumerate(picture.rows) for i in row}
    for arrow in picture.arrows:
        step = row_of[arrow.head] - row_of[arrow.tail]
        assert step == 0 or (step == 1 and picture.rows[row_of[arrow.tail]][-1] == arrow.tail)


@pytest.mark.parametrize("expand", [False, True], ids=["folded", "expanded"])
@pytest.mark.parametrize("name", NETWORKS)
def test_rows_read_as_lines_of_text(name: str, expand: bool) -> None:
    check_rows(network_picture(NETWORKS[name], expand=expand))


@pytest.mark.parametrize("name", NETWORKS)
def test_units_are_the_nodes_in_order_and_few(name: str) -> None:
    network = NETWORKS[name]
    units = fold(network)
    assert tuple(node for unit in units for node in unit.nodes) == network.nodes
    assert all(node.frozen == unit.nodes[0].frozen for unit in units for node in unit.nodes)
    assert len(units) <= LIMIT + 4


@pytest.mark.parametrize("limit", range(1, 13))
def test_any_limit_is_kept(limit: int) -> None:
    for network in NETWORKS.values():
        assert sum(unit.part[0] is not None for unit in fold(network, limit)) <= limit


def test_blocks_fold_as_the_paper_tells_them() -> None:
    picture = network_picture(material.efficientnet_lite0())
    assert titles(picture) == [
        "photograph",
        *("Convolution", "mbconv", "mbconv × 2", "mbconv × 2", "mbconv × 3", "mbconv × 3", "mbconv × 4", "mbconv"),
        *("Convolution", "Pooling", "Flatten", "FullyConnected", "relu", "FullyConnected", "WSoftmax"),
    ]
    four = next(box for box in picture.boxes if box.title == "mbconv × 4")
    assert four.lines == ("blocks_12 … blocks_15", "35 layers")
    assert four.figure == "1.7 M parameters"
    assert [box.look for box in picture.boxes[1:11]] == [Look.FROZEN] * 10
    assert {box.look for box in picture.boxes[11:-1]} == {Look.TRAINED}


def test_forked_blocks_fold_too() -> None:
    found = titles(network_picture(material.inception_bn()))
    assert found[5:10] == ["inception_a × 2", "inception_b", "inception_a × 4", "inception_b", "inception_a × 2"]


def test_unlike_blocks_of_one_shape_fold_when_like_ones_are_still_too_many() -> None:
    kinds = {2: "shrink", 4: "shrink", 6: "shrink", 9: "change", 12: "shrink", 16: "change"}
    names = {f"mbconv(blocks_{i})": f"{kind}(blocks_{i})" for i, kind in kinds.items()}
    network = material.efficientnet_lite0()
    nodes = tuple(replace(node, path=tuple(names.get(step, step) for step in node.path)) for node in network.nodes)
    picture = network_picture(replace(network, nodes=nodes))
    assert titles(picture)[2:9] == [
        *("mbconv", "shrink, mbconv", "shrink, mbconv", "shrink, mbconv × 2"),
        *("change, mbconv × 2", "shrink, mbconv × 3", "change"),
    ]
    assert picture.boxes[5].lines == ("blocks_6 … blocks_8", "26 layers")


def test_without_blocks_layers_fold_by_size() -> None:
    whole = material.efficientnet_lite0(paths=False)
    nodes = tuple(replace(node, backbone=None, frozen=False) for node in whole.nodes)
    found = titles(network_picture(replace(whole, nodes=nodes)))
    sizes = ("112 × 112", "56 × 56", "28 × 28", "14 × 14", "7 × 7")
    assert found[1:7] == [*(f"stage {s}" for s in sizes), "Pooling"]


def test_shapes_stand_on_the_arrows() -> None:
    picture = network_picture(material.small())
    labels = [arrow.label for arrow in picture.arrows]
    assert labels == ["32 × 32\n× 3", "16 × 16\n× 8", "8 × 8\n× 8", "1 × 1\n× 8", "8", "128", "128", "2\nscores"]


def test_totals_and_weights_are_told() -> None:
    picture = network_picture(material.small(), title="small, trained")
    assert picture.title == "small, trained"
    assert [key.text for key in picture.legend] == ["frozen: 232 parameters", "trained: 1.4 k parameters"]
    assert picture.boxes[-1].look is Look.LOSS
    assert picture.boxes[-1].lines == ("weights 1 : 66.7",)
    weights = Call("effective_number", (("beta", 0.9999),))
    network = material.efficientnet_lite0(loss=material.weighted(weights))
    assert network_picture(network).boxes[-1].lines == ("weights effective number beta 0.9999",)


def test_what_joins_later_is_told() -> None:
    found = experiment(GRADUAL)
    picture = network_picture(found.network, trained_from=found.trained_from())
    assert [key.text for key in picture.legend] == [
        "frozen: 11 M parameters",
        "trained: 1.0 k parameters",
        "from epoch 3: 8.4 M more",
        "from epoch 6: 2.1 M more",
    ]
    until = {line for box in picture.boxes if box.look is Look.FROZEN for line in box.lines if "epoch" in line}
    assert until == {"until epoch 3", "until epoch 6"}
    told = [key.text for key in experiment_picture(found).legend]
    assert told == [key.text for key in picture.legend]


GRADUAL = """
data eyes { source = synthetic_fundus(60)  classes = [healthy, infected]  image = photo => resize(224, 224) }
backbone deep = zoo(resnet18_v1, weights = "deep.params")
model net = deep[global_pool] => Flatten => FullyConnected(2) => Softmax
train t { model = net  data = eyes  freeze = [deep, unfreeze(stage4, at_epoch = 3), unfreeze(stage3, at_epoch = 6)] }
"""


def test_nothing_frozen_has_one_key() -> None:
    (key,) = network_picture(material.plain()).legend
    assert (key.look, key.text) == (Look.TRAINED, "all trained: 4.8 k parameters")


def test_expanded_shows_every_layer_in_its_block() -> None:
    network = material.inception_bn()
    picture = network_picture(network, expand=True)
    assert len(picture.boxes) == len(network.nodes) + 2
    joints = [box for box in picture.boxes if box.form is Form.JOINT]
    assert len(joints) == 10
    assert {box.title for box in joints} == {"concat"}
    blocks = {group.title for group in picture.groups if group.look is Look.BLOCK}
    assert {"inception_a(3a)", "inception_b(4e)", "conv_factory(2_red)"} <= blocks
    inputs = sum(len(node.inputs) for node in network.nodes)
    assert len(picture.arrows) == inputs + 1


def test_a_head_without_loss_and_unknown_shapes() -> None:
    whole = material.small()
    blind = tuple(
        replace(node, shape=None, parameters=tuple(replace(p, shape=None) for p in node.parameters))
        for node in whole.nodes
    )
    picture = network_picture(replace(whole, nodes=blind, loss=None))
    assert [arrow.label for arrow in picture.arrows][1:] == [""] * (len(picture.arrows) - 1)
    assert "FullyConnected" in dot_text(picture)


def test_a_network_of_nothing_but_its_input() -> None:
    empty = Network("empty", "data", (None, 4), (), "data", None, (), material.small().place)
    assert titles(network_picture(empty)) == ["data"]
    assert "digraph" in dot_text(network_picture(empty))


def test_the_depth_of_a_row() -> None:
    order = ["a", "b", "c", "d", "e"]
    edges = [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("d", "e")]
    assert depth(order, edges) == 4
    assert depth(["b", "c"], edges) == 1


@pytest.mark.parametrize("name", NETWORKS)
def test_the_text_is_always_the_same(name: str) -> None:
    pictures = [network_picture(NETWORKS[name], expand=True) for _ in range(2)]
    assert dot_text(pictures[0]) == dot_text(pictures[1])


def test_the_text_of_the_small_network() -> None:
    """Set REFRESH_GOLDEN=1 to write what is drawn now, and look at the difference."""
    text = dot_text(network_picture(material.small()))
    if os.environ.get("REFRESH_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


def test_names_are_escaped() -> None:
    text = dot_text(network_picture(material.plain(), expand=True))
    assert 'digraph "a \\"plain\\" &lt;net&gt; &amp; co"' in text
    assert "relu&lt;1&gt;" in text
    assert 'conv\\"1\\"\\\\n' in text
    assert "conv&quot;1&quot;\\n" in text


def test_names_never_meet() -> None:
    b = material.Builder("rows", (None, 3, 8, 8))
    for name in ("start_0", "turn_0", "node", "a:b", "a b", "a;b", "1", "_1", "Graph", "ß"):
        b.conv(name, 4, 3)
    picture = network_picture(b.network(), expand=True)
    ids = [box.id for box in picture.boxes]
    assert len(set(ids)) == len(ids)
    assert all(i.isascii() and i.isidentifier() for i in ids)

"""Parts of networks without blocks: names as MXNet, Gluon, Caffe and others give them, and names that say nothing."""

from __future__ import annotations

import pytest
from graph_texts import graph, imported, zoo
from hypothesis import given
from hypothesis import strategies as st

from retdsl.ir import Network
from retdsl.outline import outline, places, waists


def residual(*unit: str, join: str, act: str) -> tuple[dict[str, list[str]], dict[str, str]]:
    """A unit of layers with a shortcut around them, behind `stem`."""
    inputs, before = {"stem": ["data"]}, "stem"
    for name in unit:
        inputs[name], before = [before], name
    inputs |= {join: ["stem", before], act: [join], "behind": [act]}
    return inputs, {join: "Add", act: "Activation"}


def parts(network: Network) -> dict[str, tuple[str, ...]]:
    return outline(network)


@pytest.mark.parametrize(
    ("unit", "join", "act", "part"),
    [
        (("stage1_unit1_conv1", "stage1_unit1_bn1"), "_plus0", "stage1_unit1_relu", "stage(stage1)"),
        (("res2a_branch2a", "bn2a_branch2a", "scale2a_branch2b"), "res2a", "res2a_relu", "block(2a)"),
        (("in3a_1x1", "in3a_conv2"), "in3a_sum", "in3a_relu", "in(in3a)"),
        (("conv2_1/x1", "conv2_1/x2"), "conv2_1/add", "relu2_1", "block(2)"),
        (("mixed_5b.branch.conv", "mixed_5b.branch.bn"), "mixed_5b.add", "mixed_5b.relu", "mixed(mixed_5b)"),
        (("convolution7", "batchnorm4"), "_plus3", "activation9", "fork(_plus3)"),
    ],
    ids=["mxnet", "caffe", "2015", "slashes", "dots", "automatic"],
)
def test_a_unit_is_found_whoever_named_it(unit: tuple[str, ...], join: str, act: str, part: str) -> None:
    found = parts(graph(*residual(*unit, join=join, act=act)))
    assert {found[name] for name in (*unit, join, act)} == {(part,)}
    assert found["stem"] == found["behind"] == ()


@pytest.mark.parametrize(
    "name", ["resnet50_v1", "resnet18_v2", "inception_bn", "inception_v3", "squeezenet1_0", "vgg16"]
)
def test_an_import_has_the_parts_that_its_blocks_had(name: str) -> None:
    """Layers that blocks put together stay together; what was apart may be joined, as a convolution and its pooling."""
    native = zoo(name)
    blocks, names = outline(native), parts(imported(native))
    joined: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
    for node in native.nodes:
        if len(blocks[node.name]) and names[node.name]:
            joined.setdefault(blocks[node.name], set()).add(names[node.name])
    assert joined
    assert all(len(found) == 1 for found in joined.values())


def test_units_stand_in_their_stages() -> None:
    found = parts(imported(zoo("resnet18_v1")))
    assert found["stage3_unit2_conv1"] == found["stage3_unit2_add"] == ("stage(stage3)", "unit(stage3_unit2)")


def test_units_that_no_name_counts_are_forks() -> None:
    """Gluon numbers the layers of a stage, not its units; a unit of ResNet v2 begins with the norm before its fork."""
    inputs = {"net0_conv0_fwd": ["data"], "net0_stage1_batchnorm0_fwd": ["net0_conv0_fwd"]}
    before = "net0_stage1_batchnorm0_fwd"
    for unit in range(2):
        names = [f"net0_stage1_conv{2 * unit + i}_fwd" for i in (0, 1)]
        inputs |= {names[0]: [before], names[1]: [names[0]]}
        before, last = f"net0_stage1__plus{unit}", before
        inputs[before] = [names[1], last]
    inputs["net0_relu1_fwd"] = [before]
    found = parts(graph(inputs, {"net0_stage1_batchnorm0_fwd": "BatchNorm", "net0_relu1_fwd": "Activation"}))
    first = [found[f"net0_stage1_{name}"] for name in ("batchnorm0_fwd", "conv0_fwd", "conv1_fwd", "_plus0")]
    assert set(first) == {("stage(stage1)", "fork(net0_stage1__plus0)")}
    assert found["net0_stage1_conv3_fwd"] == ("stage(stage1)", "fork(net0_stage1__plus1)")
    assert found["net0_conv0_fwd"] == ()


def test_the_network_s_own_name_is_no_part() -> None:
    renamed = {f"net0_stage{s}_conv{i}_fwd": (s, i) for s in (1, 2) for i in (0, 1)}
    names = list(renamed)
    inputs = dict(zip(names, (["data"], *([name] for name in names)), strict=False))
    found = parts(graph(inputs))
    assert [found[name] for name in names] == [("stage(stage1)",)] * 2 + [("stage(stage2)",)] * 2


def test_a_pooling_of_everything_and_what_follows_stand_alone() -> None:
    found = parts(imported(zoo("resnet18_v1")))
    assert [found[name] for name in ("global_pool", "flatten", "fc")] == [(), (), ()]


def test_without_shapes_it_is_the_same() -> None:
    native = zoo("resnet50_v1")
    assert parts(imported(native, shapes=False)) == parts(imported(native))


WORDS = st.sampled_from(["stage1", "unit2", "conv", "3a", "0", "bn1", "_plus", "é", "relu6", "res2a", "1x1", ""])
OPS = st.sampled_from(["Convolution", "BatchNorm", "Activation", "Add", "Pooling", "Flatten", "FullyConnected"])


@given(st.data())
def test_whatever_the_names_and_the_graph_every_layer_has_a_part_or_none(data: st.DataObject) -> None:
    words = st.lists(WORDS, min_size=1, max_size=4).map(lambda parts: "_".join(parts) or "_")
    names = data.draw(st.lists(words, min_size=1, max_size=10, unique=True))
    inputs = {
        name: data.draw(st.lists(st.sampled_from(["data", *names[:i]]), min_size=1, max_size=2, unique=True))
        for i, name in enumerate(names)
    }
    network = graph(inputs, {name: data.draw(OPS) for name in names})
    found = outline(network)
    assert list(found) == names
    assert all(len(path) <= 2 and all(path) for path in found.values())
    assert tuple(places(network)) == waists(network)

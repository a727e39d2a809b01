"""Places to cut: where their papers and their users cut the networks of the zoo, with blocks and as imports."""

from __future__ import annotations

import pytest
from graph_texts import graph, imported, zoo

from retdsl.check.files import zoo_networks
from retdsl.outline import places, waists

STAGES = {
    "resnet50_v1": [
        *("stem_relu", "stage1_unit3_relu", "stage2_unit4_relu", "stage3_unit6_relu", "stage4_unit3_relu"),
        "global_pool",
    ],
    "resnet18_v2": [
        *("stem_relu", "stage1_unit2_add", "stage2_unit2_add", "stage3_unit2_add", "head_relu", "global_pool"),
    ],
    "inception_bn": [
        *("relu_1", "relu_2", "ch_concat_3b_chconcat", "ch_concat_4d_chconcat", "ch_concat_5b_chconcat"),
        "global_pool",
    ],
    "mobilenet_v2": [
        *("stage1_unit1_project_bn", "stage2_unit2_add", "stage3_unit3_add", "stage5_unit3_add", "head_relu6"),
        "global_pool",
    ],
    "squeezenet1_0": ["stem_relu", "fire4_concat", "fire8_concat", "fire9_concat"],
}
"""The last features of each size, and what pools them. SqueezeNet pools scores, which are no features."""


@pytest.mark.parametrize("name", STAGES)
def test_ends_of_stages(name: str) -> None:
    for network in (zoo(name), imported(zoo(name))):
        assert [node for node, worth in places(network).items() if worth == "stage"] == STAGES[name]


@pytest.mark.parametrize("name", sorted(zoo_networks()))
def test_every_network_of_the_zoo_has_places_to_cut(name: str) -> None:
    network = zoo(name)
    found = places(network)
    assert tuple(found) == waists(network)
    assert found[network.output] == "waist", "the output cuts nothing"
    good = [node for node, worth in found.items() if worth != "waist"]
    assert 8 <= len(good) <= 120
    behind = {source: node for node in network.nodes for source in node.inputs}
    assert not [node for node in good if network.node(node).op == "Convolution" and behind[node].op == "BatchNorm"]


def test_what_is_not_known_hinders_nothing() -> None:
    network = imported(zoo("resnet18_v1"), shapes=False)
    found = places(network)
    assert {name for name, worth in found.items() if worth == "place"} >= {"stage1_unit1_relu", "stage4_unit1_relu"}


def test_a_network_that_mixes_nothing() -> None:
    assert places(graph({"a": ["data"], "b": ["a"]}, {"a": "Activation", "b": "Flatten"})) == {
        "a": "stage",
        "b": "waist",
    }
    assert places(graph({})) == {}

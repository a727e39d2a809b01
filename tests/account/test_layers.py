"""The rows of a network's table: what each learns and what a cut there keeps, against sums over all that is needed."""

from __future__ import annotations

import pytest
from graph_texts import zoo

from retdsl.account.layers import best_cut, layer_rows, matching, operator, stretches
from retdsl.ir import Network, learned_numbers


def needed(network: Network, last: str) -> set[str]:
    found, stack = set(), [last]
    while stack:
        name = stack.pop()
        if name != network.input and name not in found:
            found.add(name)
            stack.extend(network.node(name).inputs)
    return found


@pytest.mark.parametrize("name", ["inception_bn", "resnet18_v2", "squeezenet1_1"])
def test_what_a_cut_keeps(name: str) -> None:
    network = zoo(name)
    for row in layer_rows(network):
        kept = needed(network, row.nodes[-1].name)
        keeps = learned_numbers(node for node in network.nodes if node.name in kept)
        assert row.kept == (None if row.worth is None else keeps)


def test_stretches_have_every_layer_once_and_all_that_is_learned() -> None:
    network = zoo("inception_bn")
    rows = layer_rows(network)
    joined = stretches(rows, ("stage", "place"))
    assert tuple(node for row in joined for node in row.nodes) == network.nodes
    assert sum(row.learned for row in joined) == learned_numbers(network.nodes)
    assert [row.worth for row in joined[:-1]].count("waist") == 0
    assert joined[-1].nodes[-1].name == network.output


def test_patterns() -> None:
    rows = layer_rows(zoo("resnet18_v1"))
    assert [row.nodes[-1].name for row in matching(rows, "stem")] == ["stem_conv", "stem_bn", "stem_relu", "stem_pool"]
    assert [row.nodes[-1].name for row in matching(rows, "f*")] == ["flatten", "fc"]
    assert matching(rows, "Stem*") == []


def test_a_layer_in_words() -> None:
    conv, *_ = zoo("resnet18_v1").nodes
    assert operator(conv) == "Convolution(64, kernel = 7, stride = 2)"
    assert operator(conv, brief=False) == "Convolution(64, kernel = 7, stride = 2, pad = 3, no_bias = true)"


def test_the_best_cut_is_the_end_of_the_last_stage() -> None:
    rows = layer_rows(zoo("resnet18_v1"))
    best = best_cut(rows)
    assert best is not None
    assert best.written == "global_pool"
    assert best_cut(rows[:1]) is None
    only_waists = best_cut(rows[:3])
    assert only_waists is not None
    assert only_waists.written == "stem_bn"

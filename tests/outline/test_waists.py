"""Waists: the nodes that every way shares, against a list of all ways."""

from __future__ import annotations

from collections.abc import Iterator

from graph_texts import graph
from hypothesis import given
from hypothesis import strategies as st

from retdsl.ir import Network
from retdsl.outline import narrows, waists

NAMES = [f"n{i}" for i in range(8)]


@st.composite
def graphs(draw: st.DrawFn) -> Network:
    """Any network of some nodes: each takes any of the earlier ones, the input, or nothing at all."""
    inputs = {}
    for i, name in enumerate(NAMES[: draw(st.integers(1, len(NAMES)))]):
        inputs[name] = draw(st.lists(st.sampled_from(["data", *NAMES[:i]]), unique=True, max_size=3))
    return graph(inputs)


def ways(network: Network, last: str) -> Iterator[list[str]]:
    """Every way from the input to a node."""
    if last == network.input:
        yield [last]
        return
    for source in network.node(last).inputs:
        for way in ways(network, source):
            yield [*way, last]


@given(graphs())
def test_waists_are_what_all_ways_share(network: Network) -> None:
    found = list(ways(network, network.output))
    shared = set.intersection(*map(set, found)) - {network.input} if found else set()
    assert set(waists(network)) == shared


@given(graphs())
def test_waists_stand_in_the_order_of_the_network_and_end_with_its_output(network: Network) -> None:
    found = waists(network)
    order = [node.name for node in network.nodes]
    assert sorted(found, key=order.index) == list(found)
    assert not found or found[-1] == network.output


def test_a_fork_and_a_shortcut() -> None:
    network = graph({"a": ["data"], "b": ["a"], "c": ["a"], "d": ["b", "c"], "e": ["d"], "f": ["d", "e"], "g": ["f"]})
    assert waists(network) == ("a", "d", "f", "g")


def test_what_lies_on_no_way_is_in_nobodys_way() -> None:
    network = graph({"zeros": [], "a": ["data"], "beside": ["a"], "b": ["a", "zeros"]})
    assert waists(network) == ("a", "b")


def test_a_network_of_nothing_but_its_input() -> None:
    assert waists(graph({})) == ()


def test_narrow_places_are_where_one_value_passes() -> None:
    order = ["a", "b", "c", "d", "e"]
    edges = [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("d", "e")]
    assert narrows(order, edges) == {0, 3, 4}

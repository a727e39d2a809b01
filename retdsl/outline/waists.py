"""Waists of a graph: the values that every way from its input to its output passes through.

A backbone that is cut at a waist goes on as the whole network does, and nothing of it is computed twice; a cut anywhere
else takes one branch of several.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from retdsl.ir import Network, Node, needed


def waists(network: Network) -> tuple[str, ...]:
    """The names of the network's waists in their order, its output the last. The input is none.

    What does not lie on a way from the input to the output, as a constant, is no waist and is in nobody's way.
    """
    way = _way(network)
    order = [network.input, *(node.name for node in way)]
    inside = set(order)
    edges = [(name, node.name) for node in way for name in node.inputs if name in inside]
    found = narrows(order, edges)
    return tuple(node.name for i, node in enumerate(way, start=1) if i in found)


def narrows(order: Sequence[str], edges: Iterable[tuple[str, str]]) -> set[int]:
    """Where a graph hangs by one value: every i such that all edges from `order[: i + 1]` to the rest leave `order[i]`.

    `order` is topological. The last position is always among them. Where all of the graph lies on ways from the first
    of `order` to the last, these are the nodes that all ways share: an edge that leads past one is part of a way
    around it. So it is enough to know how far the edges reach that are open at each position.
    """
    position = {name: i for i, name in enumerate(order)}
    reach = [-1] * len(order)
    for tail, head in edges:
        reach[position[tail]] = max(reach[position[tail]], position[head])
    found, furthest = set(), -1
    for i in range(len(order)):
        if furthest <= i:
            found.add(i)
        furthest = max(furthest, reach[i])
    return found


def _way(network: Network) -> list[Node]:
    """The nodes between input and output: they need the one, and the other needs them."""
    behind = {network.input}
    for node in network.nodes:
        if any(name in behind for name in node.inputs):
            behind.add(node.name)
    leading = needed(network.nodes, [network.output])
    return [node for node in network.nodes if node.name in behind and node.name in leading]

"""Networks for the outline: graphs of nothing but names, networks of the zoo, and the same as an import sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from spec_texts import program

from retdsl.ir import Network, Node, Place
from retdsl.records import replace

HERE = Place("test.retina", 1, 1)


def graph(inputs: Mapping[str, Sequence[str]], ops: Mapping[str, str] | None = None) -> Network:
    """A network of layers without shapes, each with the names of its inputs; the last one is the output."""
    nodes = tuple(
        Node(name, (ops or {}).get(name, "Convolution"), (), tuple(sources), None, (), HERE, backbone="it")
        for name, sources in inputs.items()
    )
    return Network("it", "data", (None, 3, 8, 8), nodes, nodes[-1].name if nodes else "data", None, (), HERE)


def zoo(name: str) -> Network:
    """A network of the zoo."""
    return program(f"backbone it = zoo({name})\nmodel whole = it").networks[0]


def imported(network: Network, *, shapes: bool = True) -> Network:
    """A network as it comes out of a symbol file: without blocks, perhaps without shapes."""
    nodes = (replace(node, path=(), shape=node.shape if shapes else None) for node in network.nodes)
    return replace(network, nodes=tuple(nodes))

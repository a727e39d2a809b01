"""Networks for the outline: graphs of nothing but names, networks of the zoo, and the same as an import sees them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from spec_texts import program

from retdsl.ir import Network, Node, Place
from retdsl.records import replace
from retdsl.schema.lookup import find_node

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


def symbol_file(network: Network) -> str:
    """The text of the symbol file that MXNet would write of a network, as far as a reader needs it."""
    raw: list[dict[str, Any]] = [{"op": "null", "name": network.input, "inputs": []}]
    index = {network.input: 0}
    for node in network.nodes:
        inputs = [[index[name], 0, 0] for name in node.inputs]
        for parameter in node.parameters:
            inputs.append([len(raw), 0, 0])
            raw.append({"op": "null", "name": parameter.name, "inputs": []})
        layer = find_node(node.op)
        attrs = {key: str(value) for key, value in node.options}
        index[node.name] = len(raw)
        raw.append({"op": layer.operator if layer else node.op, "name": node.name, "attrs": attrs, "inputs": inputs})
    variables = [i for i, item in enumerate(raw) if item["op"] == "null"]
    return json.dumps({"nodes": raw, "arg_nodes": variables, "heads": [[len(raw) - 1, 0, 0]]})

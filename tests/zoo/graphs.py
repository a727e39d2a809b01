"""Two MXNet graphs side by side: are they one network under different names, and which parameter is which?

A graph is compared by what it computes: operators, the options that matter with their defaults, and inputs. Names say
nothing. A sum's order and `Flatten` do not matter; a mean over a whole image is one, however it is written.
"""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from typing import Any

OPTIONS: dict[str, dict[str, Any]] = {
    "Convolution": {
        "num_filter": None,
        "kernel": None,
        "stride": (1, 1),
        "pad": (0, 0),
        "dilate": (1, 1),
        "num_group": 1,
        "no_bias": False,
    },
    "FullyConnected": {"num_hidden": None, "no_bias": False},
    "BatchNorm": {"eps": 1e-3, "momentum": 0.9, "fix_gamma": True, "use_global_stats": False},
    "Activation": {"act_type": None},
    "clip": {"a_min": None, "a_max": None},
    "Concat": {"dim": 1},
    "Dropout": {"p": 0.5},
    "elemwise_add": {},
    "slice": {"begin": None, "end": None},
}
"""What is compared of each operator. `Pooling` is compared by hand, any other operator is a mistake."""

POOLING: dict[str, Any] = {
    "kernel": None,
    "stride": (1, 1),
    "pad": (0, 0),
    "pool_type": "max",
    "pooling_convention": "valid",
    "count_include_pad": True,
}


@dataclass(frozen=True, slots=True)
class Graph:
    """A symbol's nodes, in topological order, and the shape of what each gives."""

    nodes: list[dict[str, Any]]
    shapes: list[tuple[int, ...]]

    @classmethod
    def of(cls, symbol: Any, data: tuple[int, ...]) -> Graph:
        nodes = json.loads(symbol.tojson())["nodes"]
        inside = symbol.get_internals()
        _, shapes, _ = inside.infer_shape(data=data)
        assert len(shapes) == len(nodes), "every node gives one value"
        return cls(nodes, shapes)

    def inputs(self, i: int) -> list[int]:
        """The nodes that a node takes from, `Flatten` looked through."""
        return [self.through(entry[0]) for entry in self.nodes[i]["inputs"]]

    def through(self, i: int) -> int:
        return self.through(self.nodes[i]["inputs"][0][0]) if self.nodes[i]["op"] == "Flatten" else i

    def computes(self, i: int) -> tuple[Any, ...]:
        """What a node computes of its inputs."""
        node = self.nodes[i]
        given = {key: _value(text) for key, text in node.get("attrs", {}).items()}
        if node["op"] == "null":
            return ("data",) if node["name"] == "data" else ("parameter", self.shapes[i])
        if node["op"] == "Pooling":
            size = self.shapes[self.inputs(i)[0]][2:]
            chosen = {key: given.get(key, default) for key, default in POOLING.items()}
            if given.get("global_pool") or (chosen["kernel"] == size and chosen["pad"] == (0, 0)):
                return ("global pooling", chosen["pool_type"])
            return ("Pooling", *chosen.values())
        op = "elemwise_add" if node["op"] == "add_n" else node["op"]
        return (op, *(given.get(key, default) for key, default in OPTIONS[op].items()))


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def matched_parameters(ours: Any, theirs: Any, data: tuple[int, ...]) -> dict[str, str]:
    """Their name of each of our parameters, in order of appearance; fails where the networks differ."""
    a, b = Graph.of(ours, data), Graph.of(theirs, data)
    known: dict[Any, int] = {}
    kinds_a, kinds_b = _kinds(a, known), _kinds(b, known)
    partner: dict[int, int] = {}
    waiting = [(a.through(len(a.nodes) - 1), b.through(len(b.nodes) - 1))]
    while waiting:
        i, j = waiting.pop()
        if i in partner:
            assert partner[i] == j, f"{a.nodes[i]['name']} is two things in the other network"
            continue
        assert kinds_a[i] == kinds_b[j], f"{_told(a, i)}\nis not\n{_told(b, j)}"
        partner[i] = j
        inputs_a, inputs_b = a.inputs(i), b.inputs(j)
        if a.computes(i)[0] == "elemwise_add":
            inputs_a.sort(key=lambda n: kinds_a[n])
            inputs_b.sort(key=lambda n: kinds_b[n])
        waiting += zip(inputs_a, inputs_b, strict=True)
    assert len(set(partner.values())) == len(partner)
    found = {i: j for i, j in sorted(partner.items()) if a.computes(i)[0] == "parameter"}
    return {a.nodes[i]["name"]: b.nodes[j]["name"] for i, j in found.items()}


def _kinds(graph: Graph, known: dict[Any, int]) -> list[int]:
    """A number for each node, the same for nodes that compute the same all the way from the data."""
    kinds: list[int] = []
    for i, node in enumerate(graph.nodes):
        if node["op"] == "Flatten":
            kinds.append(kinds[graph.through(i)])
            continue
        inputs = [kinds[j] for j in graph.inputs(i)]
        if graph.computes(i)[0] == "elemwise_add":
            inputs.sort()
        kinds.append(known.setdefault((graph.computes(i), *inputs), len(known)))
    return kinds


def _told(graph: Graph, i: int) -> str:
    names = ", ".join(graph.nodes[j]["name"] for j in graph.inputs(i))
    return f"{graph.nodes[i]['name']}: {graph.computes(i)} of {names}"

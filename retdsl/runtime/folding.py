"""A network where it only predicts: without layers that do nothing there, and with BatchNorms folded.

Enters: an ordinary symbol and its ordinary parameters. Leaves: a symbol, and the parameters that it takes, which give
the same up to rounding. Guaranteed: what enters stays as it is, so that checkpoints never hold a folded weight; what
cannot be folded in a symbol, since part of it is not there or a value would not be a number, is left as it is.

    y = gamma (W x + b - mean) / sqrt(var + eps) + beta        a layer and its BatchNorm
      = (s W) x + (s (b - mean) + beta)                        with s = gamma / sqrt(var + eps), for each channel
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.initial import Array
from retdsl.runtime.symbols import Symbol

Graph: TypeAlias = dict[str, Any]
"""A symbol as MXNet writes it in JSON: nodes in topological order, and the entries that come out, its heads."""

Node: TypeAlias = dict[str, Any]

Entry: TypeAlias = list[int]
"""What a node gives: its number, which of its outputs, and a version."""

BACKEND = "MXNET_SUBGRAPH_BACKEND"
"""What MXNet joins layers by when it binds a symbol for prediction; it looks there every time."""

NO_BACKEND = "default"
"""The backend that joins nothing. `NONE` does not, either, but says so on stderr."""

FALSE = ("False", "0")
"""How MXNet writes that an option is off."""


@dataclass(frozen=True)
class Predicting:
    """What becomes of a network where it only predicts.

    without: layers that do nothing there, by name; they are left out. folded: BatchNorms and the layer before each that
    takes it in, `{"bn0": "conv0"}`. fused: whether layers may be computed together, be it by MXNet's oneDNN or by
    another engine; without it MXNet computes them one after the other.
    """

    without: Sequence[str] = ()
    folded: Mapping[str, str] = field(default_factory=dict)
    fused: bool = True

    def words(self) -> list[str]:
        """What sets the numbers that MXNet gives apart from those that it gives otherwise, in their last digits."""
        return [*(["folded"] if self.folded else []), *([] if self.fused else ["unfused"])]

    def prepared(self, symbol: Symbol, parameters: Mapping[str, Any]) -> tuple[Symbol, dict[str, Array]]:
        """The symbol without these layers and with these folds, and the new values that it takes besides `parameters`.

        parameters: arrays by name, of MXNet or NumPy.
        """
        if not (self.without or self.folded):
            return symbol, {}
        graph = json.loads(symbol.tojson())
        _leave_out(graph, frozenset(self.without))
        values = _fold(graph, self.folded, parameters)
        return _symbol(graph), values


@contextmanager
def joining(*, fused: bool) -> Iterator[None]:
    """While this is open, MXNet joins layers of what it binds for prediction as it always does, or none."""
    before = os.environ.get(BACKEND)
    if not fused:
        os.environ[BACKEND] = NO_BACKEND
    try:
        yield
    finally:
        if before is not None:
            os.environ[BACKEND] = before
        elif not fused:
            del os.environ[BACKEND]


def without_layers(symbol: Symbol, names: Collection[str]) -> Symbol:
    """The symbol with these layers, which have one input each, left out: whoever takes what they give takes theirs."""
    if not names:
        return symbol
    graph = json.loads(symbol.tojson())
    _leave_out(graph, names)
    return _symbol(graph)


def _leave_out(graph: Graph, names: Collection[str]) -> None:
    instead: dict[int, Entry] = {}
    for number, node in enumerate(graph["nodes"]):
        node["inputs"] = [instead.get(source[0], source) for source in node["inputs"]]
        if node["op"] != "null" and node["name"] in names:
            instead[number] = node["inputs"][0]
    graph["heads"] = [instead.get(head[0], head) for head in graph["heads"]]
    _renumber(graph)


def _fold(graph: Graph, folded: Mapping[str, str], parameters: Mapping[str, Any]) -> dict[str, Array]:
    """Folds what can be folded of a graph; the values that it takes now besides the ordinary ones."""
    nodes: list[Node] = graph["nodes"]
    uses = Counter(number for node in nodes for number, *_ in node["inputs"])
    uses.update(number for number, *_ in graph["heads"])
    values: dict[str, Array] = {}
    layers: dict[int, list[str]] = {}
    instead: dict[int, Entry] = {}
    for number, norm in enumerate(nodes):
        if norm["op"] != "BatchNorm" or norm["name"] not in folded:
            continue
        source, *_ = norm["inputs"][0]
        layer = nodes[source]
        if layer["name"] != folded[norm["name"]] or layer["op"] == "null" or uses[source] != 1:
            continue
        given = [[parameters[nodes[number]["name"]] for number, *_ in node["inputs"][1:]] for node in (layer, norm)]
        new = _folded_values(layer, norm, *given)
        if all(np.isfinite(value).all() for value in new):
            layers[source] = [f"{layer['name']}_folded_weight", f"{layer['name']}_folded_bias"]
            values |= zip(layers[source], new, strict=True)
            instead[number] = [source, 0, 0]
    _put_in(graph, layers, instead)
    return values


def _folded_values(layer: Node, norm: Node, own: Sequence[Any], statistics: Sequence[Any]) -> tuple[Array, Array]:
    """The weight and the bias of a layer that does what its BatchNorm does, too. Computed in double precision."""
    attributes = norm.get("attrs", {})
    gamma, beta, mean, variance = map(_numbers, statistics)
    if attributes.get("fix_gamma") not in FALSE:
        gamma = np.ones_like(gamma)
    with np.errstate(all="ignore"):
        scale = gamma / np.sqrt(variance + float(attributes.get("eps", 1e-3)))
        bias = _numbers(own[1]) if len(own) > 1 else np.zeros_like(scale)
        weight = _scaled(_numbers(own[0]), scale, layer)
        return weight.astype(np.float32), ((bias - mean) * scale + beta).astype(np.float32)


def _scaled(weight: NDArray[np.float64], scale: NDArray[np.float64], layer: Node) -> NDArray[np.float64]:
    """A weight times a factor for each channel that comes out. Of a Deconvolution these lie on the second axis, those
    of one group; on the first lie the channels that go in, group by group.
    """
    if layer["op"] != "Deconvolution":
        return weight * scale.reshape(-1, *[1] * (weight.ndim - 1))
    groups = int(layer.get("attrs", {}).get("num_group", 1))
    grouped = weight.reshape(groups, -1, *weight.shape[1:])
    return (grouped * scale.reshape(groups, 1, -1, *[1] * (weight.ndim - 2))).reshape(weight.shape)


def _put_in(graph: Graph, layers: Mapping[int, Sequence[str]], instead: Mapping[int, Entry]) -> None:
    """Gives layers of a graph, by number, these variables for weight and bias, and replaces what nodes give."""
    nodes: list[Node] = []
    entries: dict[int, Entry] = {}
    for number, node in enumerate(graph["nodes"]):
        if number in instead:
            entries[number] = entries[instead[number][0]]
            continue
        inputs = [_moved(entry, entries) for entry in node["inputs"]]
        if number in layers:
            inputs = [inputs[0], *([len(nodes) + at, 0, 0] for at in range(2))]
            nodes += [{"op": "null", "name": name, "inputs": []} for name in layers[number]]
            node = {**node, "attrs": {**node.get("attrs", {}), "no_bias": "False"}}
        entries[number] = [len(nodes), 0, 0]
        nodes.append({**node, "inputs": inputs})
    graph["heads"] = [_moved(head, entries) for head in graph["heads"]]
    graph["nodes"] = nodes
    _renumber(graph)


def _moved(entry: Entry, entries: Mapping[int, Entry]) -> Entry:
    """Where the value lies now that was the given output of a node."""
    number, output, *version = entry
    return [entries[number][0], output, *version]


def _renumber(graph: Graph) -> None:
    """Leaves out what no head needs."""
    needed = {number for number, *_ in graph["heads"]}
    for number in range(len(graph["nodes"]) - 1, -1, -1):
        if number in needed:
            needed.update(source for source, *_ in graph["nodes"][number]["inputs"])
    entries: dict[int, Entry] = {number: [at, 0, 0] for at, number in enumerate(sorted(needed))}
    nodes = [graph["nodes"][number] for number in sorted(needed)]
    graph["nodes"] = [{**n, "inputs": [_moved(entry, entries) for entry in n["inputs"]]} for n in nodes]
    graph["heads"] = [_moved(head, entries) for head in graph["heads"]]
    graph["arg_nodes"] = [at for at, node in enumerate(nodes) if node["op"] == "null"]
    graph.pop("node_row_ptr", None)


def _symbol(graph: Graph) -> Symbol:
    from retdsl.runtime.mx import mx

    return mx.sym.load_json(json.dumps(graph))


def _numbers(array: Any) -> NDArray[np.float64]:
    values: NDArray[Any] = array.asnumpy() if hasattr(array, "asnumpy") else np.asarray(array)
    return values.astype(np.float64)

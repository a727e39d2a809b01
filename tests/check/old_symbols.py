"""Checkpoints as people have them on old disks: symbol files of other years, and params files that fit them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from params_files import params_bytes

from retdsl.check.imported import Imported
from retdsl.check.old_pooling import read_rounded
from retdsl.check.symbol_file import open_symbol
from retdsl.ir import Place, Shape

PLACE = Place("test.retina", 1, 1)

OPTIONS_2015: dict[str, dict[str, str]] = {
    "Activation": {"act_type": "relu"},
    "BatchNorm": {"eps": "0.001", "momentum": "0.9", "fix_gamma": "True", "use_global_stats": "False"},
    "Concat": {"dim": "1", "num_args": "2"},
    "Convolution": {
        "dilate": "(1,1)",
        "kernel": "(1,1)",
        "no_bias": "False",
        "num_filter": "1",
        "num_group": "1",
        "pad": "(0,0)",
        "stride": "(1,1)",
        "workspace": "512",
    },
    "Dropout": {"p": "0.5"},
    "ElementWiseSum": {"num_args": "2"},
    "Flatten": {},
    "FullyConnected": {"no_bias": "False", "num_hidden": "1"},
    "LRN": {"alpha": "0.0001", "beta": "0.75", "knorm": "2", "nsize": "5"},
    "Pooling": {"global_pool": "False", "kernel": "(1,1)", "pad": "(0,0)", "pool_type": "max", "stride": "(1,1)"},
    "SoftmaxOutput": {"grad_scale": "1", "ignore_label": "-1", "multi_output": "False", "use_ignore": "False"},
    "_Plus": {},
}
"""Every option that MXNet of 2015 wrote of these operators, with its default."""


def as_of_2015(symbol: Any) -> dict[str, Any]:
    """An `mx.sym` symbol as MXNet 0.5 saved it: all options as `param`, no moving statistics, no version."""
    graph = json.loads(symbol.tojson())
    kept = [i for i, n in enumerate(graph["nodes"]) if not n["name"].endswith(("_moving_mean", "_moving_var"))]
    place = {old: new for new, old in enumerate(kept)}
    nodes = []
    for i in kept:
        item = graph["nodes"][i]
        known = {"elemwise_add": "_Plus", "add_n": "ElementWiseSum"}
        op = known.get(item["op"], item["op"])
        written = {key: value.replace(" ", "") for key, value in item.get("attrs", {}).items() if key[0] != "_"}
        options = OPTIONS_2015.get(op, {}) | written if op != "null" else {}
        assert op == "null" or set(options) == set(OPTIONS_2015[op]), (op, options)
        inputs = [[place[source], output] for source, output, *_ in item["inputs"] if source in place]
        nodes.append({"op": op, "param": options, "name": item["name"], "inputs": inputs, "backward_source_id": -1})
    heads = [[place[source], output] for source, output, *_ in graph["heads"]]
    return {"nodes": nodes, "arg_nodes": [i for i, n in enumerate(nodes) if n["op"] == "null"], "heads": heads}


def as_of_2016(symbol: Any) -> dict[str, Any]:
    """An `mx.sym` symbol as MXNet 0.9 saved it: the options that were given, as `attr`."""
    graph: dict[str, Any] = json.loads(symbol.tojson())
    for item in graph["nodes"]:
        item["attr"] = item.pop("attrs", {})
        item["inputs"] = [entry[:2] for entry in item["inputs"]]
    graph["heads"] = [entry[:2] for entry in graph["heads"]]
    return {**graph, "attrs": {"mxnet_version": ["int", 901]}}


def with_convention(graph: Mapping[str, Any]) -> str:
    """A graph of 2015 whose Poolings say what was done then, for MXNet of today."""
    nodes = [
        {**item, "param": {**item["param"], "pooling_convention": "full"}} if item["op"] == "Pooling" else item
        for item in graph["nodes"]
    ]
    return json.dumps({**graph, "nodes": nodes})


def read(path: Path, shape: Shape) -> Imported:
    """The network of a symbol file, without parameters."""
    return read_rounded(open_symbol(path), shape, PLACE).network


def write_params(path: Path, shapes: Mapping[str, Iterable[int | None]]) -> None:
    """A params file with parameters of these shapes, of one byte a number."""
    path.write_bytes(params_bytes({name: np.zeros([n or 1 for n in shape], "u1") for name, shape in shapes.items()}))


def write_fitting_params(path: Path, network: Imported) -> None:
    """A params file with all that a network needs, as far as shapes are known."""
    found = {p.name: p.shape for node in network.nodes for p in node.parameters if p.shape is not None}
    states = {p.name for node in network.nodes for p in node.parameters if p.auxiliary}
    named = {f"{'aux' if name in states else 'arg'}:{name}": shape for name, shape in found.items()}
    write_params(path, named or {"arg:of_another_network": (1,)})

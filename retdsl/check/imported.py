"""An MXNet symbol file to nodes, without MXNet: the file is JSON, and the schema knows the shapes.

Layers that the schema does not know keep their options as they are and have no shape. Variables that are neither the
input nor a label are parameters, under the names that the file gives them.
"""

from __future__ import annotations

import ast
import json
import keyword
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from retdsl.ir import Node, Parameter, Place, Shape, Value
from retdsl.schema import REQUIRED, Layer, ShapeError, find_layer
from retdsl.schema.left_out import taken_for_granted
from retdsl.schema.lookup import find_operator
from retdsl.schema.model import Stricter
from retdsl.schema.operators import has_default
from retdsl.schema.shapes import size_of
from retdsl.schema.types import Choice, OneOf, Pair, Type

INPUT = "data"

_LOSSES = {"SoftmaxOutput", "Softmax", "LinearRegressionOutput", "LogisticRegressionOutput", "MakeLoss", "SVMOutput"}


class BadSymbol(Exception):
    """The file is not an MXNet symbol, or not a whole one; the message says why, `helps` what to do."""

    def __init__(self, message: str, *helps: str) -> None:
        super().__init__(message)
        self.helps = helps


def read_symbol(path: Path, input_shape: Shape, place: Place) -> tuple[tuple[Node, ...], Node]:
    """The layers of a symbol file in their order, and the last one. Raises BadSymbol."""
    try:
        graph = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadSymbol(*_why(path, error)) from error
    if not isinstance(graph, dict) or not isinstance(graph.get("nodes"), list):
        raise BadSymbol("it is JSON, but not an MXNet symbol (it has no list of nodes)")
    try:
        return _layers(graph["nodes"], input_shape, place)
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
        raise BadSymbol(f"a node of it is not as MXNet writes nodes ({error})") from error


def _why(path: Path, error: Exception) -> tuple[str, ...]:
    """Why a file cannot be read, and what to do."""
    if isinstance(error, OSError):
        return ((error.strerror or str(error)).lower(),)
    with path.open("rb") as file:
        head = file.read(40)
    if head.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer, not the file itself", "run `git lfs pull` where it came from"
    line = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
    return f"it is not JSON{line}" if head.strip() else "it is empty", "copy it again: it may have been cut short"


def _layers(raw: Sequence[Any], input_shape: Shape, place: Place) -> tuple[tuple[Node, ...], Node]:
    names = [item["name"] for item in raw]
    if not all(isinstance(name, str) and name for name in names):
        raise BadSymbol("one of its nodes has no name")
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise BadSymbol(f"two of its nodes are named `{twice[0]}`")
    nodes: list[Node] = []
    by_index: dict[int, Node] = {}
    shapes: dict[str, Shape | None] = {}
    for index, item in enumerate(raw):
        if item["op"] == "null":
            continue
        if not all(0 <= source < index for source, *_ in item["inputs"]):
            raise BadSymbol(f"its node `{item['name']}` comes before its inputs")
        if item["op"] in _LOSSES:
            continue
        node = _node(item, index, raw, by_index, shapes, input_shape, place)
        nodes.append(node)
        by_index[index] = node
        shapes[node.name] = node.shape
    if not nodes:
        raise BadSymbol("it has no layers")
    owners: dict[str, str] = {}
    for node in nodes:
        for parameter in node.parameters:
            if (other := owners.setdefault(parameter.name, node.name)) != node.name:
                raise BadSymbol(f"its layers `{other}` and `{node.name}` share `{parameter.name}`: not supported")
    return tuple(nodes), nodes[-1]


def _node(
    item: Mapping[str, Any],
    index: int,
    raw: Sequence[Any],
    by_index: Mapping[int, Node],
    shapes: Mapping[str, Shape | None],
    input_shape: Shape,
    place: Place,
) -> Node:
    # 2015 wrote `param`, 2016 `attr`, and since 2017 it is `attrs`.
    attributes = item.get("attrs") or item.get("param") or item.get("attr") or {}
    written = {key: str(value) for key, value in attributes.items() if not key.startswith("__")}
    options = {key: _literal(value) for key, value in written.items() if value not in ("None", "()")}
    for word in (item["op"], *options):  # these become names in a program
        if not word.isidentifier() or not word.isascii() or keyword.iskeyword(word):
            raise BadSymbol(f"`{word}` at its layer `{item['name']}` is no name that MXNet has")
    sources: list[str] = []
    variables: list[str] = []
    for source, output, *_ in item["inputs"]:
        variable = raw[source]["op"] == "null"
        if output:
            raise BadSymbol(f"`{item['name']}` takes output {output} of `{raw[source]['name']}`: not supported")
        if not variable:
            sources.append(by_index[source].name)
        elif raw[source]["name"] == INPUT:
            sources.append(INPUT)
        else:
            variables.append(raw[source]["name"])
    likely = find_operator(item["op"])
    roles = () if likely is None else likely.learns
    if len(variables) > len(roles):
        said = f"it is not known what `{item['name']}` ({item['op']}) does with `{variables[0]}`"
        raise BadSymbol(said + ("" if sources else f"; the network's input must be named `{INPUT}`"))
    layer = _understood(likely, options, len(sources))
    op = item["op"] if layer is None else layer.name
    inputs = [input_shape if name == INPUT else shapes.get(name) for name in sources]
    shape, sizes = _shape(layer, options, inputs, item, index)
    names = list(variables)
    if op == "BatchNorm" and len(names) == 2:  # files of 2015 leave the moving statistics unsaid
        names += [f"{item['name']}_{role}" for role in roles[2:]]
    parameters = tuple(
        Parameter(name, sizes.get(role), role.startswith("moving")) for name, role in zip(names, roles, strict=False)
    )
    kept = tuple((k, v) for k, v in options.items() if layer is None or layer.entry.option(k) is not None)
    if op == "BatchNorm":
        kept = tuple({"eps": 1e-3, "fix_gamma": True, **dict(kept)}.items())
    return Node(item["name"], op, kept, tuple(sources), shape, parameters, place)


def _understood(layer: Layer | None, options: Mapping[str, Value], count: int) -> Layer | None:
    """The schema's layer, if it says all that this one does.

    It must take as many values; an option beyond the schema must be without effect, and one that only the schema
    requires must be there.
    """
    if layer is None or find_layer(layer.name) is not layer or not (layer.joins or count == len(layer.inputs)):
        return None
    described = layer.entry.options
    beyond = {key: value for key, value in options.items() if layer.entry.option(key) is None}
    plain = all(taken_for_granted(key, value) for key, value in beyond.items())
    within = all(_fits(o.type, options[o.name]) for o in described if o.name in options)
    absent = [o.name for o in described if o.default is REQUIRED and o.name not in options]
    stricter = any(has_default(layer.operator, name) for name in absent)
    return layer if plain and within and not stricter else None


def _fits(wanted: Type, value: Value) -> bool:
    """Whether an option means what the schema's shape rules take it for; ranges are MXNet's business."""
    match wanted:
        case Choice(names=names):
            return value in names
        case Pair():
            return not isinstance(value, tuple) or len(value) == 2  # what is no tuple at all, the rules refuse
        case OneOf(types=types):
            return any(_fits(one, value) for one in types)
        case _:
            return True


def _shape(
    layer: Layer | None,
    options: Mapping[str, Value],
    inputs: Sequence[Shape | None],
    item: Mapping[str, Any],
    index: int,
) -> tuple[Shape | None, dict[str, Shape]]:
    """The output shape and those of the parameters by their roles, as far as they follow."""
    known = [shape for shape in inputs if shape is not None]
    if layer is None or layer.shape is None or len(known) < len(inputs) or not known:
        return None, {}
    defaults = {o.name: o.default for o in layer.entry.options}
    full: dict[str, Value] = {k: None if v is REQUIRED else v for k, v in defaults.items()}
    full.update(options)
    if layer.name == "FullyConnected":  # MXNet flattens without a word
        known = [(None, size_of(known[0]))]
    try:
        return layer.shape(known, full), dict(zip(layer.learns, layer.parameters(known, full), strict=False))
    except Stricter:
        return None, {}
    except ShapeError as error:
        raise BadSymbol(f"at its layer `{item['name']}` (node {index}): {error}") from error


def _literal(text: str) -> Value:
    """An attribute as MXNet writes it: `(3,3)`, `64`, `True`, `relu`."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    if isinstance(value, list):
        value = tuple(value)
    return value if isinstance(value, bool | int | float | str | tuple) else text

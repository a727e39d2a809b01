"""Layers and policies to Python expressions on `retdsl.runtime` and MXNet's `sym`."""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from retdsl.ir import Call, Node, Value

Lowering = Callable[[Sequence[str], Mapping[str, Value]], "tuple[str, list[str]]"]


def _relu6(inputs: Sequence[str], _options: Mapping[str, Value]) -> tuple[str, list[str]]:
    return "sym.clip", [*inputs, "a_min=0", "a_max=6"]


OWN_WORDS: dict[str, Lowering] = {"ReLU6": _relu6}
"""Layers whose name is not MXNet's; every other layer is the operator of its name. Joins are in `lower_node`."""

_ELEMENTWISE = {"Add": "broadcast_add", "Multiply": "broadcast_mul"}


def literal(value: Value) -> str:
    """A value as Python writes it, texts between double quotes; a call as a call of the runtime's factory."""
    match value:
        case Call():
            return lower_call(value)
        case tuple():
            inner = ", ".join(literal(item) for item in value)
            return f"({inner},)" if len(value) == 1 else f"({inner})"
        case str():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return repr(value)


def lower_call(call: Call) -> str:
    """`resample(ratio=(1, 1), each="epoch")`; an option that is None is left out: that is its default everywhere."""
    return f"{call.name}({', '.join(f'{safe(k)}={literal(v)}' for k, v in call.options if v is not None)})"


def safe(name: str) -> str:
    """An option's name as a Python keyword argument: `from` becomes `from_`."""
    return f"{name}_" if keyword.iskeyword(name) else name


def variable_names(nodes: Iterable[str], taken: Iterable[str]) -> dict[str, str]:
    """A Python variable for every node: its own name where Python allows it, and never one of `taken`."""
    used = set(taken)
    names: dict[str, str] = {}
    for node in nodes:
        name = re.sub(r"\W", "_", node, flags=re.ASCII) or "_"
        if name[0].isdigit() or keyword.iskeyword(name):
            name = f"_{name}"
        while name in used:
            name += "_"
        used.add(name)
        names[node] = name
    return names


def lower_node(node: Node, variables: Mapping[str, str]) -> str:
    """The expression that makes a layer, with its explicit name."""
    inputs = [variables[source] for source in node.inputs]
    options = dict(node.options)
    name = f"name={literal(node.name)}"
    if node.op in _ELEMENTWISE:
        return _join(_ELEMENTWISE[node.op], inputs, node.name)
    operator, arguments = f"sym.{node.op}", list(inputs)
    if node.op in OWN_WORDS:
        operator, arguments = OWN_WORDS[node.op](inputs, options)
    arguments += [f"{key}={literal(value)}" for key, value in options.items()]
    arguments += _own_parameters(node)
    return f"{operator}({', '.join([*arguments, name])})"


def _join(operator: str, inputs: Sequence[str], name: str) -> str:
    """Pairs from the left; only the last one carries the node's name, so that names stay unique."""
    expression = inputs[0]
    for i, other in enumerate(inputs[1:], 1):
        own = name if i == len(inputs) - 1 else f"{name}_{i}"
        expression = f"sym.{operator}({expression}, {other}, name={literal(own)})"
    return expression if len(inputs) > 1 else f"sym.identity({expression}, name={literal(name)})"


def _own_parameters(node: Node) -> list[str]:
    """Variables for parameters whose names are not those that MXNet would give them, as some old files have."""
    arguments = []
    for parameter in node.parameters:
        suffix = next((s for s in _SUFFIXES if parameter.name.endswith(s)), None)
        if suffix is not None and parameter.name != f"{node.name}_{suffix}":
            arguments.append(f"{suffix}=sym.Variable({literal(parameter.name)})")
    return arguments


_SUFFIXES = ("weight", "bias", "gamma", "beta", "moving_mean", "moving_var")

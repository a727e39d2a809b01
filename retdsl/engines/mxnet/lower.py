"""Layers and policies to Python expressions on `retdsl.runtime` and MXNet's `sym`."""

from __future__ import annotations

import json
import keyword
import math
import re
from collections.abc import Iterable, Mapping, Sequence

from retdsl.ir import Call, Node, Shape, Value
from retdsl.schema.lookup import find_layer, find_node
from retdsl.schema.types import RULE

ALWAYS_GIVEN = {"ReLU6": ("a_min=0", "a_max=6")}
"""What MXNet's operator wants to be told where the language's word says it already."""

_ELEMENTWISE = {"Add": "add", "Multiply": "mul", "Subtract": "sub", "Divide": "div"}
_FOLDED = {"Maximum": "broadcast_maximum", "Minimum": "broadcast_minimum"}
_MODULES = ("contrib", "image", "linalg", "random", "sparse")


def literal(value: Value) -> str:
    """A value as Python writes it, texts between double quotes; a call as a call of the runtime's factory."""
    match value:
        case Call():
            return lower_call(value)
        case tuple():
            inner = ", ".join(literal(item) for item in value)
            return f"({inner},)" if len(value) == 1 else f"({inner})"
        case str():
            text = json.dumps(value, ensure_ascii=False)
            # Half a character, as in a file name that is not UTF-8, cannot stand in a file of Python.
            return repr(value) if re.search("[\ud800-\udfff]", value) else text
        case float() if not math.isfinite(value):
            return f'float("{value}")'
        case _:
            return repr(value)


def lower_call(call: Call) -> str:
    """`resample(ratio=(1, 1), each="epoch")`; an option that is None is left out: that is its default everywhere.

    A rule reads from left to right as in the spec: `rule("grade", ">=", 2, "infected")`.
    """
    if call.name == RULE:
        return f"{RULE}({', '.join(literal(value) for _, value in call.options)})"
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


def lower_node(node: Node, variables: Mapping[str, str], shapes: Mapping[str, Shape | None]) -> str:
    """The expression that makes a layer, with its explicit name. shapes: of its inputs."""
    inputs = [variables[source] for source in node.inputs]
    options = dict(node.options)
    if node.op in _FOLDED:
        return _join(_FOLDED[node.op], inputs, node.name)
    if node.op in _ELEMENTWISE:
        found = {shapes.get(source) for source in node.inputs}
        # MXNet computes a sum together with the convolution before it, but only where nothing can be stretched.
        kind = "elemwise" if len(found) == 1 and None not in found else "broadcast"
        return _join(f"{kind}_{_ELEMENTWISE[node.op]}", inputs, node.name)
    arguments = [*inputs, *ALWAYS_GIVEN.get(node.op, ())]
    arguments += [_option(key, value) for key, value in options.items()]
    layer = find_layer(node.op)
    described = find_node(node.op)
    arguments += _own_parameters(node, () if described is None else described.learns)
    arguments.append(f"name={literal(node.name)}")
    return f"{operator_path(node.op if layer is None else layer.operator)}({', '.join(arguments)})"


def operator_path(op: str) -> str:
    """Where MXNet keeps an operator: those whose names start with an underscore are in modules of their own.

    A checkpoint may name anything an operator, or an option; what is no name in Python stays a text, and never runs.
    """
    if not _is_name(op):
        return f"getattr(sym, {literal(op)})"
    if not op.startswith("_"):
        return f"sym.{op}"
    module = next((module for module in _MODULES if op.startswith(f"_{module}_")), None)
    return f"sym._internal.{op}" if module is None else f"sym.{module}.{op[len(module) + 2 :]}"


def _option(key: str, value: Value) -> str:
    return f"{key}={literal(value)}" if _is_name(key) else f"**{{{literal(key)}: {literal(value)}}}"


def _is_name(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text)


def _join(operator: str, inputs: Sequence[str], name: str) -> str:
    """Pairs from the left; only the last one carries the node's name, so that names stay unique."""
    expression = inputs[0]
    for i, other in enumerate(inputs[1:], 1):
        own = name if i == len(inputs) - 1 else f"{name}_{i}"
        expression = f"sym.{operator}({expression}, {other}, name={literal(own)})"
    return expression if len(inputs) > 1 else f"sym.identity({expression}, name={literal(name)})"


def _own_parameters(node: Node, roles: Sequence[str]) -> list[str]:
    """Variables for parameters whose names are not those that MXNet would give them, as some files have them."""
    return [
        f"{role}=sym.Variable({literal(parameter.name)})"
        for role, parameter in zip(roles, node.parameters, strict=False)
        if parameter.name != f"{node.name}_{role}"
    ]

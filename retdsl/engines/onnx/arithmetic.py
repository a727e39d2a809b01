"""Functions of two values, as ONNX: MXNet's answers are floats, 1 where something holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from retdsl.engines.onnx.graph import Graph

Pairing: TypeAlias = Callable[[Graph, str, str], str]
"""Adds what two values are joined to, and gives its name; axes of length 1 are stretched."""


def _operator(op: str) -> Pairing:
    return lambda graph, left, right: graph.add(op, left, right)


def _comparison(op: str) -> Pairing:
    return lambda graph, left, right: graph.as_real(graph.add(op, left, right))


def _not_equal(graph: Graph, left: str, right: str) -> str:
    return graph.as_real(graph.add("Not", graph.add("Equal", left, right)))


def _logic(op: str) -> Pairing:
    return lambda graph, left, right: graph.as_real(graph.add(op, graph.as_truth(left), graph.as_truth(right)))


def _hypot(graph: Graph, left: str, right: str) -> str:
    squares = (graph.add("Mul", side, side) for side in (left, right))
    return graph.add("Sqrt", graph.add("Add", *squares))


def _mod(graph: Graph, left: str, right: str) -> str:
    """What is left has the sign of the divisor, as in Python; 0 where the divisor is 0."""
    zero = graph.real(0)
    left_over = graph.add("Mod", left, right, fmod=1)
    other_sign = graph.add("Less", graph.add("Mul", graph.add("Sign", left_over), graph.add("Sign", right)), zero)
    moved = graph.add("Where", other_sign, graph.add("Add", left_over, right), left_over)
    return graph.add("Where", graph.add("Equal", right, zero), zero, moved)


PAIRS: dict[str, Pairing] = {
    "power": _operator("Pow"),
    "mod": _mod,
    "hypot": _hypot,
    "equal": _comparison("Equal"),
    "not_equal": _not_equal,
    "greater": _comparison("Greater"),
    "greater_equal": _comparison("GreaterOrEqual"),
    "lesser": _comparison("Less"),
    "lesser_equal": _comparison("LessOrEqual"),
    "logical_and": _logic("And"),
    "logical_or": _logic("Or"),
    "logical_xor": _logic("Xor"),
}
"""What MXNet has both for two values, `broadcast_NAME`, and for a value and a number, `NAME_scalar`."""

SCALARS: dict[str, Pairing] = {
    **PAIRS,
    "plus": _operator("Add"),
    "minus": _operator("Sub"),
    "mul": _operator("Mul"),
    "div": _operator("Div"),
    "maximum": _operator("Max"),
    "minimum": _operator("Min"),
}
"""The functions `NAME_scalar` of a value and a number."""

REVERSED = ("minus", "div", "mod", "power")
"""Those that MXNet has the other way round, too: `rNAME_scalar`, the number first."""

"""Layers that make one value of many along axes, as ONNX."""

from __future__ import annotations

from retdsl.engines.onnx.graph import Graph, Lowering, Step


def _axes(step: Step) -> tuple[int, ...]:
    """The axes that a layer works along, in order."""
    rank = len(step.shapes[0])
    named = {axis % rank for axis in step.numbers("axis")}
    return tuple(axis for axis in range(rank) if (axis in named) != bool(step.options.get("exclude")))


def _sum(graph: Graph, value: str, step: Step) -> str:
    return graph.add("ReduceSum", value, graph.whole(_axes(step)), keepdims=int(bool(step.options["keepdims"])))


def _along(op: str, graph: Graph, value: str, step: Step) -> str:
    return graph.add(op, value, axes=_axes(step), keepdims=int(bool(step.options["keepdims"])))


def _reduction(op: str) -> Lowering:
    return lambda graph, step: _along(op, graph, step.inputs[0], step)


def _without_nan(graph: Graph, step: Step, instead: float) -> str:
    [value] = step.inputs
    return graph.add("Where", graph.add("IsNaN", value), graph.real(instead), value)


def _norm(graph: Graph, step: Step) -> str:
    return _along("ReduceL1" if step.options["ord"] == 1 else "ReduceL2", graph, step.inputs[0], step)


def _place(graph: Graph, step: Step, op: str, axis: int, keepdims: int) -> str:
    """The first place of the largest or smallest value, as a float as everything else in MXNet."""
    found = graph.add(op, step.inputs[0], axis=axis, keepdims=keepdims)
    return graph.as_real(found)


def _best(op: str) -> Lowering:
    return lambda graph, step: _place(graph, step, op, step.axis(), int(bool(step.options["keepdims"])))


LOWERED: dict[str, Lowering] = {
    "mean": _reduction("ReduceMean"),
    "sum": lambda graph, step: _sum(graph, step.inputs[0], step),
    "max": _reduction("ReduceMax"),
    "min": _reduction("ReduceMin"),
    "prod": _reduction("ReduceProd"),
    "nansum": lambda graph, step: _sum(graph, _without_nan(graph, step, 0), step),
    "nanprod": lambda graph, step: _along("ReduceProd", graph, _without_nan(graph, step, 1), step),
    "norm": _norm,
    "argmax": _best("ArgMax"),
    "argmin": _best("ArgMin"),
    "argmax_channel": lambda graph, step: _place(graph, step, "ArgMax", 1, 0),
}

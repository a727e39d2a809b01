"""Layers that take several values, as ONNX."""

from __future__ import annotations

from retdsl.engines.onnx.arithmetic import PAIRS, Pairing
from retdsl.engines.onnx.graph import Graph, Lowering, Step
from retdsl.engines.onnx.reshaping import cut, reshaped, stretched


def _concat(graph: Graph, step: Step) -> str:
    return graph.add("Concat", *step.inputs, axis=step.whole("dim"))


def _stack(graph: Graph, step: Step) -> str:
    axis = step.whole("axis") % len(step.shape)
    thin = (*step.shape[:axis], 1, *step.shape[axis + 1 :])
    return graph.add("Concat", *(graph.reshape(value, thin) for value in step.inputs), axis=axis)


def _folded(op: str) -> Lowering:
    """Pairs from the left, as MXNet is told."""

    def lowering(graph: Graph, step: Step) -> str:
        value, *others = step.inputs
        for other in others:
            value = graph.add(op, value, other)
        return value

    return lowering


def _paired(pairing: Pairing) -> Lowering:
    return lambda graph, step: pairing(graph, *step.inputs)


def _batch_dot(graph: Graph, step: Step) -> str:
    rank = len(step.shape)
    turned = (*range(rank - 2), rank - 1, rank - 2)
    sides = [
        graph.add("Transpose", value, perm=turned) if step.options[option] else value
        for value, option in zip(step.inputs, ("transpose_a", "transpose_b"), strict=True)
    ]
    return graph.add("MatMul", *sides)


def _where(graph: Graph, step: Step) -> str:
    condition, *values = step.inputs
    if len(step.shapes[0]) < len(step.shape):  # [N]: for each image
        condition = graph.reshape(condition, (None, *(1,) * (len(step.shape) - 1)))
    return graph.add("Where", graph.as_truth(condition), *values)


def _slice_like(graph: Graph, step: Step) -> str:
    return cut(graph, step, {axis: slice(size) for axis, size in enumerate(step.shape) if axis})


LOWERED: dict[str, Lowering] = {
    "Concat": _concat,
    "Add": _folded("Add"),
    "Multiply": _folded("Mul"),
    "Subtract": _folded("Sub"),
    "Divide": _folded("Div"),
    "Maximum": _folded("Max"),
    "Minimum": _folded("Min"),
    "stack": _stack,
    "batch_dot": _batch_dot,
    "where": _where,
    "slice_like": _slice_like,
    "broadcast_like": stretched,
    "reshape_like": reshaped,
    **{f"broadcast_{name}": _paired(pairing) for name, pairing in PAIRS.items()},
}

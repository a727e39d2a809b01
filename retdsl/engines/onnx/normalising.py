"""Layers that keep values in a range that trains well, and Dropout, as ONNX; all as in prediction."""

from __future__ import annotations

from typing import cast

from retdsl.engines.onnx.graph import Graph, Lowering, Step
from retdsl.ir import Shape


def _batch_norm(graph: Graph, step: Step) -> str:
    gamma, beta, mean, variance = step.parameters.values()
    if step.options["fix_gamma"]:  # whatever the scale holds, MXNet takes 1
        channels = cast(int, step.shapes[0][1])
        gamma = graph.table((1.0,) * channels, (channels,))
    return graph.add("BatchNormalization", *step.inputs, gamma, beta, mean, variance, epsilon=step.real("eps"))


def _instance_norm(graph: Graph, step: Step) -> str:
    return graph.add("InstanceNormalization", *step.inputs, *step.parameters.values(), epsilon=step.real("eps"))


def _group_norm(graph: Graph, step: Step) -> str:
    """MXNet learns one scale and one shift for a group, so that a group is a channel of `InstanceNormalization`."""
    rows = graph.reshape(step.inputs[0], (None, step.whole("num_groups"), -1))
    normal = graph.add("InstanceNormalization", rows, *step.parameters.values(), epsilon=step.real("eps"))
    return graph.reshape(normal, step.shape)


def _layer_norm(graph: Graph, step: Step) -> str:
    axis, rank = step.axis(), len(step.shape)
    order = (*(place for place in range(rank) if place != axis), axis)
    last = axis == rank - 1
    value = step.inputs[0] if last else graph.add("Transpose", step.inputs[0], perm=order)
    normal = graph.add("LayerNormalization", value, *step.parameters.values(), axis=rank - 1, epsilon=step.real("eps"))
    return normal if last else graph.add("Transpose", normal, perm=tuple(map(order.index, range(rank))))


def _l2_normalization(graph: Graph, step: Step) -> str:
    [value] = step.inputs
    axes = _summed(cast(str, step.options["mode"]), step.shape)
    squares = graph.add("ReduceSumSquare", value, axes=axes, keepdims=1)
    length = graph.add("Sqrt", graph.add("Add", squares, graph.real(step.real("eps"))))
    return graph.add("Div", value, length)


def _summed(mode: str, shape: Shape) -> tuple[int, ...]:
    """The axes over which vectors are measured."""
    every = tuple(range(1, len(shape)))
    return {"instance": every, "channel": (1,), "spatial": every[1:]}[mode]


def _lrn(graph: Graph, step: Step) -> str:
    return graph.add(
        "LRN",
        *step.inputs,
        size=step.whole("nsize"),
        alpha=step.real("alpha"),
        beta=step.real("beta"),
        bias=step.real("knorm"),
    )


def _dropout(_graph: Graph, step: Step) -> str:
    return step.inputs[0]


LOWERED: dict[str, Lowering] = {
    "BatchNorm": _batch_norm,
    "InstanceNorm": _instance_norm,
    "LayerNorm": _layer_norm,
    "GroupNorm": _group_norm,
    "L2Normalization": _l2_normalization,
    "LRN": _lrn,
    "Dropout": _dropout,
}

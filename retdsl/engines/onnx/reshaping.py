"""Layers that lay values out anew, as ONNX: the checked shapes say what MXNet's codes and defaults mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from retdsl.engines.onnx.graph import Graph, Lowering, Step
from retdsl.ir import Value

_FROM_THE_FRONT = -(2**63)
"""Behind the first place of an axis, where a slice runs backwards: -1 would be the last place."""


def _flatten(graph: Graph, step: Step) -> str:
    return graph.add("Flatten", *step.inputs, axis=1)


def reshaped(graph: Graph, step: Step) -> str:
    """The first input under the shape of the output."""
    return graph.reshape(step.inputs[0], step.shape)


def stretched(graph: Graph, step: Step) -> str:
    """The first input with axes of length 1 as long as the output's."""
    return graph.add("Expand", step.inputs[0], graph.whole((1, *(axis or 1 for axis in step.shape[1:]))))


def _transpose(graph: Graph, step: Step) -> str:
    return graph.add("Transpose", *step.inputs, perm=step.numbers("axes"))


def _swap_axis(graph: Graph, step: Step) -> str:
    order = list(range(len(step.shape)))
    first, second = step.axis("dim1"), step.axis("dim2")
    order[first], order[second] = second, first
    return graph.add("Transpose", *step.inputs, perm=tuple(order))


def cut(graph: Graph, step: Step, slices: Mapping[int, slice]) -> str:
    """The first input, cut along axes as Python's slices do; as it is where nothing is cut."""
    found = {axis: each.indices(cast(int, step.shapes[0][axis])) for axis, each in slices.items()}
    cuts = {axis: places for axis, places in found.items() if places != (0, step.shapes[0][axis], 1)}
    if not cuts:
        return step.inputs[0]
    begins, ends, steps = zip(*cuts.values(), strict=True)
    ends = tuple(_FROM_THE_FRONT if end < 0 else end for end in ends)
    return graph.add("Slice", step.inputs[0], *map(graph.whole, (begins, ends, cuts, steps)))


def _slice(graph: Graph, step: Step) -> str:
    places = [cast("tuple[Value, ...]", step.options[option]) for option in ("begin", "end", "step")]
    begins, ends, steps = places[0], places[1], places[2] or (None,) * len(places[0])
    each = enumerate(zip(begins, ends, steps, strict=True))
    return cut(graph, step, {axis: slice(*bounds) for axis, bounds in each if axis})


def _slice_axis(graph: Graph, step: Step) -> str:
    return cut(graph, step, {step.axis(): slice(step.options["begin"], step.options["end"])})


def _pad(graph: Graph, step: Step) -> str:
    widths, mode = step.numbers("pad_width"), cast(str, step.options["mode"])
    margin = (graph.real(step.real("constant_value")),) if mode == "constant" else ()
    return graph.add("Pad", *step.inputs, graph.whole((*widths[::2], *widths[1::2])), *margin, mode=mode)


def _tile(graph: Graph, step: Step) -> str:
    times = step.numbers("reps")
    return graph.add("Tile", *step.inputs, graph.whole((*(1,) * (len(step.shape) - len(times)), *times)))


def _reverse(graph: Graph, step: Step) -> str:
    rank = len(step.shape)
    return cut(graph, step, {axis % rank: slice(None, None, -1) for axis in step.numbers("axis")})


LOWERED: dict[str, Lowering] = {
    "Flatten": _flatten,
    "Reshape": reshaped,
    "expand_dims": reshaped,
    "squeeze": reshaped,
    "transpose": _transpose,
    "SwapAxis": _swap_axis,
    "slice": _slice,
    "slice_axis": _slice_axis,
    "Pad": _pad,
    "tile": _tile,
    "reverse": _reverse,
    "broadcast_axis": stretched,
    "broadcast_to": stretched,
}

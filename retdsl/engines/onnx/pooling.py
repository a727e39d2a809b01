"""Pooling as ONNX, window by window as MXNet counts them.

ONNX's `ceil_mode` and `count_include_pad` mean something else at the edges than MXNet's `full` and `count_include_pad`
do, and something else from version to version. So the padding that MXNet's last windows need is always written out,
means are taken over whole windows, and corrected by a constant where MXNet divides by another number of pixels.
"""

from __future__ import annotations

from math import prod
from typing import cast

from retdsl.engines.onnx.graph import Graph, Lowering, Step
from retdsl.records import dataclass

_LOWEST = -3.4028234663852886e38
"""The smallest number of float32, which MXNet begins a maximum with."""

_LEAST = 2.0**-149
"""The next to 0 of float32, which changes no sum. A margin of 0 is put back into the pooling operator by onnxruntime
1.23, which then fails, since that is more than the operator takes.
"""


@dataclass(frozen=True, slots=True)
class Axis:
    """The windows along height or width: `count` of them, `stride` apart, the first `pad` pixels before the image."""

    size: int
    kernel: int
    stride: int
    pad: int
    count: int

    @property
    def behind(self) -> int:
        """Pixels behind the image that the last window reaches over."""
        return max((self.count - 1) * self.stride + self.kernel - self.size - self.pad, 0)

    def pixels(self, *, padding: bool) -> list[int]:
        """How many pixels MXNet counts in each window: those of the image, or with its padding, but never more. A
        window beside the image has the sum 0, whatever it is divided by.
        """
        starts = [place * self.stride - self.pad for place in range(self.count)]
        low, high = (-self.pad, self.size + self.pad) if padding else (0, self.size)
        return [max(min(start + self.kernel, high) - max(start, low), 1) for start in starts]


def _pooling(graph: Graph, step: Step) -> str:
    [image], kind = step.inputs, step.options["pool_type"]
    if step.options["global_pool"]:
        if kind == "sum":
            return graph.add("ReduceSum", image, graph.whole((2, 3)), keepdims=1)
        return graph.add("GlobalMaxPool" if kind == "max" else "GlobalAveragePool", image)
    windows = map(step.pair, ("kernel", "stride", "pad"))
    counts = cast("tuple[int, int]", step.shape[2:])
    axes = [Axis(*numbers) for numbers in zip(step.size(), *windows, counts, strict=True)]
    before, behind = [axis.pad for axis in axes], [axis.behind for axis in axes]
    if any(reach >= axis.kernel for axis in axes for reach in (axis.pad, axis.behind)):
        margin = graph.real(_LOWEST if kind == "max" else _LEAST)  # more than a pooling operator takes
        image = graph.add("Pad", image, graph.whole((0, 0, *before, 0, 0, *behind)), margin)
        before = behind = [0, 0]
    window = {
        "kernel_shape": tuple(axis.kernel for axis in axes),
        "strides": tuple(axis.stride for axis in axes),
        "pads": (*before, *behind),
    }
    if kind == "max":
        return graph.add("MaxPool", image, **window)
    mean = graph.add("AveragePool", image, count_include_pad=1, **window)
    area = prod(axis.kernel for axis in axes)
    if kind == "sum":
        return graph.add("Mul", mean, graph.real(area))
    rows, columns = (axis.pixels(padding=bool(step.options["count_include_pad"])) for axis in axes)
    factors = [area / (row * column) for row in rows for column in columns]
    if all(factor == 1 for factor in factors):
        return mean
    return graph.add("Mul", mean, graph.table(factors, (1, 1, len(rows), len(columns))))


LOWERED: dict[str, Lowering] = {"Pooling": _pooling}

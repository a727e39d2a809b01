"""Layers that make an image smaller or larger, or look at parts of it, as ONNX.

Interpolation and adaptive means are linear along height and along width, so they are written as two products with
matrices of MXNet's own numbers: no runtime can then round places in another way.
"""

from __future__ import annotations

from itertools import chain, product
from math import ceil
from typing import cast

from retdsl.engines.onnx.graph import Graph, Lowering, Step

_Matrix = list[list[float]]
"""A row for each place of the output, with the share that each place of the input has in it."""


def _along_both(graph: Graph, image: str, rows: _Matrix, columns: _Matrix) -> str:
    """What linear maps along height and width make of an image [N, C, H, W]."""
    turned = [list(column) for column in zip(*columns, strict=True)]
    return graph.add("MatMul", _matrix(graph, rows), graph.add("MatMul", image, _matrix(graph, turned)))


def _matrix(graph: Graph, rows: _Matrix) -> str:
    return graph.table(chain.from_iterable(rows), (len(rows), len(rows[0])))


def _means(size: int, cells: int) -> _Matrix:
    """Means over the cells of a grid; cells may overlap by a pixel."""
    rows = []
    for cell in range(cells):
        first, behind = cell * size // cells, ceil((cell + 1) * size / cells)
        rows.append([1 / (behind - first) if first <= place < behind else 0.0 for place in range(size)])
    return rows


def _adaptive(graph: Graph, step: Step) -> str:
    height, width = step.pair("output_size")
    if (height, width) == (1, 1):
        return graph.add("GlobalAveragePool", *step.inputs)
    sizes = step.size()
    return _along_both(graph, step.inputs[0], _means(sizes[0], height), _means(sizes[1], width))


def _interpolation(size: int, wanted: int, *, corners: bool) -> _Matrix:
    """Each place of the output between two of the input, as MXNet finds them."""
    rows = []
    for place in range(wanted):
        if corners:
            at = place * (size - 1) / (wanted - 1) if wanted > 1 else 0.0
        else:
            at = max((place + 0.5) * size / wanted - 0.5, 0.0)
        first = min(int(at), size - 1)
        row = [0.0] * size
        row[first] += 1 - (at - first)
        row[min(first + 1, size - 1)] += at - first
        rows.append(row)
    return rows


def _resize(graph: Graph, step: Step) -> str:
    corners = bool(step.options["align_corners"])
    wanted = cast("tuple[int, int]", step.shape[2:])
    rows, columns = (_interpolation(size, n, corners=corners) for size, n in zip(step.size(), wanted, strict=True))
    return _along_both(graph, step.inputs[0], rows, columns)


def _up_sampling(graph: Graph, step: Step) -> str:
    scale = step.whole("scale")
    if step.options["sample_type"] == "bilinear":
        kernel, pad = 2 * scale - scale % 2, ceil((scale - 1) / 2)
        return graph.add(
            "ConvTranspose",
            *step.inputs,
            step.parameters["weight"],
            kernel_shape=(kernel, kernel),
            strides=(scale, scale),
            pads=(pad,) * 4,
            group=cast(int, step.shapes[0][1]),
        )
    scales = graph.table((1, 1, scale, scale), (4,))
    asymmetric = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return graph.add("Resize", step.inputs[0], "", scales, mode="nearest", **asymmetric)


def _depth_to_space(graph: Graph, step: Step) -> str:
    return graph.add("DepthToSpace", *step.inputs, blocksize=step.whole("block_size"), mode="DCR")


def _space_to_depth(graph: Graph, step: Step) -> str:
    return graph.add("SpaceToDepth", *step.inputs, blocksize=step.whole("block_size"))


def _sampled(graph: Graph, image: str, grid: str) -> str:
    """The image in the places of a grid [N, 2, h, w], -1 to 1 between the outermost pixels' centres."""
    last = graph.add("Transpose", grid, perm=(0, 2, 3, 1))
    return graph.add("GridSample", image, last, mode="bilinear", padding_mode="zeros", align_corners=1)


def _sampler(graph: Graph, step: Step) -> str:
    return _sampled(graph, *step.inputs)


def _affine(graph: Graph, maps: str, height: int, width: int) -> str:
    """The grid [N, 2, h, w] of affine maps [N, 6]."""
    places = list(product(_even(height), _even(width)))
    table = [*(x for _, x in places), *(y for y, _ in places), *(1.0 for _ in places)]
    matrices = graph.reshape(maps, (None, 2, 3))
    flat = graph.add("MatMul", matrices, graph.table(table, (3, len(places))))
    return graph.reshape(flat, (None, 2, height, width))


def _even(count: int) -> list[float]:
    """Places from -1 to 1."""
    return [-1 + 2 * place / (count - 1) if count > 1 else -1.0 for place in range(count)]


def _grid(graph: Graph, step: Step) -> str:
    if step.options["transform_type"] == "affine":
        return _affine(graph, step.inputs[0], *step.pair("target_shape"))
    height, width = step.size()
    own = [x for _ in range(height) for x in range(width)] + [y for y in range(height) for _ in range(width)]
    moved = graph.add("Add", step.inputs[0], graph.table(own, (1, 2, height, width)))
    halves = graph.table(((width - 1) / 2, (height - 1) / 2), (1, 2, 1, 1))
    return graph.add("Sub", graph.add("Div", moved, halves), graph.real(1))


def _transformer(graph: Graph, step: Step) -> str:
    image, maps = step.inputs
    return _sampled(graph, image, _affine(graph, maps, *step.pair("target_shape")))


LOWERED: dict[str, Lowering] = {
    "AdaptiveAvgPooling2D": _adaptive,
    "UpSampling": _up_sampling,
    "BilinearResize2D": _resize,
    "depth_to_space": _depth_to_space,
    "space_to_depth": _space_to_depth,
    "GridGenerator": _grid,
    "BilinearSampler": _sampler,
    "SpatialTransformer": _transformer,
}

"""Poolings of symbol files: which of MXNet's two, and how their windows are rounded.

In July 2016 Pooling got `pooling_convention`. Before, all windows were rounded up; since then they are rounded down
unless a file asks for `full`.
"""

from __future__ import annotations

from retdsl.check.imported_layers import Options, shape_of, with_defaults
from retdsl.check.symbol_file import FileNode
from retdsl.ir import Shape
from retdsl.schema import LAYERS, ShapeError
from retdsl.schema.shapes import pair


def says_nothing(item: FileNode) -> bool:
    """Whether a node is a Pooling that does not say how it rounds."""
    return item.op in ("Pooling", "Pooling_v1") and "pooling_convention" not in item.options


def rounded(options: Options, shape: Shape | None) -> Options:
    """A Pooling's options, with the convention that gives the size that MXNet gave before it had conventions."""
    up: Options = {**options, "pooling_convention": "full"}
    pooling = LAYERS["Pooling"]
    if shape is None or len(shape) != 4 or options.get("global_pool") is True:
        return options
    try:
        higher, _ = shape_of(pooling, up, [shape])
        lower, _ = shape_of(pooling, {**options, "pooling_convention": "valid"}, [shape])
    except ShapeError:
        return options
    # Where the stride is longer than the kernel, what was done then is not always what `full` does today.
    return up if higher != lower and higher == _size_before(shape, with_defaults(pooling, options)) else options


def _size_before(shape: Shape, options: Options) -> Shape:
    """What a Pooling gave before July 2016: windows went on until the image was covered, and began within it."""
    out: list[int | None] = [*shape[:2]]
    for axis, size in enumerate(shape[2:]):
        kernel, stride, pad = (pair(options, name)[axis] for name in ("kernel", "stride", "pad"))
        padded = (size or 0) + 2 * pad
        out.append(min(padded - kernel + stride - 1, padded - 1) // stride + 1)
    return tuple(out)


def pools_alike(options: Options) -> bool:
    """Whether `Pooling_v1` gives what `Pooling` does: they differ in windows that reach beyond the image."""
    inside = options.get("pad", (0, 0)) == (0, 0) and options.get("pooling_convention", "valid") == "valid"
    return options.get("global_pool") is True or inside

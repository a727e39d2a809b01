"""Layers that take several values: the branches of a fork, in their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from retdsl.ir import Shape
from retdsl.schema.model import REQUIRED, Layer, Option, Options, ShapeError, Stricter, layer
from retdsl.schema.shapes import axes_of, one_shape, shape_text, whole
from retdsl.schema.types import Boolean, Integer, Many


def concat(inputs: Sequence[Shape], options: Options) -> Shape:
    """As the branches, and along `dim` their sum."""
    dim = whole(options, "dim")
    first = inputs[0]
    if not 0 < dim < len(first):
        raise ShapeError(f"there is no axis {dim} to join {shape_text(first)} along")
    for shape in inputs[1:]:
        if len(shape) != len(first) or any(
            a != b for i, (a, b) in enumerate(zip(first, shape, strict=True)) if i != dim
        ):
            raise ShapeError(
                f"`Concat` joins values that agree but for axis {dim}",
                help="make height and width of the branches equal: same strides, and padding that keeps the size",
            )
    return (*first[:dim], sum(cast(int, shape[dim]) for shape in inputs), *first[dim + 1 :])


def stack(inputs: Sequence[Shape], options: Options) -> Shape:
    """As each branch, with an axis more, as long as there are branches."""
    shape, axis = one_shape(inputs, "stack"), whole(options, "axis")
    places = len(shape) + 1
    if not -places <= axis < places or axis % places == 0:
        raise Stricter(f"there is no place {axis} for an axis in {shape_text(shape)}", help=f"1 to {len(shape)} are")
    place = axis % places
    return (*shape[:place], len(inputs), *shape[place:])


def elementwise(inputs: Sequence[Shape], _options: Options) -> Shape:
    """As each branch; where lengths differ, one of them is 1 (a gate per channel) and is stretched."""
    rank = len(inputs[0])
    if any(len(shape) != rank for shape in inputs):
        raise Stricter("values of different rank cannot be joined element by element", help="insert `Flatten`")
    out: list[int | None] = [None]
    for axes in list(zip(*inputs, strict=True))[1:]:
        sizes = {axis for axis in axes if axis != 1}
        if len(sizes) > 1:
            raise ShapeError("values joined element by element must have one shape")
        out.append(sizes.pop() if sizes else 1)
    return tuple(out)


def batch_dot(inputs: Sequence[Shape], options: Options) -> Shape:
    """[N, ..., a, b] and [N, ..., b, c] to [N, ..., a, c]."""
    left, right = inputs
    if min(len(left), len(right)) < 3 or len(left) != len(right) or left[:-2] != right[:-2]:
        raise ShapeError(
            "`batch_dot` multiplies two matrices for each image, [N, a, b] and [N, b, c]",
            help="lay the values out with `Reshape`, as `Reshape(shape = (0, 0, -1))`",
        )
    a, b = reversed(left[-2:]) if options["transpose_a"] else left[-2:]
    other, c = reversed(right[-2:]) if options["transpose_b"] else right[-2:]
    if b != other:
        raise ShapeError(f"the second value has {other} rows where the first has {b} columns")
    return (*left[:-2], a, c)


def where(inputs: Sequence[Shape], _options: Options) -> Shape:
    """As the branches, all of one shape."""
    condition, *others = inputs
    shape = one_shape(others, "where")
    if condition not in (shape, (None,)):
        raise Stricter("the condition of `where` needs the shape of the other two, or [N]")
    return shape


def slice_like(inputs: Sequence[Shape], options: Options) -> Shape:
    """The first value cut to the size of the second."""
    shape, like = inputs
    axes = axes_of(options["axes"], shape) if options["axes"] else tuple(range(1, len(shape)))
    if not options["axes"] and len(shape) != len(like):
        raise ShapeError("`slice_like` without `axes` needs values of one rank")
    out = list(shape)
    for axis in axes:
        if axis >= len(like) or cast(int, like[axis]) > cast(int, shape[axis]):
            raise ShapeError(f"axis {axis} of the second value is not within that of the first")
        out[axis] = like[axis]
    return tuple(out)


def broadcast_like(inputs: Sequence[Shape], _options: Options) -> Shape:
    """The first value, axes of length 1 stretched to the size of the second."""
    shape, like = inputs
    if len(shape) != len(like):
        raise ShapeError("`broadcast_like` needs values of one rank")
    for axis, (size, want) in enumerate(zip(shape, like, strict=True)):
        if size not in (1, want):
            raise ShapeError(f"axis {axis} of the first value has {size} values, and only 1 can stretch")
    return like


def reshape_like(inputs: Sequence[Shape], _options: Options) -> Shape:
    """The shape of the second value."""
    shape, like = inputs
    if _size(shape) != _size(like):
        raise ShapeError("`reshape_like` needs two values of as many numbers")
    return like


def _size(shape: Shape) -> int:
    size = 1
    for axis in shape[1:]:
        size *= cast(int, axis)
    return size


_PAIR = ("lhs", "rhs")
_COMPARISONS = {
    "power": "The first value to the power of the second.",
    "mod": "What is left of the first value after division by the second.",
    "hypot": "The root of the sum of squares of two values.",
    "equal": "1 where two values are alike, else 0.",
    "not_equal": "0 where two values are alike, else 1.",
    "greater": "1 where the first value is above the second, else 0.",
    "greater_equal": "1 where the first value is not below the second, else 0.",
    "lesser": "1 where the first value is below the second, else 0.",
    "lesser_equal": "1 where the first value is not above the second, else 0.",
    "logical_and": "1 where neither of two values is 0, else 0.",
    "logical_or": "0 where both of two values are 0, else 1.",
    "logical_xor": "1 where one of two values is 0 and the other is not, else 0.",
}


def _comparison(name: str, doc: str) -> Layer:
    return layer(f"broadcast_{name}", doc, shape=elementwise, inputs=_PAIR, prefix=name)


LAYERS = (
    layer(
        "Concat",
        "Joins branches side by side along an axis.",
        Option("dim", Integer(1, 3), 1, "The axis; 1 are the channels."),
        shape=concat,
        joins=True,
        aliases=("concat", "Concatenate", "cat"),
    ),
    layer(
        "Add",
        "Joins branches by adding them.",
        shape=elementwise,
        joins=True,
        operator="broadcast_add",
        aliases=("add", "add_n", "ElementWiseSum", "elemwise_add", "broadcast_add", "broadcast_plus"),
    ),
    layer(
        "Multiply",
        "Joins branches by multiplying them.",
        shape=elementwise,
        joins=True,
        operator="broadcast_mul",
        prefix="mul",
        aliases=("multiply", "Mul", "elemwise_mul", "broadcast_mul"),
    ),
    layer(
        "Subtract",
        "Subtracts the second branch from the first.",
        shape=elementwise,
        inputs=_PAIR,
        operator="broadcast_sub",
        prefix="sub",
        aliases=("subtract", "Sub", "elemwise_sub", "broadcast_sub", "broadcast_minus"),
    ),
    layer(
        "Divide",
        "Divides the first branch by the second.",
        shape=elementwise,
        inputs=_PAIR,
        operator="broadcast_div",
        prefix="div",
        aliases=("divide", "Div", "elemwise_div", "broadcast_div"),
    ),
    layer(
        "Maximum",
        "Joins branches by the largest of their values at each place.",
        shape=elementwise,
        joins=True,
        operator="broadcast_maximum",
        aliases=("maximum", "Maxout", "broadcast_maximum"),
    ),
    layer(
        "Minimum",
        "Joins branches by the smallest of their values at each place.",
        shape=elementwise,
        joins=True,
        operator="broadcast_minimum",
        aliases=("minimum", "broadcast_minimum"),
    ),
    layer(
        "stack",
        "Joins branches of one shape along a new axis.",
        Option("axis", Integer(), REQUIRED, "The place of the new axis; 1 is before the channels."),
        shape=stack,
        joins=True,
        unnamed=("axis",),
        aliases=("Stack",),
    ),
    layer(
        "batch_dot",
        "Multiplies two matrices for each image.",
        Option("transpose_a", Boolean(), False, "Transposes the first."),
        Option("transpose_b", Boolean(), False, "Transposes the second."),
        shape=batch_dot,
        inputs=_PAIR,
        aliases=("bmm", "matmul"),
    ),
    layer(
        "where",
        "The second value where the first is not 0, else the third.",
        shape=where,
        inputs=("condition", "x", "y"),
    ),
    layer(
        "slice_like",
        "Cuts the first value to the size of the second.",
        Option("axes", Many(Integer()), (), "Along these axes; without it, along all."),
        shape=slice_like,
        inputs=("data", "shape_like"),
        prefix="slice",
        aliases=("crop_like",),
    ),
    layer(
        "broadcast_like",
        "Stretches the axes of length 1 of the first value to the size of the second.",
        shape=broadcast_like,
        inputs=_PAIR,
        prefix="broadcast",
    ),
    layer(
        "reshape_like",
        "The first value under the shape of the second.",
        shape=reshape_like,
        inputs=_PAIR,
        prefix="reshape",
    ),
    *(_comparison(name, doc) for name, doc in _COMPARISONS.items()),
)

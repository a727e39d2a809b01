"""Shape and parameter rules of layers, as MXNet 1.9.1 computes them. Shapes are `(None, C, H, W)` or `(None, F)`."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import cast

from retdsl.ir import Shape
from retdsl.schema.model import Options, ShapeError


def shape_text(shape: Shape | None) -> str:
    """`[N, 3, 224, 224]`, as comments and messages show a shape."""
    if shape is None:
        return "[?]"
    return "[" + ", ".join("N" if axis is None else str(axis) for axis in shape) + "]"


def same(inputs: Sequence[Shape], _options: Options) -> Shape:
    """One value in, one of the same shape out."""
    return inputs[0]


def _image(shape: Shape, layer: str) -> tuple[int, int, int]:
    if len(shape) != 4:
        raise ShapeError(
            f"`{layer}` needs an image [N, channels, height, width] and gets {shape_text(shape)}",
            help="put it before the step that flattens the image" if len(shape) == 2 else None,
        )
    return cast("tuple[int, int, int]", shape[1:])


def _pair(options: Options, name: str) -> tuple[int, int]:
    return cast("tuple[int, int]", options[name])


def convolution(inputs: Sequence[Shape], options: Options) -> Shape:
    channels, height, width = _image(inputs[0], "Convolution")
    filters, groups = cast(int, options["num_filter"]), cast(int, options["num_group"])
    if channels % groups:
        raise ShapeError(f"{channels} channels cannot be divided into {groups} groups", help=_divisors_help(channels))
    if filters % groups:
        raise ShapeError(f"{filters} filters cannot be divided among {groups} groups")
    out = []
    for axis, size in enumerate((height, width)):
        kernel = _pair(options, "dilate")[axis] * (_pair(options, "kernel")[axis] - 1) + 1
        padded = size + 2 * _pair(options, "pad")[axis]
        if kernel > padded:
            raise ShapeError(
                f"the kernel covers {kernel} pixels of an image that has {padded} with padding",
                help="use a smaller kernel, more padding, or fewer strides before",
            )
        out.append((padded - kernel) // _pair(options, "stride")[axis] + 1)
    return (None, filters, *out)


def _divisors_help(channels: int) -> str:
    near = [n for n in range(1, channels + 1) if channels % n == 0]
    return "groups that fit: " + ", ".join(map(str, near[:6] + (near[-1:] if len(near) > 6 else [])))


def convolution_parameters(inputs: Sequence[Shape], options: Options) -> Sequence[tuple[str, Shape, bool]]:
    channels = cast(int, inputs[0][1])
    filters, groups = cast(int, options["num_filter"]), cast(int, options["num_group"])
    weight: Shape = (filters, channels // groups, *_pair(options, "kernel"))
    return [("weight", weight, False)] + ([] if options["no_bias"] else [("bias", (filters,), False)])


def fully_connected(inputs: Sequence[Shape], options: Options) -> Shape:
    shape = inputs[0]
    if len(shape) != 2:
        flat = prod(cast(int, axis) for axis in shape[1:])
        raise ShapeError(
            f"`FullyConnected` needs [N, features] and gets {shape_text(shape)}",
            note="MXNet would flatten it without a word; here every change of shape is written",
            help=f"insert `Flatten` before it, which gives [N, {flat}]",
            missing="Flatten",
        )
    return (None, cast(int, options["num_hidden"]))


def fully_connected_parameters(inputs: Sequence[Shape], options: Options) -> Sequence[tuple[str, Shape, bool]]:
    hidden = cast(int, options["num_hidden"])
    weight: Shape = (hidden, inputs[0][1])
    return [("weight", weight, False)] + ([] if options["no_bias"] else [("bias", (hidden,), False)])


def imported_fully_connected(_inputs: Sequence[Shape], options: Options) -> Shape:
    """As `fully_connected`, for graphs that rely on MXNet's silent flattening."""
    return (None, cast(int, options["num_hidden"]))


def batch_norm_parameters(inputs: Sequence[Shape], _options: Options) -> Sequence[tuple[str, Shape, bool]]:
    size: Shape = (inputs[0][1],)
    return [(name, size, name.startswith("moving")) for name in ("gamma", "beta", "moving_mean", "moving_var")]


def leaky_parameters(inputs: Sequence[Shape], options: Options) -> Sequence[tuple[str, Shape, bool]]:
    return [("gamma", (inputs[0][1],), False)] if options["act_type"] == "prelu" else []


def pooling(inputs: Sequence[Shape], options: Options) -> Shape:
    channels, height, width = _image(inputs[0], "Pooling")
    if options["global_pool"]:
        return (None, channels, 1, 1)
    if options["kernel"] is None:
        raise ShapeError("`Pooling` needs a `kernel`", help="give `kernel = (2, 2)`, or `global_pool = true`")
    out = []
    for axis, size in enumerate((height, width)):
        kernel, stride, pad = (_pair(options, name)[axis] for name in ("kernel", "stride", "pad"))
        span = size + 2 * pad - kernel
        if span < 0:
            raise ShapeError(f"the kernel covers {kernel} pixels of an image that has {size + 2 * pad} with padding")
        if pad >= kernel:
            raise ShapeError(f"a padding of {pad} is not smaller than the kernel of {kernel}")
        full = options["pooling_convention"] == "full"
        out.append(1 + (-(-span // stride) if full else span // stride))
    return (None, channels, *out)


def flatten(inputs: Sequence[Shape], _options: Options) -> Shape:
    return (None, prod(cast(int, axis) for axis in inputs[0][1:]))


def concat(inputs: Sequence[Shape], options: Options) -> Shape:
    dim = cast(int, options["dim"])
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


def elementwise(inputs: Sequence[Shape], _options: Options) -> Shape:
    """Values of one shape, or of shapes that differ by axes of length 1 (a gate per channel)."""
    rank = len(inputs[0])
    if any(len(shape) != rank for shape in inputs):
        raise ShapeError("values of different rank cannot be joined element by element", help="insert `Flatten`")
    out: list[int | None] = [None]
    for axes in list(zip(*inputs, strict=True))[1:]:
        sizes = {axis for axis in axes if axis != 1}
        if len(sizes) > 1:
            raise ShapeError("values joined element by element must have one shape")
        out.append(sizes.pop() if sizes else 1)
    return tuple(out)


def slice_(inputs: Sequence[Shape], options: Options) -> Shape:
    shape = inputs[0]
    begin, end = cast("tuple[int | None, ...]", options["begin"]), cast("tuple[int | None, ...]", options["end"])
    if len(begin) != len(end) or len(begin) > len(shape):
        raise ShapeError(f"`begin` and `end` have {len(begin)} and {len(end)} places for {shape_text(shape)}")
    if begin and (begin[0] is not None or end[0] is not None):
        raise ShapeError("the batch cannot be sliced", help="write `none` for the first axis")
    out: list[int | None] = [None]
    for axis in range(1, len(shape)):
        size = cast(int, shape[axis])
        low, high, _ = slice(*((begin[axis], end[axis]) if axis < len(begin) else (None, None))).indices(size)
        if high <= low:
            raise ShapeError(f"nothing is left of axis {axis}, which has {size}")
        out.append(high - low)
    return tuple(out)


def pad(inputs: Sequence[Shape], options: Options) -> Shape:
    shape = inputs[0]
    widths = cast("tuple[int, ...]", options["pad_width"])
    if len(widths) != 2 * len(shape):
        raise ShapeError(f"`pad_width` has {len(widths)} numbers; {shape_text(shape)} needs {2 * len(shape)}")
    if any(widths[:4]):
        raise ShapeError("only height and width can be padded", help="the first four numbers are 0")
    return tuple(a if a is None else a + widths[2 * i] + widths[2 * i + 1] for i, a in enumerate(shape))

"""Layers that lay values out anew: other axes, other order, a part of them, more of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from retdsl.ir import Shape
from retdsl.schema.model import REQUIRED, Option, Options, ShapeError, Stricter, layer
from retdsl.schema.reshape import reshape
from retdsl.schema.shapes import axes_of, axis_of, numbers, shape_text, size_of, whole
from retdsl.schema.types import Boolean, Choice, Integer, Many, Nothing, OneOf, Real

_AXES = OneOf((Many(Integer(), least=1), Integer()))
_PLACES = Many(OneOf((Integer(), Nothing())))


def flatten(inputs: Sequence[Shape], _options: Options) -> Shape:
    """[N, C, H, W] to [N, C H W]."""
    return (None, size_of(inputs[0]))


def expand_dims(inputs: Sequence[Shape], options: Options) -> Shape:
    """One axis more, of length 1."""
    shape, axis = inputs[0], whole(options, "axis")
    longer = (*shape, 1)
    if not -len(longer) <= axis < len(longer) or axis % len(longer) == 0:
        raise Stricter(f"there is no place {axis} for an axis in {shape_text(shape)}", help=f"1 to {len(shape)} are")
    place = axis % len(longer)
    return (*shape[:place], 1, *shape[place:])


def squeeze(inputs: Sequence[Shape], options: Options) -> Shape:
    """Without the named axes, whose length must be 1."""
    shape = inputs[0]
    gone = axes_of(options["axis"], shape)
    for axis in gone:
        if shape[axis] != 1:
            raise ShapeError(f"axis {axis} of {shape_text(shape)} has {shape[axis]} values, and only 1 can be left out")
    return tuple(size for axis, size in enumerate(shape) if axis not in gone)


def transpose(inputs: Sequence[Shape], options: Options) -> Shape:
    """The axes in the order of `axes`."""
    shape, axes = inputs[0], numbers(options["axes"])
    if sorted(axes) != list(range(len(shape))):
        help = f"`axes` are 0 to {len(shape) - 1}, each once"
        raise ShapeError(f"`axes` must name every axis of {shape_text(shape)} once", help=help)
    if axes[0] != 0:
        raise Stricter("the batch must stay the first axis", help="begin `axes` with 0")
    return tuple(shape[axis] for axis in axes)


def swap_axis(inputs: Sequence[Shape], options: Options) -> Shape:
    """Two axes exchanged."""
    shape = list(inputs[0])
    first, second = (axis_of(whole(options, name), inputs[0]) for name in ("dim1", "dim2"))
    shape[first], shape[second] = shape[second], shape[first]
    return tuple(shape)


def slice_(inputs: Sequence[Shape], options: Options) -> Shape:
    """On each axis what lies from `begin` to before `end`, as Python's slices."""
    shape = inputs[0]
    begin, end = cast("tuple[int | None, ...]", options["begin"]), cast("tuple[int | None, ...]", options["end"])
    step = cast("tuple[int | None, ...]", options["step"]) or (None,) * len(begin)
    if len(begin) != len(end) or len(begin) > len(shape):
        raise ShapeError(f"`begin` and `end` have {len(begin)} and {len(end)} places for {shape_text(shape)}")
    if len(step) != len(begin):
        raise ShapeError(f"`step` has {len(step)} places where `begin` has {len(begin)}")
    if begin and (begin[0] is not None or end[0] is not None or step[0] not in (None, 1)):
        raise Stricter("the batch cannot be sliced", help="write `none` for the first axis")
    out: list[int | None] = [None]
    for axis in range(1, len(shape)):
        size = cast(int, shape[axis])
        if axis < len(step) and step[axis] == 0:
            raise ShapeError("a step cannot be 0")
        kept = range(size)[slice(begin[axis], end[axis], step[axis])] if axis < len(begin) else range(size)
        if not kept:
            raise ShapeError(f"nothing is left of axis {axis}, which has {size}")
        out.append(len(kept))
    return tuple(out)


def slice_axis(inputs: Sequence[Shape], options: Options) -> Shape:
    """Along one axis what lies from `begin` to before `end`."""
    shape, axis = inputs[0], axis_of(whole(options, "axis"), inputs[0])
    size = cast(int, shape[axis])
    begin, end = whole(options, "begin"), cast("int | None", options["end"])
    low, high = (size if n is None else n + size if n < 0 else n for n in (begin, end))
    if not 0 <= low < high <= size:
        raise ShapeError(f"axis {axis} has {size} values: there is nothing from {begin} to {end}")
    return (*shape[:axis], high - low, *shape[axis + 1 :])


def pad(inputs: Sequence[Shape], options: Options) -> Shape:
    """Each axis longer by its two numbers of `pad_width`."""
    shape = inputs[0]
    widths = numbers(options["pad_width"])
    if len(shape) not in (4, 5):
        raise ShapeError(f"`Pad` needs an image [N, channels, height, width] and gets {shape_text(shape)}")
    if len(widths) != 2 * len(shape):
        raise ShapeError(f"`pad_width` has {len(widths)} numbers; {shape_text(shape)} needs {2 * len(shape)}")
    if any(widths[:4]):
        raise ShapeError("only height and width can be padded", help="the first four numbers are 0")
    if options["mode"] == "reflect" and any(
        max(widths[2 * i : 2 * i + 2]) >= cast(int, shape[i]) for i in range(2, len(shape))
    ):
        raise ShapeError(f"{shape_text(shape)} is too small to be reflected so far", help="pad less than its size")
    return tuple(a if a is None else a + widths[2 * i] + widths[2 * i + 1] for i, a in enumerate(shape))


def tile(inputs: Sequence[Shape], options: Options) -> Shape:
    """Each axis so many times as long."""
    shape, reps = inputs[0], numbers(options["reps"])
    if len(reps) > len(shape):
        raise Stricter(f"`reps` has {len(reps)} numbers for {shape_text(shape)}")
    times = (1,) * (len(shape) - len(reps)) + reps
    if times[0] != 1:
        raise Stricter("the batch cannot be repeated", help="begin `reps` with 1")
    return tuple(axis if axis is None else axis * n for axis, n in zip(shape, times, strict=True))


def reverse(inputs: Sequence[Shape], options: Options) -> Shape:
    """As it comes in."""
    axes_of(options["axis"], inputs[0])
    if min(numbers(options["axis"])) < 0:
        last = len(inputs[0]) - 1
        raise Stricter("`reverse` counts axes from the front", help=f"{last} is the last axis")
    return inputs[0]


def broadcast_axis(inputs: Sequence[Shape], options: Options) -> Shape:
    """The named axes, whose length must be 1, stretched to `size`."""
    shape = list(inputs[0])
    axes, sizes = axes_of(options["axis"], inputs[0]), numbers(options["size"])
    if len(axes) != len(sizes):
        raise ShapeError(f"`axis` and `size` have {len(axes)} and {len(sizes)} numbers")
    for axis, size in zip(axes, sizes, strict=True):
        if shape[axis] != 1:
            raise ShapeError(f"axis {axis} of {shape_text(inputs[0])} has {shape[axis]} values, and only 1 can stretch")
        shape[axis] = size
    return tuple(shape)


def broadcast_to(inputs: Sequence[Shape], options: Options) -> Shape:
    """Axes of length 1 stretched to those of `shape`; 0 keeps an axis."""
    shape, wanted = inputs[0], numbers(options["shape"])
    if len(wanted) != len(shape) or wanted[0] != 0:
        raise ShapeError(f"`shape` needs a number for each axis of {shape_text(shape)}, 0 for the batch")
    for axis, (size, want) in enumerate(zip(shape, wanted, strict=True)):
        if want and size not in (1, want):
            raise ShapeError(f"axis {axis} of {shape_text(shape)} has {size} values, and only 1 can stretch")
    return (None, *(want or size for size, want in zip(shape[1:], wanted[1:], strict=True)))


LAYERS = (
    layer("Flatten", "All values of an image as one row.", shape=flatten, aliases=("flatten",)),
    layer(
        "Reshape",
        "The same values in the same order under another shape.",
        Option(
            "shape",
            Many(Integer(-4), least=1),
            REQUIRED,
            "The axes: a number, 0 as before, -1 what is left, -2 all others as before, -3 two in one, -4 one into the "
            "two numbers behind it. The first is 0, the batch.",
        ),
        Option("reverse", Boolean(), False, "Reads `shape` from the back."),
        shape=reshape,
        unnamed=("shape",),
        aliases=("reshape", "View", "view"),
    ),
    layer(
        "expand_dims",
        "Puts in an axis of length 1.",
        Option("axis", Integer(), REQUIRED, "Its place; -1 is the last."),
        shape=expand_dims,
        unnamed=("axis",),
        aliases=("unsqueeze", "ExpandDims"),
    ),
    layer(
        "squeeze",
        "Takes out axes of length 1.",
        Option("axis", _AXES, REQUIRED, "The axis, or several."),
        shape=squeeze,
        unnamed=("axis",),
    ),
    layer(
        "transpose",
        "Puts the axes in another order.",
        Option(
            "axes", Many(Integer(0), least=1), REQUIRED, "The order, 0 first: `(0, 2, 3, 1)` puts the channels last."
        ),
        shape=transpose,
        unnamed=("axes",),
        aliases=("permute", "Permute", "Transpose"),
    ),
    layer(
        "SwapAxis",
        "Exchanges two axes.",
        Option("dim1", Integer(), REQUIRED, "One."),
        Option("dim2", Integer(), REQUIRED, "The other."),
        shape=swap_axis,
        unnamed=("dim1", "dim2"),
        aliases=("swapaxes", "SwapAxes"),
    ),
    layer(
        "slice",
        "Cuts a range out of each axis, as Python's slices do.",
        Option("begin", _PLACES, REQUIRED, "First place kept on each axis, or none."),
        Option("end", _PLACES, REQUIRED, "First place left out, or none."),
        Option("step", _PLACES, (), "From one place to the next, or none for 1."),
        shape=slice_,
        aliases=("Crop", "crop", "Slice"),
    ),
    layer(
        "slice_axis",
        "Cuts a range out of one axis.",
        Option("axis", Integer(), REQUIRED, "The axis; 1 are the channels."),
        Option("begin", Integer(), REQUIRED, "First place kept; -1 is the last place."),
        Option("end", OneOf((Integer(), Nothing())), REQUIRED, "First place left out, or none to go to the end."),
        shape=slice_axis,
        prefix="slice",
        unnamed=("axis", "begin", "end"),
    ),
    layer(
        "Pad",
        "Adds a margin. Slow in MXNet: a layer's own `pad` is much faster.",
        Option("mode", Choice(("constant", "edge", "reflect")), "constant", "What the margin is made of.", always=True),
        Option("pad_width", Many(Integer(0)), REQUIRED, "Before and after, for each axis, the batch included."),
        Option("constant_value", Real(), 0.0, "The value of a constant margin."),
        shape=pad,
        aliases=("ZeroPad2d", "pad"),
    ),
    layer(
        "tile",
        "Repeats the whole value along its axes.",
        Option("reps", Many(Integer(1), least=1), REQUIRED, "How many times along each axis, 1 for the batch."),
        shape=tile,
        unnamed=("reps",),
        aliases=("Tile",),
    ),
    layer(
        "reverse",
        "Turns the order along axes round: `reverse(axis = 3)` mirrors left and right.",
        Option("axis", _AXES, REQUIRED, "The axis, or several."),
        shape=reverse,
        unnamed=("axis",),
        aliases=("flip",),
    ),
    layer(
        "broadcast_axis",
        "Stretches axes of length 1.",
        Option("axis", OneOf((Many(Integer(1), least=1), Integer(1))), REQUIRED, "The axis, or several."),
        Option("size", OneOf((Many(Integer(1), least=1), Integer(1))), REQUIRED, "Their new lengths."),
        shape=broadcast_axis,
        prefix="broadcast",
        aliases=("broadcast_axes",),
    ),
    layer(
        "broadcast_to",
        "Stretches axes of length 1 to a shape.",
        Option("shape", Many(Integer(0), least=1), REQUIRED, "The axes, 0 for those that stay and for the batch."),
        shape=broadcast_to,
        prefix="broadcast",
        unnamed=("shape",),
        aliases=("expand",),
    ),
)

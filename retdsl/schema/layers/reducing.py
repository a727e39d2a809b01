"""Layers that make one value of many along axes."""

from __future__ import annotations

from collections.abc import Sequence

from retdsl.ir import Shape
from retdsl.schema.model import REQUIRED, Layer, Option, Options, Stricter, layer
from retdsl.schema.shapes import axes_of, axis_of, shape_text, whole
from retdsl.schema.types import Boolean, Integer, Many, OneOf

_AXES = Option(
    "axis",
    OneOf((Many(Integer(), least=1), Integer())),
    REQUIRED,
    "The axis, or several: `(2, 3)` are height and width, 1 the channels.",
)
_KEEPDIMS = Option("keepdims", Boolean(), False, "Keeps the axes, with length 1.")
_EXCLUDE = Option("exclude", Boolean(), False, "Works along all other axes instead.")


def reduced(inputs: Sequence[Shape], options: Options) -> Shape:
    """Without the named axes, or with length 1 there if `keepdims`."""
    shape = inputs[0]
    if options.get("exclude"):
        kept = axes_of(options["axis"], shape, batch=True)
        if 0 not in kept:
            raise Stricter("the batch is not among the axes that are excluded", help="name 0 among them")
        return _without(shape, {axis for axis in range(len(shape)) if axis not in kept}, options)
    return _without(shape, set(axes_of(options["axis"], shape)), options)


def _without(shape: Shape, gone: set[int], options: Options) -> Shape:
    if options["keepdims"]:
        return tuple(1 if axis in gone else size for axis, size in enumerate(shape))
    return tuple(size for axis, size in enumerate(shape) if axis not in gone)


def norm(inputs: Sequence[Shape], options: Options) -> Shape:
    """Without the named axes, or with length 1 there if `keepdims`."""
    return _without(inputs[0], set(axes_of(options["axis"], inputs[0])), options)


def best_place(inputs: Sequence[Shape], options: Options) -> Shape:
    """Without the axis, or with length 1 there if `keepdims`."""
    return _without(inputs[0], {axis_of(whole(options, "axis"), inputs[0])}, options)


def best_channel(inputs: Sequence[Shape], _options: Options) -> Shape:
    """[N, C, ...] to [N, ...]."""
    if len(inputs[0]) < 2:
        raise Stricter(f"there are no channels in {shape_text(inputs[0])}")
    return (None, *inputs[0][2:])


def _reduction(name: str, doc: str, *aliases: str) -> Layer:
    return layer(name, doc, _AXES, _KEEPDIMS, _EXCLUDE, shape=reduced, unnamed=("axis",), aliases=aliases)


def _best(name: str, doc: str) -> Layer:
    axis = Option("axis", Integer(), REQUIRED, "The axis; 1 are the channels.")
    return layer(name, doc, axis, _KEEPDIMS, shape=best_place, unnamed=("axis",))


LAYERS = (
    _reduction("mean", "The mean along axes.", "Mean"),
    _reduction("sum", "The sum along axes.", "sum_axis", "ReduceSum"),
    _reduction("max", "The largest value along axes.", "max_axis", "Max"),
    _reduction("min", "The smallest value along axes.", "min_axis", "Min"),
    _reduction("prod", "The product along axes."),
    _reduction("nansum", "The sum along axes, without what is not a number."),
    _reduction("nanprod", "The product along axes, without what is not a number."),
    layer(
        "norm",
        "The length of the vectors along axes.",
        Option("ord", Integer(1, 2), 2, "2: the root of the sum of squares; 1: the sum of absolute values."),
        _AXES,
        _KEEPDIMS,
        shape=norm,
        unnamed=("ord", "axis"),
    ),
    _best("argmax", "The place of the largest value along an axis. It passes no gradient back."),
    _best("argmin", "The place of the smallest value along an axis. It passes no gradient back."),
    layer(
        "argmax_channel",
        "The channel with the largest value. It passes no gradient back.",
        shape=best_channel,
        prefix="argmax",
    ),
)

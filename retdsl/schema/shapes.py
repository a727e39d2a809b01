"""What the shape rules of all families of layers share. Shapes are `(None, C, H, W)` or `(None, F)`: the batch first.

A rule takes the shapes of its inputs and all options, and gives the output's shape as MXNet 1.9.1 computes it, or
raises ShapeError. No rule lets the batch change: what a network says of one photograph must not depend on the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import cast

from retdsl.ir import Shape, Value
from retdsl.schema.model import Options, ShapeError, Stricter


def shape_text(shape: Shape | None) -> str:
    """`[N, 3, 224, 224]`, as comments and messages show a shape."""
    if shape is None:
        return "[?]"
    return "[" + ", ".join("N" if axis is None else str(axis) for axis in shape) + "]"


def same(inputs: Sequence[Shape], _options: Options) -> Shape:
    """As it comes in."""
    return inputs[0]


def image(shape: Shape, layer: str) -> tuple[int, int, int]:
    """Channels, height and width of a value that must be an image."""
    if len(shape) != 4:
        raise ShapeError(
            f"`{layer}` needs an image [N, channels, height, width] and gets {shape_text(shape)}",
            help="put it before the step that flattens the image" if len(shape) == 2 else None,
        )
    return cast("tuple[int, int, int]", shape[1:])


def pair(options: Options, name: str) -> tuple[int, int]:
    """The value of an option of type `Pair`."""
    return cast("tuple[int, int]", options[name])


def whole(options: Options, name: str) -> int:
    """The value of an option of type `Integer`."""
    return cast(int, options[name])


def numbers(value: Value) -> tuple[int, ...]:
    """Whole numbers from an option that takes one or several."""
    return cast("tuple[int, ...]", value if isinstance(value, tuple) else (value,))


def size_of(shape: Shape) -> int:
    """How many numbers one image's value holds."""
    return prod(cast(int, axis) for axis in shape[1:])


def axis_of(axis: int, shape: Shape, *, batch: bool = False) -> int:
    """An axis counted from the front, whatever it was; the batch is refused unless `batch`."""
    if not -len(shape) <= axis < len(shape):
        raise Stricter(f"there is no axis {axis} in {shape_text(shape)}", help=f"axes are 1 to {len(shape) - 1}")
    if axis % len(shape) == 0 and not batch:
        raise Stricter("axis 0 is the batch, which no layer may change", help=_axes_help(shape))
    return axis % len(shape)


def axes_of(value: Value, shape: Shape, *, batch: bool = False) -> tuple[int, ...]:
    """Several axes, each once, none of them the batch unless `batch`."""
    found = tuple(axis_of(axis, shape, batch=batch) for axis in numbers(value))
    if len(set(found)) < len(found):
        raise Stricter(f"an axis of {shape_text(shape)} is named twice")
    return found


def _axes_help(shape: Shape) -> str:
    if len(shape) == 4:
        return "axis 1 are the channels, 2 and 3 height and width"
    return (
        f"axes of {shape_text(shape)} to work along are 1 to {len(shape) - 1}" if len(shape) > 1 else "`Reshape` first"
    )


def one_shape(inputs: Iterable[Shape], layer: str) -> Shape:
    """The shape that all inputs must have in common."""
    first, *others = inputs
    if any(other != first for other in others):
        raise Stricter(f"`{layer}` needs values of one shape")
    return first

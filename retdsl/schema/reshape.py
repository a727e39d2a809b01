"""The rule of `Reshape`: MXNet's little language of numbers and codes from 0 to -4, for any batch."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import cast

from retdsl.ir import Shape
from retdsl.schema.model import Options, ShapeError, Stricter
from retdsl.schema.shapes import numbers, shape_text

KEEP, INFER, REST, MERGE, SPLIT = 0, -1, -2, -3, -4

_BATCHES = (10_007, 10_009)
"""A shape is right for any batch if it is right for these two: primes that no axis of a network has as a factor."""


def reshape(inputs: Sequence[Shape], options: Options) -> Shape:
    """As `shape` says, with as many values as before."""
    shape, codes = inputs[0], numbers(options["shape"])
    backwards = bool(options["reverse"])
    if backwards and SPLIT in codes:
        raise Stricter("`reverse` and the code -4 do not go together in MXNet")
    found = []
    for batch in _BATCHES:
        sizes = (batch, *cast("tuple[int, ...]", shape[1:]))
        reshaped = _read(codes[::-1], sizes[::-1])[::-1] if backwards else _read(codes, sizes)
        if prod(reshaped) != prod(sizes):
            raise Stricter(f"{shape_text(shape)} has not as many values as `shape` asks for", help=_HELP)
        found.append(reshaped)
    first, second = found
    if (first[0], second[0]) != _BATCHES or first[1:] != second[1:]:
        raise Stricter("the batch must stay the first axis", help=_HELP)
    return (None, *first[1:])


_HELP = "begin `shape` with 0, and let -1 be what is left: `Reshape(shape = (0, -1))`"


def _read(codes: Sequence[int], sizes: Sequence[int]) -> tuple[int, ...]:
    """The axes that `codes` make of `sizes`. Raises ShapeError for codes that want more axes than there are."""
    out: list[int] = []
    left, place, inferred = list(sizes), 0, None
    rest = list(codes)
    while rest:
        code = rest.pop(0)
        if code == REST:
            out += left[place:]
            place = len(left)
        elif code == MERGE:
            out.append(prod(_take(left, place, 2)))
            place += 2
        elif code == SPLIT:
            out += _split(_take(left, place, 1)[0], rest[:2])
            del rest[:2]
            place += 1
        elif code == INFER:
            if inferred is not None:
                raise ShapeError("only one number of `shape` can be -1")
            inferred = len(out)
            if inferred != len(codes) - len(rest) - 1:  # MXNet 1.9.1 counts codes there, not axes
                raise Stricter("-1 cannot follow -2 or -4 in MXNet", help="write the number")
            out.append(1)
            place += 1
        else:
            out.append(code if code != KEEP else _take(left, place, 1)[0])
            place += 1
    if inferred is not None:
        out[inferred] = prod(sizes) // prod(out)
    return tuple(out)


def _take(sizes: Sequence[int], place: int, count: int) -> Sequence[int]:
    if place + count > len(sizes):
        raise ShapeError(f"`shape` asks for more than the {len(sizes)} axes there are")
    return sizes[place : place + count]


def _split(size: int, parts: Sequence[int]) -> tuple[int, int]:
    if len(parts) < 2 or min(parts) < -1 or 0 in parts or tuple(parts) == (-1, -1):
        raise ShapeError("-4 needs two numbers behind it, of which one may be -1")
    first, second = parts
    first, second = (size // second if first == -1 else first), (size // first if second == -1 else second)
    if first * second != size:
        raise ShapeError(f"{size} is not {first} x {second}")
    return first, second

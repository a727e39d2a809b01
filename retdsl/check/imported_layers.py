"""An operator of a symbol file as a layer of the schema: its options, and the shapes that follow.

A layer that says all that the operator does takes its place; else the operator stays as the file has it, without a
shape. Nothing is ever dropped that matters.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from functools import lru_cache

from retdsl.check.symbol_file import FileNode
from retdsl.ir import Shape, Value
from retdsl.schema import REQUIRED, Layer, ShapeError, find_layer
from retdsl.schema.left_out import taken_for_granted
from retdsl.schema.lookup import find_operator
from retdsl.schema.model import Stricter
from retdsl.schema.operators import has_default
from retdsl.schema.shapes import size_of
from retdsl.schema.types import Choice, OneOf, Pair, Type
from retdsl.weights.model import MAX_AXES, MAX_NUMBERS

MAX_LITERAL = 1000
"""Characters of an option that are read as numbers."""
Options = dict[str, Value]

_CASTS = ("Cast", "cast", "amp_cast")
_FLOATS = ("float16", "float32", "float64", "bfloat16")


def options_of(item: FileNode) -> Options:
    """An operator's options; those that are written as not given are left out, unless the operator asks for them: of
    `slice_axis`, `end = None` means up to the end.
    """
    if _changes_nothing(item):
        return {}
    likely = find_operator(item.op)
    asked = {o.name for o in likely.entry.options if o.default is REQUIRED} if likely is not None else ()
    given = ((key, value) for key, value in item.options.items() if key in asked or value not in ("None", "()"))
    options = {key: _literal(value) for key, value in given}
    return _shape_of_2015(options) if item.op == "Reshape" else options


def _shape_of_2015(options: Options) -> Options:
    """The options of a Reshape that says `target_shape`, in the words of today: there, 0 is what is left."""
    target = options.get("target_shape")
    if "shape" in options or not isinstance(target, tuple) or not target:
        return options
    first, *rest = target
    if options.get("keep_highest") is True:
        return {"shape": (0, *(size or -1 for size in rest))}
    return options if first != 0 or 0 in rest else {"shape": (0, *rest)}


def understood(layer: Layer | None, options: Mapping[str, Value], count: int) -> Layer | None:
    """The schema's layer, if it says all that this one does.

    It must take as many values; an option beyond the schema must be without effect, and one that only the schema
    requires must be there.
    """
    if layer is None or find_layer(layer.name) is not layer or not (layer.joins or count == len(layer.inputs)):
        return None
    described = layer.entry.options
    beyond = {key: value for key, value in options.items() if layer.entry.option(key) is None}
    plain = all(taken_for_granted(key, value) for key, value in beyond.items())
    within = all(_fits(o.type, options[o.name]) for o in described if o.name in options)
    absent = [o.name for o in described if o.default is REQUIRED and o.name not in options]
    stricter = any(has_default(layer.operator, name) for name in absent)
    return layer if plain and within and not stricter else None


def likely_layer(item: FileNode) -> Layer | None:
    """The layer that does what an operator does, if its options are what that layer takes; see `understood`."""
    return find_operator("identity" if _changes_nothing(item) else item.op)


def _changes_nothing(item: FileNode) -> bool:
    """Whether a node casts floats to floats: every value of a program is a float32."""
    return item.op in _CASTS and item.options.get("dtype") in _FLOATS


def with_defaults(layer: Layer, options: Mapping[str, Value]) -> Options:
    """All options of a layer."""
    full: Options = {o.name: None if o.default is REQUIRED else o.default for o in layer.entry.options}
    return full | dict(options)


def differing_options(layer: Layer, options: Mapping[str, Value]) -> Options:
    """What a program writes: options that differ from their default, and those never to be left to MXNet."""
    full = with_defaults(layer, options)
    given = [o for o in layer.entry.options if o.always or (o.name in options and options[o.name] != o.default)]
    return {o.name: full[o.name] for o in given}


def shape_of(layer: Layer, options: Mapping[str, Value], inputs: Sequence[Shape]) -> tuple[Shape, dict[str, Shape]]:
    """The output's shape, and those of the parameters by their roles. Raises ShapeError; Stricter where only MXNet
    would take it.
    """
    if layer.shape is None or not inputs:
        raise Stricter("not known before the program runs")
    full = with_defaults(layer, options)
    known = list(inputs)
    if layer.name == "FullyConnected":  # MXNet flattens without a word
        known = [(None, size_of(known[0]))]
    try:
        shape, sizes = layer.shape(known, full), layer.parameters(known, full)
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
        raise ShapeError("its options are not as MXNet writes them") from error
    for axes in (shape[1:], *sizes):
        numbers = [axis for axis in axes if type(axis) is int and axis >= 0]
        if len(numbers) < len(axes):
            raise ShapeError("its options are not as MXNet writes them")
        if len(numbers) > MAX_AXES or max(numbers, default=0) > MAX_NUMBERS:
            raise ShapeError("its values are more than any machine can hold")
    return shape, dict(zip(layer.learns, sizes, strict=False))


def _fits(wanted: Type, value: Value) -> bool:
    """Whether an option means what the schema's shape rules take it for; ranges are MXNet's business."""
    match wanted:
        case Choice(names=names):
            return value in names
        case Pair():
            return not isinstance(value, tuple) or len(value) == 2  # what is no tuple at all, the rules refuse
        case OneOf(types=types):
            return any(_fits(one, value) for one in types)
        case _:
            return True


@lru_cache(maxsize=1000)  # a network repeats its options
def _literal(text: str) -> Value:
    """An attribute as MXNet writes it: `(3,3)`, `64`, `True`, `relu`."""
    if len(text) > MAX_LITERAL:
        return text
    try:
        value = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    value = tuple(value) if isinstance(value, list) else value
    return value if _is_value(value) or (isinstance(value, tuple) and all(map(_is_value, value))) else text


def _is_value(value: object) -> bool:
    if isinstance(value, int):
        return abs(value) <= MAX_NUMBERS
    return isinstance(value, float | str) or value is None

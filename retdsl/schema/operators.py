"""MXNet's operators, from the committed snapshot of its registry, and layers made of those without an entry by hand.

`operators.json` holds for each operator what the library says of it: its name, other spellings, what it takes, what it
learns, its options with MXNet's words for their types and defaults. It is read when a name is met that the layers by
hand do not have. What such a layer gives is not known before the program runs: it has no shape rule.
"""

from __future__ import annotations

import re
import struct
from functools import cache
from pathlib import Path

from retdsl.ir import Value
from retdsl.records import dataclass
from retdsl.schema.model import REQUIRED, Layer, Option, Required, layer
from retdsl.schema.operator_words import OPERATORS, OPTIONS
from retdsl.schema.types import Boolean, Choice, Integer, Many, Name, Pair, Real, Type, optional

_PAIRS = ("kernel", "stride", "pad", "dilate", "pooled_size", "output_size")
"""Shapes that are a height and a width; one number may stand for both."""

_NOT_HERE = ("dtype", "layout")
"""Options that no layer has: see `left_out`."""

_KIND = re.compile(r"(\{.*?\}|[^,]+)(?:,\s*(?:required|optional))?(?:,\s*default=(.*))?")


@dataclass(frozen=True, slots=True)
class Operator:
    """A row of the snapshot. also: other spellings; inputs: what it takes; joins: any number of that; learns: its
    parameters; options: MXNet's words for each.
    """

    name: str
    operator: str
    inputs: tuple[str, ...]
    also: tuple[str, ...] = ()
    joins: bool = False
    learns: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()


@cache
def operators() -> dict[str, Operator]:
    """Every operator of the snapshot by its readable name."""
    import json  # rarely needed, as most layers are written by hand

    rows = json.loads(Path(__file__).with_name("operators.json").read_text("utf-8"))
    return {
        name: Operator(
            name,
            row["operator"],
            tuple(row["inputs"]),
            tuple(row.get("also", ())),
            row.get("joins", False),
            tuple(row.get("learns", ())),
            tuple(row.get("options", {}).items()),
        )
        for name, row in rows.items()
    }


@cache
def spellings() -> dict[str, Operator]:
    """Every operator by every name that MXNet has for it."""
    return {name: row for row in operators().values() for name in (row.operator, *row.also)}


def has_default(operator: str, option: str) -> bool:
    """Whether MXNet has a default for an option of an operator."""
    row = spellings().get(operator)
    return row is not None and "default=" in dict(row.options).get(option, "")


@cache
def layer_of(row: Operator) -> Layer:
    """The layer that the snapshot makes of an operator: what is known is checked, the rest is MXNet's business."""
    options = [
        option_of(name, kind, OPTIONS.get(f"{row.name}.{name}") or OPTIONS.get(name, "See MXNet's documentation."))
        for name, kind in row.options
        if name not in _NOT_HERE
    ]
    needed = [option.name for option in options if option.default is REQUIRED]
    return layer(
        row.name,
        OPERATORS.get(row.name, f"MXNet's operator `{row.operator}`."),
        *options,
        shape=None,
        learns=row.learns,
        inputs=row.inputs,
        joins=row.joins,
        operator=row.operator,
        unnamed=tuple(needed[:1]),
    )


def option_of(name: str, kind: str, doc: str) -> Option:
    """An option from MXNet's words for it, as `int, optional, default='1'`."""
    found = _KIND.fullmatch(kind)
    assert found is not None, f"{name}: {kind}"
    wanted, default = found[1].strip(), found[2]
    type_ = _type(wanted)
    value: Value | Required = REQUIRED if default is None else _value(default, wanted)
    if wanted == "Shape(tuple)" and name in _PAIRS:
        pair = Pair(Integer(0 if name == "pad" else 1))
        type_, value = (pair, REQUIRED) if value is REQUIRED else (optional(pair), value or None)
    return Option(name, type_, value, doc)


def _type(words: str) -> Type:
    if words.startswith("{"):
        names = re.findall(r"'([^']*)'", words)
        choice = Choice(tuple(name for name in names if name != "None"))
        return optional(choice) if "None" in words else choice
    if words.endswith(" or None"):
        return optional(_type(words.removesuffix(" or None")))
    if words.startswith("tuple of "):
        return Many(_type(words[len("tuple of <") : -1]))
    match words.split()[0]:
        case "boolean":
            return Boolean()
        case "int" | "long":
            return Integer(0 if "non-negative" in words else None)
        case "float" | "double" | "real_t":
            return Real()
        case "Shape(tuple)" | "Shape":
            return Many(Integer())
        case _:
            return Name("a text")


def _value(text: str, words: str) -> Value:
    text = text.strip("'")
    if text == "None":
        return None
    if text.startswith("["):
        return tuple(_number(item) for item in text[1:-1].split(",") if item.strip())
    if words.startswith("boolean"):
        return text not in ("0", "False")
    if words.startswith(("{", "string")):
        return text
    number = _number(text)
    return float(number) if words.startswith(("float", "double", "real_t")) else number


def _number(text: str) -> int | float:
    """The shortest number that is the same for MXNet, which prints 0.1 as the nearest float of 32 bits, 0.100000001."""
    if re.fullmatch(r"\s*-?\d+\s*", text):
        return int(text)
    number = float(text)
    for digits in range(1, 10):
        short = float(f"{number:.{digits}g}")
        if struct.pack("f", short) == struct.pack("f", number):
            return short
    return number

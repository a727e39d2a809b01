"""A checked program, or a part of it, read back from its JSON, as a run folder keeps it.

Enters: what `ir.to_json` gave. Leaves: the `Program`, or the part. Guaranteed: the fields that are there are those of
the records of `retdsl.ir`; a program of another version that lacks one is a TypeError or a KeyError.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from retdsl import ir
from retdsl.ir import Call, Key, Place, Program


def program_of(data: Mapping[str, Any]) -> Program:
    """The program."""
    program: Program = _record(Program, data)
    return program


def keys_of(experiment: Mapping[str, Any]) -> tuple[Key, ...]:
    """The keys of an experiment."""
    return tuple(_record(Key, key) for key in experiment["keys"])


def place_of(data: Mapping[str, Any]) -> Place:
    """A place in a spec."""
    place: Place = _record(Place, data)
    return place


def call_of(data: Mapping[str, Any]) -> Call:
    """A call, with where it was written if that is known."""
    call: Call = _record(Call, data)
    return call


def _record(kind: Any, data: Mapping[str, Any]) -> Any:
    hints = _hints(kind)
    given = {one.name: _read(hints[one.name], data[one.name]) for one in fields(kind) if one.name in data}
    return kind(**given)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind, vars(ir))


def _read(hint: Any, data: Any) -> Any:
    """Data as its field declares it."""
    if hint == _hints_of_value():
        return _value(data)
    if is_dataclass(hint):
        return _record(hint, data)
    if get_origin(hint) in (Union, UnionType):
        records = [kind for kind in get_args(hint) if is_dataclass(kind)]
        return _record(records[0], data) if records and isinstance(data, dict) else _value(data)
    if get_origin(hint) is tuple and isinstance(data, list):
        inner = get_args(hint)
        each = [inner[0]] * len(data) if inner[1:] == (...,) else inner
        return tuple(_read(kind, item) for kind, item in zip(each, data, strict=True))
    return _value(data)


@cache
def _hints_of_value() -> Any:
    """How the hints of a `Value` look once they are resolved."""
    return _hints(Call)["options"].__args__[0].__args__[1]


def _value(data: Any) -> Any:
    """A value of the language: numbers, texts, tuples of values, calls."""
    if isinstance(data, list):
        return tuple(map(_value, data))
    if isinstance(data, dict):
        return _record(Call, data)
    return data

"""What the schema is made of: an `Entry` for everything that can be called, with its options; a `Layer` adds shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from retdsl.ir import Shape, Value
from retdsl.schema.types import Type


class Required(Enum):
    """The default of an option that has none."""

    REQUIRED = "required"


REQUIRED = Required.REQUIRED


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its name, type, default and what it does. `always`: written out even when it is MXNet's default."""

    name: str
    type: Type
    default: Value | Required
    doc: str
    always: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that a spec can call, in one `category` ("optimizer", "layer", ...).

    unnamed: the options that may be given without their names, in this order. aliases: what people coming from
    elsewhere call it, for suggestions only. reference: the method's source in the literature.
    """

    name: str
    category: str
    doc: str
    options: tuple[Option, ...] = ()
    unnamed: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    reference: str | None = None

    def option(self, name: str) -> Option | None:
        return next((option for option in self.options if option.name == name), None)


class ShapeError(Exception):
    """A layer cannot take a value of that shape: what is wrong, why, and what to do.

    missing: a step that cures it when it is put before the layer.
    """

    def __init__(
        self, message: str, *, note: str | None = None, help: str | None = None, missing: str | None = None
    ) -> None:
        super().__init__(message)
        self.missing = missing
        self.message = message
        self.note = note
        self.help = help


Options: TypeAlias = Mapping[str, Value]
ShapeRule: TypeAlias = Callable[[Sequence[Shape], Options], Shape]
ParameterRule: TypeAlias = Callable[[Sequence[Shape], Options], Sequence[tuple[str, Shape, bool]]]


def no_parameters(_inputs: Sequence[Shape], _options: Options) -> Sequence[tuple[str, Shape, bool]]:
    """The parameter rule of a layer that learns nothing."""
    return ()


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of a network.

    shape: output shape from input shapes and options, raises ShapeError; parameters: suffix, shape and whether
    auxiliary; prefix: of automatic names (`fc` for `fc1`; `{act_type}` puts an option in); joins: takes several values;
    stochastic: draws random numbers in training.
    """

    entry: Entry
    shape: ShapeRule
    prefix: str
    parameters: ParameterRule = no_parameters
    joins: bool = False
    stochastic: bool = False

"""What the schema is made of: an `Entry` for everything that can be called, with its options; a `Layer` adds shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import TypeAlias

from retdsl.ir import Shape, Value
from retdsl.records import dataclass
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
    """A layer cannot take a value of that shape: what is wrong, why, and what to do."""

    def __init__(self, message: str, *, note: str | None = None, help: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.note = note
        self.help = help


class Stricter(ShapeError):
    """MXNet would take the value, and this language does not."""


Options: TypeAlias = Mapping[str, Value]
ShapeRule: TypeAlias = Callable[[Sequence[Shape], Options], Shape]
ParameterRule: TypeAlias = Callable[[Sequence[Shape], Options], Sequence[Shape]]


def no_parameters(_inputs: Sequence[Shape], _options: Options) -> Sequence[Shape]:
    """The parameter rule of a layer that learns nothing."""
    return ()


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of a network.

    shape: output shape from input shapes and options, raises ShapeError; its docstring says the rule in words; None
    where the shape is not known before the program runs. prefix: of automatic names (`fc` for `fc1`; `{act_type}` puts
    an option in). learns: the names of its parameters in MXNet's order, `bias` only without `no_bias`; learns_if: only
    where that option has that value; parameters: the shapes of all in `learns`. inputs: what it takes, in order; joins:
    any number of values instead. operator: MXNet's name for it. stochastic: draws random numbers in training.
    """

    entry: Entry
    shape: ShapeRule | None
    prefix: str
    learns: tuple[str, ...] = ()
    parameters: ParameterRule = no_parameters
    learns_if: tuple[str, Value] | None = None
    inputs: tuple[str, ...] = ("data",)
    joins: bool = False
    operator: str = ""
    stochastic: bool = False

    @property
    def name(self) -> str:
        return self.entry.name


def layer(
    name: str,
    doc: str,
    *options: Option,
    shape: ShapeRule | None,
    prefix: str = "",
    learns: tuple[str, ...] = (),
    parameters: ParameterRule = no_parameters,
    learns_if: tuple[str, Value] | None = None,
    inputs: tuple[str, ...] = ("data",),
    joins: bool = False,
    operator: str = "",
    stochastic: bool = False,
    unnamed: tuple[str, ...] = (),
    aliases: tuple[str, ...] = (),
    ref: str = "",
) -> Layer:
    """A row of a table of layers: the entry and its shapes in one call; see `Entry` and `Layer`."""
    return Layer(
        Entry(name, "layer", doc, options, unnamed, aliases, ref or None),
        shape,
        prefix or name.lower(),
        learns,
        parameters,
        learns_if,
        inputs,
        joins,
        operator or name,
        stochastic,
    )


def parameter_names(described: Layer, options: Options) -> tuple[str, ...]:
    """What a layer with these options learns, in MXNet's order."""
    if described.learns_if is not None and options.get(described.learns_if[0]) != described.learns_if[1]:
        return ()
    return tuple(role for role in described.learns if role != "bias" or not options.get("no_bias"))

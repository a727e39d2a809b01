"""A graph of ONNX operators while it grows: plain data, which needs no package.

`Graph` holds operations and constants; a `Step` is one layer of the checked network as its lowering sees it. Every
value has one name; those of layers are given by the network, all others are made up here and contain a slash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import prod
from typing import TypeAlias, cast

from retdsl.ir import Node, Shape, Value
from retdsl.records import dataclass, field, replace

Attribute: TypeAlias = "int | float | str | tuple[int, ...]"


_FLOAT, _BOOL = 1, 9
"""ONNX's numbers for types of elements."""


class Refused(Exception):
    """A layer that ONNX cannot say, or not as MXNet computes it: why."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operator of ONNX's main set; it gives one value, `output`."""

    op: str
    inputs: tuple[str, ...]
    output: str
    attributes: tuple[tuple[str, Attribute], ...]


@dataclass(frozen=True, slots=True)
class Constant:
    """Numbers that the graph brings along: float32, or int64 where they are `whole`."""

    values: tuple[float, ...]
    shape: tuple[int, ...]
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """A layer to be lowered.

    options: all of them, defaults included; inputs, shapes: names of the values that come in, and their shapes; shape:
    of what comes out; parameters: MXNet's names of what it learns, by role (`weight`).
    """

    node: Node
    options: Mapping[str, Value]
    inputs: tuple[str, ...]
    shapes: tuple[Shape, ...]
    shape: Shape
    parameters: Mapping[str, str]

    def pair(self, option: str) -> tuple[int, int]:
        """Height and width from an option; in a symbol file one number may stand for both."""
        found = self.numbers(option)
        return found[0], found[-1]

    def numbers(self, option: str) -> tuple[int, ...]:
        """Whole numbers from an option that takes one or several."""
        value = self.options[option]
        return cast("tuple[int, ...]", value if isinstance(value, tuple) else (value,))

    def whole(self, option: str) -> int:
        return cast(int, self.options[option])

    def real(self, option: str) -> float:
        return float(cast(float, self.options[option]))

    def axis(self, option: str = "axis") -> int:
        """An axis of the first input, counted from the front."""
        return self.whole(option) % len(self.shapes[0])

    def size(self) -> tuple[int, int]:
        """Height and width of the first input, [N, C, H, W]."""
        return cast("tuple[int, int]", self.shapes[0][2:])


Lowering: TypeAlias = Callable[["Graph", Step], str]
"""Adds what a layer computes to a graph, and gives the name of the value that comes out. Raises Refused."""


@dataclass(slots=True)
class Graph:
    """Operations in topological order, and the constants that they take.

    taken: every name that is in use; unnamed: values that no layer has called by its name yet.
    """

    taken: set[str] = field(default_factory=set)
    unnamed: set[str] = field(default_factory=set)
    operations: list[Operation] = field(default_factory=list)
    constants: dict[Constant, str] = field(default_factory=dict)

    def add(self, op: str, *inputs: str, **attributes: Attribute) -> str:
        """One more operator; gives the name of its value."""
        output = self._fresh(f"{op.lower()}/{len(self.operations)}")
        self.unnamed.add(output)
        self.operations.append(Operation(op, inputs, output, tuple(attributes.items())))
        return output

    def real(self, value: float) -> str:
        """A single number [] as float32."""
        return self.table((float(value),), ())

    def table(self, values: Iterable[float], shape: Sequence[int]) -> str:
        """Numbers of that shape as float32, the last axis fastest."""
        return self._constant(Constant(tuple(map(float, values)), tuple(shape)))

    def whole(self, values: Iterable[int]) -> str:
        """Whole numbers [n]: axes, sizes, places."""
        numbers = tuple(map(int, values))
        return self._constant(Constant(numbers, (len(numbers),), whole=True))

    def reshape(self, value: str, shape: Shape) -> str:
        """The same numbers in the same order under another shape [N, ...], for any batch."""
        return self.add("Reshape", value, self.whole((0, *(axis or 0 for axis in shape[1:]))))

    def as_real(self, value: str) -> str:
        """Truth or a whole number as float32: 1 where something holds, else 0."""
        return self.add("Cast", value, to=_FLOAT)

    def as_truth(self, value: str) -> str:
        """Whether a number is not 0."""
        return self.add("Cast", value, to=_BOOL)

    def finish(self, name: str, value: str) -> None:
        """Calls a value by the name of the layer that gives it; one that passes on what came in gives a value too."""
        last = self.operations[-1] if value in self.unnamed else None
        if last is not None and last.output == value:
            self.operations[-1] = replace(last, output=name)
        else:
            self.operations.append(Operation("Identity", (value,), name, ()))
        self.unnamed.clear()

    def _constant(self, constant: Constant) -> str:
        assert prod(constant.shape) == len(constant.values)
        if constant not in self.constants:
            self.constants[constant] = self._fresh(f"constant/{len(self.constants)}")
        return self.constants[constant]

    def _fresh(self, name: str) -> str:
        while name in self.taken:
            name += "/"
        self.taken.add(name)
        return name

"""The types of options. A type says what it takes in words (`words`) and turns a written scalar into a `Value`.

What the checker hands to `accept` is already evaluated: bool, int, float, None, `str` for a quoted text, `Word` for a
bare name. `Many`, `Pair`, `RatioOf`, `OneOf` and `Policy` are structure; the checker takes them apart, so that a
message points at the very part that is wrong.
"""

from __future__ import annotations

import math
from typing import TypeAlias

from retdsl.records import dataclass


@dataclass(frozen=True, slots=True)
class Word:
    """A bare name, as in `Activation(relu)`."""

    name: str


Written: TypeAlias = "bool | int | float | str | Word | None"
Scalar: TypeAlias = "bool | int | float | str | None"


class Mismatch(Exception):
    """The value is not of the type; `in_range` is False when it is, but too small or too large."""

    def __init__(self, *, in_range: bool = True) -> None:
        super().__init__()
        self.in_range = in_range


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number from `low` to `high`, both included."""

    low: int | None = None
    high: int | None = None

    @property
    def words(self) -> str:
        return "a whole number" + _range(self.low, self.high)

    def accept(self, value: Written) -> Scalar:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise Mismatch
        if (self.low is not None and value < self.low) or (self.high is not None and value > self.high):
            raise Mismatch(in_range=False)
        return value


@dataclass(frozen=True, slots=True)
class Real:
    """A number from `low` (excluded if `above`) to `high` (excluded if `below`); percentages count as fractions."""

    low: float | None = None
    high: float | None = None
    above: bool = False
    below: bool = False

    @property
    def words(self) -> str:
        if self.above and self.low is not None:
            return f"a number above {_plain(self.low)}" + (
                "" if self.high is None else f", at most {_plain(self.high)}"
            )
        if self.below and self.low is not None and self.high is not None:
            return f"a number of at least {_plain(self.low)}, below {_plain(self.high)}"
        return "a number" + _range(self.low, self.high)

    def accept(self, value: Written) -> Scalar:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Mismatch
        if not math.isfinite(value):
            raise Mismatch(in_range=False)
        if self.low is not None and (value < self.low or (self.above and value == self.low)):
            raise Mismatch(in_range=False)
        if self.high is not None and (value > self.high or (self.below and value == self.high)):
            raise Mismatch(in_range=False)
        return float(value)


@dataclass(frozen=True, slots=True)
class Fraction:
    """A share or a probability: `70%` or `0.7`. `inside`: neither all nor nothing."""

    inside: bool = False

    @property
    def words(self) -> str:
        return "a share above 0% and below 100%" if self.inside else "a share from 0% to 100%"

    def accept(self, value: Written) -> Scalar:
        share = Real(0, 1).accept(value)
        if self.inside and share in (0, 1):
            raise Mismatch(in_range=False)
        return share


@dataclass(frozen=True, slots=True)
class Factor:
    """What something is multiplied by, above 0: `10x`, or `10`."""

    @property
    def words(self) -> str:
        return "a factor above 0, such as `10x`"

    def accept(self, value: Written) -> Scalar:
        return Real(0, above=True).accept(value)


@dataclass(frozen=True, slots=True)
class Boolean:
    """`true` or `false`."""

    @property
    def words(self) -> str:
        return "`true` or `false`"

    def accept(self, value: Written) -> Scalar:
        if isinstance(value, bool):
            return value
        raise Mismatch


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few names."""

    names: tuple[str, ...]

    @property
    def words(self) -> str:
        return "one of " + ", ".join(f"`{name}`" for name in self.names)

    def accept(self, value: Written) -> Scalar:
        name = value.name if isinstance(value, Word) else value
        if isinstance(name, str) and name in self.names:
            return name
        raise Mismatch


@dataclass(frozen=True, slots=True)
class Name:
    """A text or a bare name: a column, a label, a file. `what` says which; `quoted`: one writes it as a text."""

    what: str = "a text or a name"
    quoted: bool = False

    @property
    def words(self) -> str:
        return self.what

    def accept(self, value: Written) -> Scalar:
        if isinstance(value, Word):
            return value.name
        if isinstance(value, str) and value:
            return value
        raise Mismatch


@dataclass(frozen=True, slots=True)
class Nothing:
    """`none`."""

    @property
    def words(self) -> str:
        return "`none`"

    def accept(self, value: Written) -> Scalar:
        if value is None:
            return None
        raise Mismatch


@dataclass(frozen=True, slots=True)
class Pair:
    """Two whole numbers, height and width; one number stands for both."""

    of: Integer

    @property
    def words(self) -> str:
        return f"two whole numbers (height, width){_range(self.of.low, self.of.high)}, or one for both"


@dataclass(frozen=True, slots=True)
class Many:
    """A list. `least`: how many items there must be; `length`: how many exactly; `round_brackets`: one writes it as
    lists of a length that is known are written, `(127, 127, 127)`.
    """

    of: Type
    least: int = 0
    length: int | None = None
    round_brackets: bool = False

    @property
    def words(self) -> str:
        count = f"of {self.length} " if self.length else f"of {self.least} or more " if self.least > 1 else ""
        return f"a list {count}(each {self.of.words})"


@dataclass(frozen=True, slots=True)
class RatioOf:
    """`1 : 1`, two parts or more, each above 0. `whole`: they are counts, as in `315 : 5`."""

    whole: bool = False

    @property
    def words(self) -> str:
        return "whole numbers such as `315 : 5`" if self.whole else "a ratio such as `1 : 1`"


@dataclass(frozen=True, slots=True)
class Policy:
    """A call of an entry of one `category` of the schema, as `cosine(warmup = 2)`; without options, just its name."""

    category: str

    @property
    def words(self) -> str:
        return with_article(self.category)


@dataclass(frozen=True, slots=True)
class OneOf:
    """Any of several types."""

    types: tuple[Type, ...]

    @property
    def words(self) -> str:
        return ", or ".join(kind.words for kind in self.types)


@dataclass(frozen=True, slots=True)
class Reference:
    """The name of a declaration of one kind (`model`, `data`, `augment`, `backbone`)."""

    kind: str

    @property
    def words(self) -> str:
        return f"the name of {with_article(KIND_WORDS.get(self.kind, self.kind))}"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a network: a backbone, some layers of one (`lite[.. stage3]`), or a pattern for names (`"stage1_*"`).

    anywhere: a bare name may also be that of a layer or of a group of layers. Its value is the text as the language
    spells it.
    """

    anywhere: bool = False

    @property
    def words(self) -> str:
        return "a part of the network, such as `stage4`" if self.anywhere else "a backbone or a part of one"


@dataclass(frozen=True, slots=True)
class Each:
    """Values of a key that is said of parts of a network, `rate(head) = 10x`: a call of the key's name for each, with
    its `part` and its `value`.
    """

    part: Part
    value: Type

    @property
    def words(self) -> str:
        return f"for {self.part.words}, {self.value.words}"


RULE = "rule"
"""The call that a rule becomes, with its `column`, `comparison`, `value` and `label`."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A column, a comparison, and the class that follows: `grade >= 2 -> infected`. Its value is a call of `RULE`."""

    @property
    def words(self) -> str:
        return "a rule such as `grade >= 2 -> infected`"


@dataclass(frozen=True, slots=True)
class Steps:
    """A chain of entries of the given categories, after its first word (`photo`, `image`)."""

    first: str
    categories: tuple[str, ...]

    @property
    def words(self) -> str:
        return f"a chain `{self.first} => ...`"


ScalarType: TypeAlias = Integer | Real | Fraction | Factor | Boolean | Choice | Name | Nothing
Type: TypeAlias = ScalarType | Pair | Many | RatioOf | Policy | OneOf | Reference | Part | Each | Rule | Steps


KIND_WORDS = {"data": "data block", "train": "train block", "augment": "augmentation"}
"""What a kind of declaration is called where its keyword alone would not read well."""


def with_article(noun: str) -> str:
    """`a layer`, `an optimizer`."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def optional(kind: Type) -> OneOf:
    """The type, or `none`."""
    return OneOf((kind, Nothing()))


def _range(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f" from {_plain(low)} to {_plain(high)}"
    if low is not None:
        return f" of at least {_plain(low)}"
    return "" if high is None else f" of at most {_plain(high)}"


def _plain(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:.12g}"

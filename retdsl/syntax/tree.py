"""The syntax tree: what was written, with the place of every part. Spans do not count in comparisons.

Expressions: `Number Percent Quantity Text Ref Listing Group Ratio Sum Product Negative Apply Repeat Cut Chain
Fork Hashed Rule`.
Declarations: `Data Backbone Block Model Augment Sampling Train Ensemble Use`; a `File` holds them in their order.
What a mistake made unreadable stays in the tree as `Illegible` or `IllegibleDeclaration`: it has been reported, and
nobody needs to complain that it is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from retdsl.records import dataclass, field
from retdsl.source import Source, Span


@dataclass(frozen=True, slots=True)
class Syntax:
    """Anything that has a place in the text."""

    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Ident(Syntax):
    """A name where it is declared, or the name of an option."""

    name: str


@dataclass(frozen=True, slots=True)
class Number(Syntax):
    """`3` is an int, `0.5` and `1e-4` are floats."""

    value: int | float


@dataclass(frozen=True, slots=True)
class Percent(Syntax):
    """`70%` has the value 0.7."""

    value: float


@dataclass(frozen=True, slots=True)
class Quantity(Syntax):
    """`200 batches` or `10x`: a number and its unit, `batches`, `epochs` or `x`, in the plural."""

    value: int | float
    unit: str


@dataclass(frozen=True, slots=True)
class Text(Syntax):
    """`"conv_{name}"`: literal pieces and, between them, the expressions to be put in."""

    parts: tuple[str | Expr, ...]

    @property
    def plain(self) -> str | None:
        """The text, if nothing is to be put in."""
        if all(isinstance(part, str) for part in self.parts):
            return "".join(str(part) for part in self.parts)
        return None


@dataclass(frozen=True, slots=True)
class Ref(Syntax):
    """A name that refers to something: `fundus`, or dotted, `fundus.classes`."""

    parts: tuple[str, ...]

    @property
    def name(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class Listing(Syntax):
    """`[a, b]` or, with `brackets = "("`, the tuple `(a, b)`. Both mean a sequence."""

    items: tuple[Expr, ...]
    brackets: str = "["


@dataclass(frozen=True, slots=True)
class Group(Syntax):
    """`(a)`: parentheses around one expression."""

    inner: Expr


@dataclass(frozen=True, slots=True)
class Ratio(Syntax):
    """`200 : 3`."""

    parts: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Sum(Syntax):
    """`a + b - c`: the terms and the operator before each term but the first."""

    operators: tuple[str, ...]
    operands: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Product(Syntax):
    """`a * b / c`."""

    operators: tuple[str, ...]
    operands: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Negative(Syntax):
    """`-a`."""

    operand: Expr


@dataclass(frozen=True, slots=True)
class Argument(Syntax):
    """`name = value`, or a bare value with `name` None."""

    name: Ident | None
    value: Expr


@dataclass(frozen=True, slots=True)
class Apply(Syntax):
    """`F(a, k = b)`."""

    function: Ref
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class Repeat(Syntax):
    """`repeat(n, i) { chain }`; the parser accepts any name before the parentheses, the checker only `repeat`."""

    function: Ref
    arguments: tuple[Argument, ...]
    body: Expr


@dataclass(frozen=True, slots=True)
class Range(Syntax):
    """`first .. last` within the brackets of a cut; without `first` from the input on, without `last` to the output."""

    first: Ref | Text | None
    last: Ref | Text | None


@dataclass(frozen=True, slots=True)
class Cut(Syntax):
    """`backbone[layer]`, or a range of layers, `backbone[first .. last]`."""

    base: Ref
    layer: Ref | Text | Range


@dataclass(frozen=True, slots=True)
class Link(Syntax):
    """One step of a chain, with its `as` name."""

    step: Expr
    alias: Ident | None


@dataclass(frozen=True, slots=True)
class Chain(Syntax):
    """`a => F => G as g`: two links or more, or a single one with an alias."""

    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Fork(Syntax):
    """`{ a | b }`."""

    branches: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Hashed(Syntax):
    """`value sha256 "ab12..."`: a file, and which one it must be."""

    value: Expr
    sha256: Text


@dataclass(frozen=True, slots=True)
class Rule(Syntax):
    """`grade >= 2 -> infected`: what is compared, how, with what, and what follows where that is so."""

    left: Expr
    comparison: str
    right: Expr
    result: Expr


@dataclass(frozen=True, slots=True)
class Illegible(Syntax):
    """The value of a setting, or a part of a text, that could not be understood."""


Expr: TypeAlias = (
    Number
    | Percent
    | Quantity
    | Text
    | Ref
    | Listing
    | Group
    | Ratio
    | Sum
    | Product
    | Negative
    | Apply
    | Repeat
    | Cut
    | Chain
    | Fork
    | Hashed
    | Rule
    | Illegible
)


@dataclass(frozen=True, slots=True)
class Setting(Syntax):
    """`key = value` in a block, or `key(part) = value` of a part of the network."""

    key: Ident
    value: Expr
    part: Expr | None = None

    @property
    def head(self) -> Span:
        """All that stands before the `=`, its brackets included."""
        if self.part is None:
            return self.key.span
        text, end = self.span.source.text, self.part.span.end
        closed = text.find(")", end)
        return Span(self.span.source, self.key.span.start, end if closed < 0 else closed + 1)


@dataclass(frozen=True, slots=True)
class Data(Syntax):
    """`data NAME { ... }`."""

    name: Ident
    settings: tuple[Setting, ...]


@dataclass(frozen=True, slots=True)
class Backbone(Syntax):
    """`backbone NAME = source(...)`."""

    name: Ident
    value: Expr


@dataclass(frozen=True, slots=True)
class Parameter(Syntax):
    """A block's parameter; without `default` it must be given."""

    name: Ident
    default: Expr | None


@dataclass(frozen=True, slots=True)
class Block(Syntax):
    """`block NAME(params) = chain`."""

    name: Ident
    parameters: tuple[Parameter, ...]
    value: Expr


@dataclass(frozen=True, slots=True)
class Model(Syntax):
    """`model NAME = chain`."""

    name: Ident
    value: Expr


@dataclass(frozen=True, slots=True)
class Augment(Syntax):
    """`augment NAME = chain`."""

    name: Ident
    value: Expr


@dataclass(frozen=True, slots=True)
class Sampling(Syntax):
    """`sampling NAME = policy(...)`."""

    name: Ident
    value: Expr


@dataclass(frozen=True, slots=True)
class Train(Syntax):
    """`train NAME [from PARENT] { ... }`."""

    name: Ident
    parent: Ident | None
    settings: tuple[Setting, ...]


@dataclass(frozen=True, slots=True)
class Ensemble(Syntax):
    """`ensemble NAME { ... }`."""

    name: Ident
    settings: tuple[Setting, ...]


@dataclass(frozen=True, slots=True)
class Use(Syntax):
    """`use "path.retina"` or `use zoo.inception_bn`."""

    target: Text | Ref


@dataclass(frozen=True, slots=True)
class IllegibleDeclaration(Syntax):
    """A declaration that could not be understood, of which only the name is known."""

    name: Ident


Declaration: TypeAlias = (
    Data | Backbone | Block | Model | Augment | Sampling | Train | Ensemble | Use | IllegibleDeclaration
)


@dataclass(frozen=True, slots=True)
class File:
    """All declarations of one source, in order."""

    source: Source = field(compare=False)
    declarations: tuple[Declaration, ...]


def steps_of(expr: Expr) -> Iterator[Expr]:
    """The steps of a chain one by one, those inside of forks, groups and repeats included; the repeats come first."""
    match expr:
        case Chain(links=links):
            for link in links:
                yield from steps_of(link.step)
        case Group(inner=inner):
            yield from steps_of(inner)
        case Fork(branches=branches):
            for branch in branches:
                yield from steps_of(branch)
        case Repeat(body=body):
            yield expr
            yield from steps_of(body)
        case _:
            yield expr


def names_in(expr: Expr) -> Iterator[str]:
    """Every plain name that an expression refers to, those put into texts included; names of options are none."""
    match expr:
        case Ref(parts=(name,)):
            yield name
        case Text(parts=parts):
            inner: tuple[Expr, ...] = tuple(part for part in parts if not isinstance(part, str))
        case Listing(items=inner) | Ratio(parts=inner) | Fork(branches=inner):
            pass
        case Sum(operands=inner) | Product(operands=inner):
            pass
        case Group(inner=one) | Negative(operand=one) | Hashed(value=one):
            inner = (one,)
        case Apply(arguments=arguments):
            inner = tuple(argument.value for argument in arguments)
        case Rule(left=left, right=right, result=result):
            inner = (left, right, result)
        case Repeat(arguments=arguments, body=body):
            inner = (*(argument.value for argument in arguments), body)
        case Chain(links=links):
            inner = tuple(link.step for link in links)
        case _:
            inner = ()
    for part in () if isinstance(expr, Ref) else inner:
        yield from names_in(part)


def links_of(expr: Expr) -> tuple[Link, ...]:
    """An expression as a chain: a chain's links, anything else as the only link."""
    return expr.links if isinstance(expr, Chain) else (Link(expr.span, expr, None),)

"""What a comparison says: plain frozen data, which `retdsl.ir.to_json` prints.

Every difference has two sides, `a` and `b`. Comparing the other way round gives the same differences with the sides
changed over (`mirrored`). Values stand in the language's own words. Places do not count when differences are compared.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from retdsl.ir import Place
from retdsl.records import dataclass, field, replace

Kind: TypeAlias = Literal["changed", "added", "removed", "replaced", "reordered", "rewired", "renamed"]

Sides: TypeAlias = "tuple[str, str]"


@dataclass(frozen=True, slots=True)
class Change:
    """One option, or with option "" a value as a whole, on both sides; None where a side has no such thing."""

    option: str
    a: str | None
    b: str | None

    def mirrored(self) -> Change:
        return Change(self.option, self.b, self.a)


@dataclass(frozen=True, slots=True)
class Layers:
    """Layers that a difference is about, by their names on each side, in order. `after`, `before`: their neighbours."""

    a: tuple[str, ...] = ()
    b: tuple[str, ...] = ()
    after: Sides = ("", "")
    before: Sides = ("", "")

    def mirrored(self) -> Layers:
        return Layers(self.b, self.a, self.after[::-1], self.before[::-1])


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same.

    key: the key of the language that it belongs to (`optimizer`, `split`), or `network`, `loss`, `weights`, `names`.
    what: the call, step or layer in it that is concerned, "" for the value itself. kind: in a network, `added` and
    `removed` speak of layers, `replaced` of layers in the place of others, `rewired` of a layer that takes other
    values, `renamed` of names alone. layers: the places in the network that it happens at, several where the very same
    happens again and again. place_a, place_b: where the spec says so, of the first one.
    """

    key: str
    what: str
    kind: Kind
    changes: tuple[Change, ...]
    layers: tuple[Layers, ...] = ()
    place_a: Place | None = field(default=None, compare=False)
    place_b: Place | None = field(default=None, compare=False)

    def mirrored(self) -> Difference:
        other: dict[Kind, Kind] = {"added": "removed", "removed": "added"}
        return Difference(
            self.key,
            self.what,
            other.get(self.kind, self.kind),
            tuple(change.mirrored() for change in self.changes),
            tuple(layers.mirrored() for layers in self.layers),
            self.place_b,
            self.place_a,
        )


@dataclass(frozen=True, slots=True)
class Part:
    """Differences that several pairs have alike. pairs: names in a and b. parameters: how many numbers the networks
    learn, frozen ones included, if that changed.
    """

    pairs: tuple[Sides, ...]
    differences: tuple[Difference, ...]
    parameters: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between programs a and b.

    of: what was compared: experiments, or, where neither program has any, its models and data blocks. alike: pairs
    without a difference. only_a, only_b: what the other program has nothing like. renamed: experiments that have
    another name in b, whatever else differs; checkpoints bear the name. same: nothing at all differs.
    """

    a: str
    b: str
    of: Literal["experiments", "declarations"]
    alike: tuple[Sides, ...]
    parts: tuple[Part, ...]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    renamed: tuple[Sides, ...]
    same: bool

    @property
    def count(self) -> int:
        """How many differences there are, each counted once."""
        found = sum(len(part.differences) for part in self.parts)
        return found + len(self.only_a) + len(self.only_b) + len(self.renamed)

    def mirrored(self) -> Comparison:
        return replace(
            self,
            a=self.b,
            b=self.a,
            alike=tuple(pair[::-1] for pair in self.alike),
            parts=tuple(
                Part(
                    tuple(pair[::-1] for pair in part.pairs),
                    tuple(difference.mirrored() for difference in part.differences),
                    part.parameters and part.parameters[::-1],
                )
                for part in self.parts
            ),
            only_a=self.only_b,
            only_b=self.only_a,
            renamed=tuple(pair[::-1] for pair in self.renamed),
        )

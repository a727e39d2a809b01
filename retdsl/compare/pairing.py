"""Two networks beside each other: which layer of one stands for which of the other.

Networks of the same structure are paired along it, whatever their layers are called. Else layers are paired by the
names that somebody gave them; then those with the same computation from the input up to them, and those from them to
the output; and what remains between paired layers by kind and order. Names that were only counted (`conv3`) say
nothing, since one layer more shifts them all.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass
from itertools import count

from retdsl.compare.align import align
from retdsl.compare.meaning import computation, swaps
from retdsl.ir import Network, Node
from retdsl.schema.lookup import find_node

ALIKE = 0.5
"""The share of a changed stretch that must have its like on the other side; else it is another stretch as a whole."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """Names of layers in a with their likes in b, in the order of a. same: nothing but names can differ."""

    pairs: dict[str, str]
    same: bool


def pair_layers(a: Network, b: Network) -> Pairing:
    """Which layers stand for which."""
    numbers = _Numbers()
    sides = _Side(a, numbers), _Side(b, numbers)
    walked = _walk(*sides)
    if walked is not None:
        return Pairing(_ordered(walked, a), True)
    pairs: dict[str, str] = {}
    named = {node.name for node in b.nodes if not automatic(node)}
    pairs.update((node.name, node.name) for node in a.nodes if node.name in named and not automatic(node))
    for digests in (sides[0].above, sides[1].above), (sides[0].below, sides[1].below):
        _pair_equal(a, b, *digests, pairs)
    _pair_between(a, b, pairs)
    return Pairing(_ordered(pairs, a), False)


def is_part_of(part: Network, whole: Network) -> bool:
    """Whether a network is the beginning of a larger one."""
    numbers = _Numbers()
    side, other = _Side(part, numbers), _Side(whole, numbers)
    larger = whole.loss is not None or len(whole.nodes) > len(part.nodes)
    return larger and side.above[part.output] in other.above.values()


def automatic(node: Node) -> bool:
    """Whether a layer's name is, or might as well be, its kind and a number."""
    layer = find_node(node.op)
    if layer is None:
        return False
    prefix = layer.prefix.format(**{key: str(value) for key, value in computation(node)[1]})
    return re.fullmatch(re.escape(prefix) + r"\d+", node.name) is not None


class _Numbers:
    """A number for everything that can be told apart, the same for equal things."""

    def __init__(self) -> None:
        self._found: dict[Hashable, int] = {}
        self._next = count()

    def __call__(self, thing: Hashable) -> int:
        return self._found.setdefault(thing, next(self._next))


class _Side:
    """A network and, of each layer by name, what it computes: `own`, from the input on (`above`), to the output on."""

    def __init__(self, network: Network, numbers: _Numbers) -> None:
        self.network = network
        self.nodes = {node.name: node for node in network.nodes}
        self.own = {node.name: numbers(computation(node)) for node in network.nodes}
        self.above = {network.input: numbers("input")}
        for node in network.nodes:
            taken = [self.above[name] for name in node.inputs]
            self.above[node.name] = numbers((self.own[node.name], *(sorted(taken) if swaps(node) else taken)))
        takers: dict[str, list[int]] = defaultdict(list)
        self.below: dict[str, int] = {}
        for node in reversed(network.nodes):
            given = (node.name == network.output, *sorted(takers[node.name]))
            self.below[node.name] = numbers((self.own[node.name], "to", *given))
            for at, name in enumerate(node.inputs):
                takers[name].append(numbers((self.below[node.name], 0 if swaps(node) else at)))


def _walk(a: _Side, b: _Side) -> dict[str, str] | None:
    """The layers of two networks pair by pair, from the output up; None where the structure is not the same."""
    pairs = {a.network.input: b.network.input}
    back = {b.network.input: a.network.input}
    ways = [(a.network.output, b.network.output)]
    while ways:
        x, y = ways.pop()
        if pairs.get(x) == y:
            continue
        if x in pairs or y in back or a.above[x] != b.above[y]:
            return None
        pairs[x], back[y] = y, x
        node, other = a.nodes[x], b.nodes[y]
        inputs = list(other.inputs)
        if swaps(node) and _crossed(a, b, node, other):
            inputs.reverse()
        ways += zip(node.inputs, inputs, strict=True)
    del pairs[a.network.input]
    return pairs


def _crossed(a: _Side, b: _Side, node: Node, other: Node) -> bool:
    """Whether the first input of a layer is the second one of the other."""
    (first, second), (one, two) = node.inputs, other.inputs
    if a.above[first] != a.above[second]:
        return a.above[first] != b.above[one]
    return (first, second) == (two, one)


def _pair_equal(a: Network, b: Network, in_a: dict[str, int], in_b: dict[str, int], pairs: dict[str, str]) -> None:
    """Pairs what is left with equal numbers: those of one name first, others in their order."""
    taken = set(pairs.values())
    free: dict[int, list[str]] = defaultdict(list)
    for node in b.nodes:
        if node.name not in taken:
            free[in_b[node.name]].append(node.name)
    rest = [node.name for node in a.nodes if node.name not in pairs]
    for name in rest:
        if name in free[in_a[name]]:
            pairs[name] = name
            free[in_a[name]].remove(name)
    for name in rest:
        if name not in pairs and free[in_a[name]]:
            pairs[name] = free[in_a[name]].pop(0)


def _pair_between(a: Network, b: Network, pairs: dict[str, str]) -> None:
    """Pairs what is left behind the same paired layer, if enough of it has its like."""
    back = {y: x for x, y in pairs.items()}
    in_a = _stretches(a, {name: name for name in pairs})
    in_b = _stretches(b, back)
    for start, stretch in in_a.items():
        other = in_b.get(start, [])
        if [node.op for node in stretch] == [node.op for node in other]:
            found = list(zip(stretch, other, strict=True))
        else:
            aligned = align(stretch, other, computation, lambda node: node.op)
            found = [(stretch[i], other[j]) for i, j in aligned]
        if len(found) >= ALIKE * max(len(stretch), len(other)):
            pairs.update((x.name, y.name) for x, y in found)


def _stretches(network: Network, anchors: dict[str, str]) -> dict[str, list[Node]]:
    """Runs of layers without a pair, by the anchor that goes before."""
    found: dict[str, list[Node]] = defaultdict(list)
    last = ""
    for node in network.nodes:
        if node.name in anchors:
            last = anchors[node.name]
        else:
            found[last].append(node)
    return found


def _ordered(pairs: dict[str, str], a: Network) -> dict[str, str]:
    return {node.name: pairs[node.name] for node in a.nodes if node.name in pairs}

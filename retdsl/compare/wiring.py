"""What layers take: whether two that stand for one another get the same, but for layers that came or went."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from retdsl.compare.meaning import COMMUTATIVE
from retdsl.compare.pairing import Pairing
from retdsl.ir import Network, Node


def rewired(a: Network, b: Network, pairing: Pairing) -> Iterator[tuple[Node, Node]]:
    """The pairs that take other values, where layers without a pair do not explain it."""
    there = {a.input: b.input, **pairing.pairs}
    before_a, before_b = _Before(a, there.keys()), _Before(b, there.values())
    for name, other in pairing.pairs.items():
        x, y = before_a.nodes[name], before_b.nodes[other]
        taken = [
            (None if source is None else there.get(source), None if through is None else there[through])
            for source, through in before_a(x)
        ]
        if not _same(taken, before_b(y), x.op in COMMUTATIVE and len(x.inputs) == 2):
            yield x, y


class _Before:
    """Of a layer's inputs, in order: each one if it has a pair, and the paired layer that it comes from.

    The second is found by going up through layers without a pair; it is None where these join several values.
    """

    def __init__(self, network: Network, paired: Collection[str]) -> None:
        self.nodes = {node.name: node for node in network.nodes}
        self._paired = paired

    def __call__(self, node: Node) -> list[tuple[str | None, str | None]]:
        return [(name if name in self._paired else None, self._through(name)) for name in node.inputs]

    def _through(self, name: str) -> str | None:
        while name not in self._paired:
            if len(self.nodes[name].inputs) != 1:
                return None
            name = self.nodes[name].inputs[0]
        return name


def _same(a: list[tuple[str | None, str | None]], b: list[tuple[str | None, str | None]], either_way: bool) -> bool:
    through_a, through_b = [through for _, through in a], [through for _, through in b]
    if len(a) == len(b) and None not in (*through_a, *through_b):
        return through_a == through_b or (either_way and through_a == through_b[::-1])
    direct_a, direct_b = {name for name, _ in a if name}, {name for name, _ in b if name}
    return direct_a <= set(through_b) and direct_b <= set(through_a)

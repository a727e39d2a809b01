"""What layers take: whether two that stand for one another get the same, but for layers that came or went."""

from __future__ import annotations

from collections.abc import Iterator, Set

from retdsl.compare.meaning import swaps
from retdsl.compare.pairing import Pairing
from retdsl.ir import Network, Node


def rewired(a: Network, b: Network, pairing: Pairing) -> Iterator[tuple[Node, Node]]:
    """The pairs that take other values, where layers without a pair do not explain it."""
    there = {a.input: b.input, **pairing.pairs}
    before_a, before_b = _Before(a, set(there)), _Before(b, set(there.values()))
    for name, other in pairing.pairs.items():
        x, y = before_a.nodes[name], before_b.nodes[other]
        origins = [frozenset(there[source] for source in before_a.origins(taken)) for taken in x.inputs]
        direct = [there[taken] for taken in x.inputs if taken in there]
        others = [before_b.origins(taken) for taken in y.inputs]
        direct_others = [taken for taken in y.inputs if taken in before_b.paired]
        plain = len(direct) == len(x.inputs) and len(direct_others) == len(y.inputs)
        single = len(x.inputs) == len(y.inputs) and all(len(origin) == 1 for origin in (*origins, *others))
        if plain or single:
            same = origins == others or (swaps(x) and origins == others[::-1])
        else:
            same = frozenset().union(*others) >= set(direct) and frozenset().union(*origins) >= set(direct_others)
        if not same:
            yield x, y


class _Before:
    """Which paired layers a value comes from, seen through those that have no pair."""

    def __init__(self, network: Network, paired: Set[str]) -> None:
        self.nodes = {node.name: node for node in network.nodes}
        self.paired = paired
        self._origins: dict[str, frozenset[str]] = {}
        for node in network.nodes:
            if node.name not in paired:
                self._origins[node.name] = frozenset().union(*(self.origins(name) for name in node.inputs))

    def origins(self, name: str) -> frozenset[str]:
        return frozenset((name,)) if name in self.paired else self._origins[name]

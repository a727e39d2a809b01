"""Folds the layers of a network into as few boxes as a person wants to see.

Enters: a network. Leaves: units in topological order, each a contiguous run of the network's nodes, so that a graph of
units has no cycle. Layers written through one block become one unit; if these are still too many, coarser and coarser
levels are tried: a convolution with its BatchNorm and activation, like blocks of one shape, like blocks of one spatial
size, unlike blocks of one shape, everything of one spatial size, everything.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from retdsl.ir import Network, Node, Shape
from retdsl.viz.words import size

LIMIT = 12
"""How many boxes a folded part of a network may have before a coarser level is tried."""

_AFTER_CONVOLUTION = frozenset({"BatchNorm", "Activation", "LeakyReLU", "ReLU6", "clip"})


Part: TypeAlias = "tuple[str | None, bool]"


@dataclass(frozen=True, slots=True)
class Unit:
    """Neighbouring nodes drawn as one box.

    blocks: those that the nodes were written through, as `(kind, name)`; the name may be empty. A layer that stands
    among blocks counts as one, by its op. Empty for a single layer or a convolution with what belongs to it.
    stage: "stage" for everything of one spatial size, "stages" for everything of several, else "".
    """

    nodes: tuple[Node, ...]
    blocks: tuple[tuple[str, str], ...] = ()
    stage: str = ""

    @property
    def shape(self) -> Shape | None:
        return self.nodes[-1].shape

    @property
    def part(self) -> Part:
        """What never folds together with anything else: the backbone's name and whether it is frozen."""
        return self.nodes[0].backbone, self.nodes[0].frozen

    @property
    def kinds(self) -> set[str]:
        return {kind for kind, _ in self.blocks}


def block_paths(network: Network) -> dict[str, tuple[str, ...]]:
    """Each node's path without the blocks that all nodes of its backbone share, by the node's name."""
    members: dict[str | None, list[Node]] = defaultdict(list)
    for node in network.nodes:
        members[node.backbone].append(node)
    shared = {backbone: _common([node.path for node in nodes]) for backbone, nodes in members.items()}
    return {node.name: node.path[shared[node.backbone] :] for node in network.nodes}


def fold(network: Network, limit: int = LIMIT) -> tuple[Unit, ...]:
    """The network's units at the finest level at which every backbone has at most `limit` of them.

    What belongs to no backbone folds in the same way, on its own.
    """
    units = list(_blocks(network))
    tied = (_same_convolution, _like_of_one_shape, _like_of_one_size, _any_of_one_shape)
    for join in (*tied, _stage, _everything):
        counts = Counter(unit.part for unit in units)
        if max(counts.values(), default=0) <= limit:
            break
        crowded = {part for part, count in counts.items() if count > limit}
        units = _joined(units, join, crowded, Links(network) if join in tied else None)
    return tuple(units)


def _blocks(network: Network) -> Iterator[Unit]:
    """Runs of nodes with one outermost block; every other node on its own."""
    paths = block_paths(network)
    run: list[Node] = []
    for node in network.nodes:
        path = paths[node.name]
        if run and not (
            path and paths[run[0].name][:1] == path[:1] and (node.backbone, node.frozen) == Unit(tuple(run)).part
        ):
            yield _block(run, paths)
            run = []
        run.append(node)
    if run:
        yield _block(run, paths)


def _block(run: list[Node], paths: dict[str, tuple[str, ...]]) -> Unit:
    path = paths[run[0].name]
    if len(run) == 1 or not path:
        return Unit(tuple(run))
    kind, _, name = path[0].partition("(")
    return Unit(tuple(run), ((kind, name.removesuffix(")")),))


class Links:
    """Which nodes take a node's value."""

    def __init__(self, network: Network) -> None:
        self._takers: dict[str, set[str]] = defaultdict(set)
        for node in network.nodes:
            for name in node.inputs:
                self._takers[name].add(node.name)

    def only(self, a: Unit, b: Unit) -> bool:
        """Whether `b` takes nothing but the last value of `a`, and nothing else takes anything from `a`."""
        in_a, in_b = {node.name for node in a.nodes}, {node.name for node in b.nodes}
        last = a.nodes[-1].name
        return (
            self._takers[last] <= in_b
            and all(self._takers[name] <= in_a for name in in_a - {last})
            and all(name == last or name in in_b for node in b.nodes for name in node.inputs)
        )


def _joined(
    units: Sequence[Unit],
    join: Callable[[Unit, Unit], Unit | None],
    crowded: set[Part],
    links: Links | None,
) -> list[Unit]:
    """Units with neighbours joined where `join` gives their union and, given `links`, one value alone ties them.

    Units are runs of a topological order, so joining neighbours never makes a cycle, whatever passes between them.
    """
    result: list[Unit] = []
    for unit in units:
        if result and result[-1].part == unit.part and unit.part in crowded:
            union = join(result[-1], unit)
            if union is not None and (links is None or links.only(result[-1], unit)):
                result[-1] = union
                continue
        result.append(unit)
    return result


def _same_convolution(a: Unit, b: Unit) -> Unit | None:
    starts = not a.blocks and a.nodes[0].op in ("Convolution", "FullyConnected")
    return Unit(a.nodes + b.nodes) if starts and not b.blocks and b.nodes[0].op in _AFTER_CONVOLUTION else None


def _like_of_one_shape(a: Unit, b: Unit) -> Unit | None:
    return _union(a, b) if a.kinds == b.kinds != set() and a.shape == b.shape else None


def _like_of_one_size(a: Unit, b: Unit) -> Unit | None:
    return _union(a, b) if a.kinds == b.kinds != set() and size(a.shape) == size(b.shape) else None


def _any_of_one_shape(a: Unit, b: Unit) -> Unit | None:
    return _union(a, b) if a.kinds | b.kinds and a.shape == b.shape else None


def _stage(a: Unit, b: Unit) -> Unit | None:
    return Unit(a.nodes + b.nodes, (), "stage") if size(a.shape) == size(b.shape) else None


def _everything(a: Unit, b: Unit) -> Unit | None:
    return Unit(a.nodes + b.nodes, (), "stages")


def _union(a: Unit, b: Unit) -> Unit:
    blocks = [block for unit in (a, b) for block in unit.blocks or ((unit.nodes[0].op, ""),)]
    return Unit(a.nodes + b.nodes, tuple(blocks))


def _common(paths: Sequence[tuple[str, ...]]) -> int:
    """How many leading elements all the paths share."""
    shared = 0
    for column in zip(*paths, strict=False):
        if len(set(column)) > 1:
            break
        shared += 1
    return shared

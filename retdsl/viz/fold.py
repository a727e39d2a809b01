"""Folds the layers of a network into as few boxes as a person wants to see.

Enters: a network. Leaves: units in topological order, each a contiguous run of the network's nodes, so that a graph of
units has no cycle. Layers written through one block become one unit; if these are still too many, coarser and coarser
levels are tried: a convolution with its BatchNorm and activation, like blocks of one shape, like blocks of one spatial
size, unlike blocks of one shape, everything of one spatial size, everything.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import TypeAlias

from retdsl.ir import Network, Node, Shape
from retdsl.outline import Path, outline
from retdsl.records import dataclass
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
    inner: of a block that is a stage of others, the kinds of these.
    stage: "stage" for everything of one spatial size, "stages" for everything of several, else "".
    """

    nodes: tuple[Node, ...]
    blocks: tuple[tuple[str, str], ...] = ()
    inner: tuple[str, ...] = ()
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
    parts = outline(network)
    run: list[Node] = []
    for node in network.nodes:
        part = parts[node.name]
        if run and not (
            part and parts[run[0].name][:1] == part[:1] and (node.backbone, node.frozen) == Unit(tuple(run)).part
        ):
            yield _block(run, parts)
            run = []
        run.append(node)
    if run:
        yield _block(run, parts)


def _block(run: list[Node], parts: dict[str, Path]) -> Unit:
    part = parts[run[0].name]
    if len(run) == 1 or not part:
        return Unit(tuple(run))
    kind, _, name = part[0].removesuffix(")").partition("(")
    if name.isdigit() and not all(name in node.name for node in run):
        name = ""  # only the number of the block's use, which tells a reader nothing
    inner = (parts[node.name][1] for node in run if len(parts[node.name]) > 1)
    kinds = tuple(block.partition("(")[0] for block, _ in groupby(inner))
    return Unit(tuple(run), ((kind, name),), kinds)


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
    return Unit(a.nodes + b.nodes, stage="stage") if size(a.shape) == size(b.shape) else None


def _everything(a: Unit, b: Unit) -> Unit | None:
    return Unit(a.nodes + b.nodes, stage="stages")


def _union(a: Unit, b: Unit) -> Unit:
    blocks = [block for unit in (a, b) for block in unit.blocks or ((unit.nodes[0].op, ""),)]
    return Unit(a.nodes + b.nodes, tuple(blocks))

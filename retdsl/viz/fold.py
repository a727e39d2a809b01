"""Folds the layers of a network into as few boxes as a person wants to see.

Enters: a network. Leaves: units in topological order, each a contiguous run of the network's nodes, so that a graph of
units has no cycle. Layers written through one block become one unit; if these are still too many, coarser and coarser
levels are tried: a convolution with its BatchNorm and activation, like blocks of one shape, like blocks of one spatial
size, everything of one spatial size, everything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from retdsl.ir import Network, Node, Shape
from retdsl.viz.graph import cuts
from retdsl.viz.words import size

LIMIT = 12
"""How many boxes a folded part of a network may have before a coarser level is tried."""

_AFTER_CONVOLUTION = frozenset({"BatchNorm", "Activation", "LeakyReLU", "ReLU6", "clip"})


@dataclass(frozen=True, slots=True)
class Unit:
    """Neighbouring nodes drawn as one box.

    kind: the block that they were written through ("mbconv"), "stage" for layers of one spatial size, "" for a single
    layer or a convolution with what belongs to it; names: of the blocks inside ("blocks_3", ...).
    """

    nodes: tuple[Node, ...]
    kind: str = ""
    names: tuple[str, ...] = ()

    @property
    def shape(self) -> Shape | None:
        return self.nodes[-1].shape

    @property
    def part(self) -> tuple[str | None, bool]:
        """What never folds together with anything else: the backbone's name and whether it is frozen."""
        return self.nodes[0].backbone, self.nodes[0].frozen


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
    order = [node.name for node in network.nodes]
    edges = [(tail, node.name) for node in network.nodes for tail in node.inputs if tail != network.input]
    hanging = {order[i] for i in cuts(order, edges)}
    units = list(_blocks(network))
    for join in (_same_convolution, _same_shape, _same_size, _same_stage, _anything):
        counts: dict[tuple[str | None, bool], int] = defaultdict(int)
        for unit in units:
            counts[unit.part] += 1
        if max(counts.values(), default=0) <= limit:
            break
        crowded = {part for part, count in counts.items() if count > limit}
        units = _joined(units, join, hanging, crowded)
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
    return Unit(tuple(run), kind, (name.rstrip(")"),) if name else ())


def _joined(
    units: Sequence[Unit],
    join: Callable[[Unit, Unit], Unit | None],
    hanging: set[str],
    crowded: set[tuple[str | None, bool]],
) -> list[Unit]:
    """Units with neighbours joined where `join` gives their union and nothing but one value passes between them."""
    result: list[Unit] = []
    for unit in units:
        last = result[-1] if result else None
        if last and last.part == unit.part and unit.part in crowded and last.nodes[-1].name in hanging:
            union = join(last, unit)
            if union is not None:
                result[-1] = union
                continue
        result.append(unit)
    return result


def _same_convolution(a: Unit, b: Unit) -> Unit | None:
    if a.kind or b.kind or a.nodes[0].op not in ("Convolution", "FullyConnected") or b.nodes[0].op not in _AFTER_CONVOLUTION:
        return None
    return Unit(a.nodes + b.nodes)


def _same_shape(a: Unit, b: Unit) -> Unit | None:
    return Unit(a.nodes + b.nodes, a.kind, a.names + b.names) if a.kind and a.kind == b.kind and a.shape == b.shape else None


def _same_size(a: Unit, b: Unit) -> Unit | None:
    alike = a.kind and a.kind == b.kind and size(a.shape) == size(b.shape)
    return Unit(a.nodes + b.nodes, a.kind, a.names + b.names) if alike else None


def _same_stage(a: Unit, b: Unit) -> Unit | None:
    return Unit(a.nodes + b.nodes, "stage", a.names + b.names) if size(a.shape) == size(b.shape) else None


def _anything(a: Unit, b: Unit) -> Unit | None:
    return Unit(a.nodes + b.nodes, "stages", a.names + b.names)


def _common(paths: Sequence[tuple[str, ...]]) -> int:
    """How many leading elements all the paths share."""
    shared = 0
    for column in zip(*paths, strict=False):
        if len(set(column)) > 1:
            break
        shared += 1
    return shared

"""Where a network is cut into pieces: what only ever predicts, what is trained from a later epoch on, what is trained.

In each phase of training a layer only predicts if everything before it does and it cannot change: it is frozen, or it
neither learns nor draws random numbers. Outside of a frozen backbone a Dropout thus belongs to the trained part, even
before the first layer that learns. From phase to phase fewer layers only predict; the pieces lie between these bounds.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from itertools import pairwise

from retdsl.ir import Freeze, Network, Node
from retdsl.records import dataclass
from retdsl.schema.lookup import find_node


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the network, in topological order.

    takes: the values that it starts from, the network's input or what the piece before gives on; gives: the values that
    the rest of the network takes, of the last piece the scores. from_epoch: the first epoch in which gradients are
    computed in it; None if there is none.
    """

    nodes: tuple[Node, ...]
    takes: tuple[str, ...]
    gives: tuple[str, ...]
    from_epoch: int | None


def cut_into_pieces(network: Network, phases: Sequence[Freeze]) -> tuple[Piece, ...]:
    """The pieces from the input to the scores. The last is trained from epoch 1 on; the lower a piece, the later."""
    predicting = [only_predicts(network, frozenset(phase.nodes)) for phase in phases]
    bounds: list[tuple[int | None, Set[str]]] = [(None, predicting[-1])]
    for (still, _), (_, phase) in reversed([*pairwise(zip(predicting, phases, strict=True))]):
        bounds.append((phase.from_epoch, still))
    bounds.append((1, {node.name for node in network.nodes}))
    pieces: list[Piece] = []
    takes: tuple[str, ...] = (network.input,)
    below: Set[str] = frozenset()
    for from_epoch, bound in bounds:
        if bound == below:
            continue
        taken = {source for node in network.nodes if node.name not in bound for source in node.inputs}
        nodes = tuple(node for node in network.nodes if node.name in bound and node.name not in below)
        gives = tuple(node.name for node in network.nodes if node.name in bound and node.name in taken)
        pieces.append(Piece(nodes, takes, gives or (network.output,), from_epoch))
        takes, below = gives, bound
    return tuple(pieces)


def only_predicts(network: Network, frozen: Set[str]) -> frozenset[str]:
    """The layers that training cannot change while those called `frozen` are; none if there is no place to cut."""
    if not frozen:
        return frozenset()
    still = {network.input}
    for node in network.nodes:
        if (node.name in frozen or _is_inert(node)) and all(source in still for source in node.inputs):
            still.add(node.name)
    if any(network.input in node.inputs for node in network.nodes if node.name not in still):
        return frozenset()  # something trained looks at the image itself
    return frozenset(still - {network.input})


def _is_inert(node: Node) -> bool:
    """Whether training cannot change what a layer does. Behind a value of unknown shape parameters are not known."""
    layer = find_node(node.op)
    if layer is None or layer.stochastic or node.parameters:
        return False
    return node.shape is not None or not layer.learns

"""Where a network is cut in two: what only ever predicts, and what is trained.

A layer belongs to the frozen part if everything before it does and it cannot change in training: it is frozen, or it
neither learns nor draws random numbers. Outside of a frozen backbone a Dropout thus belongs to the trained part, even
before the first layer that learns.
"""

from __future__ import annotations

from dataclasses import dataclass

from retdsl.ir import Network, Node
from retdsl.schema.lookup import find_node


@dataclass(frozen=True, slots=True)
class Parts:
    """The two parts in topological order; `cuts` are the nodes of the frozen part that the trained part takes."""

    frozen: tuple[Node, ...]
    trained: tuple[Node, ...]
    cuts: tuple[str, ...]


def split_at_freeze(network: Network) -> Parts:
    """The frozen and the trained part of a network. Without a frozen layer everything is the trained part."""
    if not any(node.frozen for node in network.nodes):
        return Parts((), network.nodes, ())
    still = {network.input}
    for node in network.nodes:
        if (node.frozen or _is_inert(node)) and all(source in still for source in node.inputs):
            still.add(node.name)
    frozen = tuple(node for node in network.nodes if node.name in still)
    trained = tuple(node for node in network.nodes if node.name not in still)
    taken = {source for node in trained for source in node.inputs}
    if network.input in taken:  # something trained looks at the image itself: there is no place to cut
        return Parts((), network.nodes, ())
    return Parts(frozen, trained, tuple(node.name for node in frozen if node.name in taken))


def _is_inert(node: Node) -> bool:
    """Whether training cannot change what a layer does. Behind a value of unknown shape parameters are not known."""
    layer = find_node(node.op)
    if layer is None or layer.stochastic or node.parameters:
        return False
    return node.shape is not None or not layer.learns

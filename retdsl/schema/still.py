"""Which layers of a network training leaves as they are, and which do nothing where it only predicts.

Enters: a network of the checked program. Leaves: names of its nodes. Guaranteed: of an operator that the schema knows
nothing of, the worst is assumed.
"""

from __future__ import annotations

from collections.abc import Mapping, Set

from retdsl.ir import Network, Node, Shape
from retdsl.schema.lookup import find_node

_PASS_ON = ("_copy", "BlockGrad", "_contrib_gradientmultiplier")
"""Operators that give what they take, and are there for the gradient's sake, or for nobody's."""

_SAME_VALUES = ("Flatten", "Reshape", "reshape", "Concat")
"""Operators that give what they take if its shape stays the same; `Concat`, if it is only one value."""


def only_predicts(network: Network, frozen: Set[str]) -> frozenset[str]:
    """The layers that training cannot change while those called `frozen` are; none if there is no place to cut.

    A layer only predicts if everything before it does and it cannot change: it is frozen, or it neither learns nor
    draws random numbers. Outside of a frozen backbone a Dropout thus belongs to what is trained, even before the first
    layer that learns.
    """
    if not frozen:
        return frozenset()
    still = {network.input}
    for node in network.nodes:
        if (node.name in frozen or _is_inert(node)) and all(source in still for source in node.inputs):
            still.add(node.name)
    if any(network.input in node.inputs for node in network.nodes if node.name not in still):
        return frozenset()  # something trained looks at the image itself
    return frozenset(still - {network.input})


def draws(node: Node) -> bool:
    """Whether a layer draws random numbers in training."""
    layer = find_node(node.op)
    return layer is not None and layer.stochastic


def is_idle(node: Node, shapes: Mapping[str, Shape | None]) -> bool:
    """Whether a layer gives just what it takes where the network only predicts. shapes: of the values it may take."""
    layer = find_node(node.op)
    if layer is None or len(node.inputs) != 1:
        return False
    if layer.operator == "Dropout":
        return dict(node.options).get("mode", "training") == "training"
    stays = node.shape is not None and shapes.get(node.inputs[0]) == node.shape
    return layer.operator in _PASS_ON or (layer.operator in _SAME_VALUES and stays)


def _is_inert(node: Node) -> bool:
    """Whether training cannot change what a layer does. Behind a value of unknown shape parameters are not known."""
    layer = find_node(node.op)
    if layer is None or layer.stochastic or node.parameters:
        return False
    return node.shape is not None or not layer.learns

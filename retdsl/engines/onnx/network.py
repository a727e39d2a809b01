"""A checked network to a graph of ONNX operators, from its input to the probabilities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from retdsl.engines.onnx.graph import Graph, Refused, Step
from retdsl.engines.onnx.layers import lowering_of
from retdsl.ir import Loss, Network, Node, Shape
from retdsl.schema.lookup import find_node
from retdsl.schema.model import REQUIRED, parameter_names

_HEADS = {"Sigmoid": "Sigmoid"}
"""Loss heads whose probabilities are not those of a softmax over the classes."""


def graph_of(network: Network) -> Graph:
    """The whole network. Every layer's value bears its name, and the probabilities [N, C] that of the loss head.

    Raises Refused, with the name of the layer, where something cannot be said in ONNX.
    """
    shapes: dict[str, Shape | None] = {network.input: network.input_shape}
    graph = Graph(set(_names(network)))
    for node in network.nodes:
        try:
            value = lowered(graph, node, [shapes.get(source) for source in node.inputs])
        except Refused as why:
            raise Refused(f"`{node.name}` ({node.op}): {why}") from None
        graph.finish(node.name, value)
        shapes[node.name] = node.shape
    loss = network.loss
    if loss is not None:
        graph.finish(loss.name, _probabilities(graph, loss))
    return graph


def lowered(graph: Graph, node: Node, shapes: list[Shape | None]) -> str:
    """Adds one layer to a graph; gives the name of its value. shapes: of its inputs. Raises Refused."""
    layer = find_node(node.op)
    lowering = lowering_of(layer)
    known = [shape for shape in shapes if shape is not None]
    if layer is None or node.shape is None or len(known) < len(shapes):
        raise Refused("the shapes around it are not known")
    options = {option.name: option.default for option in layer.entry.options if option.default is not REQUIRED}
    given = {**options, **dict(node.options)}
    roles = parameter_names(layer, given)
    parameters = {role: parameter.name for role, parameter in zip(roles, node.parameters, strict=True)}
    return lowering(graph, Step(node, given, node.inputs, tuple(known), node.shape, parameters))


def _probabilities(graph: Graph, loss: Loss) -> str:
    """What the head says of the scores, as a network in use needs it: no label, no class weights."""
    if loss.kind in _HEADS:
        return graph.add(_HEADS[loss.kind], loss.logits)
    return graph.add("Softmax", loss.logits, axis=-1)


def _names(network: Network) -> Iterator[str]:
    """Every name that the network gives a value. Raises Refused for one that it gives twice."""
    names = [network.input, *(node.name for node in network.nodes)]
    names += [network.loss.name] if network.loss is not None else []
    names += sorted({parameter.name for _, parameter in network.parameters()})
    for name, count in Counter(names).items():
        if count > 1:
            raise Refused(f"`{name}` is the name of two values")
        yield name

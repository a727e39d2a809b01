"""How much there is to compute in a network: multiplications whose products are summed up, one image's worth.

Enters: an experiment. Leaves: its `Work`, in multiply-adds. Guaranteed: what is counted is what convolutions and fully
connected layers multiply, as the literature counts; additions of biases, BatchNorm, pooling and activations are not,
nor layers of unknown shape.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from math import prod

from retdsl.ir import Experiment, Network, Node, Shape
from retdsl.records import dataclass


@dataclass(frozen=True, slots=True)
class Work:
    """Multiply-adds an image. forward: of the part in which nothing is trained; step: of the rest, forwards and
    backwards; answer: of the whole network, forwards.
    """

    forward: int
    step: int
    answer: int


def work(experiment: Experiment) -> Work:
    """What an image costs while the experiment's first phase lasts.

    Backwards a layer multiplies as often as forwards for the gradient of its weights, if it learns, and once more for
    that of its input, if something below it learns.
    """
    network, frozen = experiment.network, frozenset(experiment.phases[0].nodes)
    each = multiply_adds(network)
    learns = {node.name for node in network.nodes if node.parameters and node.name not in frozen}
    above = _above(network, learns)
    forward = step = 0
    for node in network.nodes:
        below_learns = any(source in above for source in node.inputs)
        if node.name not in above:
            forward += each[node.name]
        else:
            step += each[node.name] * (1 + (node.name in learns) + below_learns)
    return Work(forward, step, sum(each.values()))


def multiply_adds(network: Network) -> dict[str, int]:
    """Those of every node, by its name."""
    shapes: dict[str, Shape | None] = {node.name: node.shape for node in network.nodes}
    shapes[network.input] = network.input_shape
    return {node.name: _of_node(node, shapes) for node in network.nodes}


def _of_node(node: Node, shapes: Mapping[str, Shape | None]) -> int:
    """Every weight is multiplied once at every place: of the output, or where a layer spreads its input, of that."""
    weight = next((p.shape for p in node.parameters if p.name.endswith("weight")), None)
    places = shapes.get(node.inputs[0]) if node.op == "Deconvolution" and node.inputs else node.shape
    if weight is None or places is None:
        return 0
    match node.op:
        case "Convolution" | "Deconvolution":
            return _size(weight) * _size(places[2:])
        case "FullyConnected":
            return _size(weight) * _size(places[1:-1])
        case _:
            return 0


def _size(shape: Iterable[int | None]) -> int:
    return prod(length or 1 for length in shape)


def _above(network: Network, learns: Set[str]) -> set[str]:
    """The nodes that learn, and all that depend on them."""
    found = set(learns)
    for node in network.nodes:
        if any(source in found for source in node.inputs):
            found.add(node.name)
    return found

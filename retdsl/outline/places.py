"""Where a backbone is best cut: those of its waists that have finished features.

Enters: a network. Leaves: for each waist what it is worth as a cut. A place to cut is the last layer of a part, or one
before or behind a pooling. It is none if the layer behind it only finishes it (a convolution whose BatchNorm follows),
if it changes nothing itself (Dropout, Flatten), or if what it gives are scores. The last place before the picture
shrinks is the end of a stage.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Literal, TypeAlias

from retdsl.ir import Network, Node
from retdsl.outline.names import FINISHING, head
from retdsl.outline.parts import outline
from retdsl.outline.waists import waists

Worth: TypeAlias = Literal["stage", "place", "waist"]
"""The end of a stage, a place to cut, and a waist that is neither."""

_CHANGES_NOTHING = frozenset({"Dropout", "Flatten", "Reshape", "identity", "BlockGrad"})

SHRUNK = 1.5
"""By how much the height of a picture goes down from one stage to the next, at least."""


def places(network: Network) -> dict[str, Worth]:
    """What every waist of a network is worth as a cut, by name, in order. The output is a waist: it cuts nothing."""
    found: dict[str, Worth] = dict.fromkeys(waists(network), "waist")
    parts = outline(network)
    first, last = _features(network, found)
    behind_body = {node.name for node in network.nodes[head(network.nodes, found) :]}
    takers: dict[str, list[Node]] = defaultdict(list)
    for node in network.nodes:
        for name in node.inputs:
            takers[name].append(node)

    def finished(node: Node) -> bool:
        behind = takers[node.name]
        goes_on = len(behind) == 1 and behind[0].op in FINISHING and parts[behind[0].name] in (parts[node.name], ())
        return not goes_on and node.op not in _CHANGES_NOTHING

    def ends(node: Node) -> bool:
        part, behind = parts[node.name], takers[node.name]
        return (
            not part
            or node.name in behind_body
            or node.op == "Pooling"
            or any(taker.op == "Pooling" or parts[taker.name] != part for taker in behind)
        )

    good = [node for node in network.nodes[first:last] if node.name in found and finished(node) and ends(node)]
    found |= dict.fromkeys((node.name for node in good), "place")
    found |= dict.fromkeys((stage[-1].name for stage in _stages(good)), "stage")
    return found


def _features(network: Network, waists: Collection[str]) -> tuple[int, int]:
    """From where to where in the order the nodes give features: from the first layer that mixes pixels to the output,
    or to the layer that makes scores, if the last one that mixes does. BatchNorm never follows such a one.
    """
    nodes = network.nodes
    mixing = [i for i, node in enumerate(nodes) if node.op in ("Convolution", "FullyConnected")]
    if not mixing:
        return 0, len(nodes) - 1
    last = mixing[-1]
    scores = nodes[last].name in waists and all(node.op != "BatchNorm" for node in nodes[last:])
    return mixing[0], last if scores else len(nodes) - 1


def _stages(good: Sequence[Node]) -> list[list[Node]]:
    """Places of about one height, one after the other; those whose height is not known make one stage."""
    stages: list[list[Node]] = []
    height: int | None = None
    for node in good:
        now = node.shape[2] if node.shape is not None and len(node.shape) == 4 else None
        if not stages or (now is None) != (height is None) or (now and height and now * SHRUNK <= height):
            stages.append([])
            height = now
        stages[-1].append(node)
    return stages

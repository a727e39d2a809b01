"""A backbone as a picture in which somebody looks for a place to cut, or sees what a cut keeps.

Each box that ends at a good place to cut bears the name that a cut is written with, in brackets. With a cut, what it
keeps stands in a frame, and what it leaves behind is pale.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from retdsl.ir import Network, Node, learned_numbers, needed
from retdsl.outline import places
from retdsl.records import replace
from retdsl.schema.spelling import spell
from retdsl.viz.graph import Key, Look, Picture
from retdsl.viz.network import network_picture
from retdsl.viz.words import LEFT_BEHIND, counted


def backbone_picture(network: Network, *, title: str, cut: str | None = None, expand: bool = False) -> Picture:
    """The picture of a network that is a backbone as a whole. cut: the name of the node where it is cut."""
    good = {name: worth for name, worth in places(network).items() if worth != "waist"}
    if cut is None:
        picture = network_picture(network, expand=expand, title=title, cuts=good)
        return replace(picture, legend=(Key(Look.PLAIN, "[name]: a good place to cut"),) if good else ())
    kept = needed(network.nodes, [cut])
    apart = replace(network, nodes=tuple(_kept_first(network, kept, f"{title}[{spell(cut)}]")))
    picture = network_picture(apart, expand=expand, title=title, cuts={cut: "stage"})
    there = [node for node in network.nodes if node.name in kept]
    gone = [node for node in network.nodes if node.name not in kept]
    legend = [Key(Look.TRAINED, f"kept by [{spell(cut)}]: {_counts(there)}")]
    legend += [Key(Look.LEFT, f"left behind: {_counts(gone)}")] if gone else []
    return replace(picture, legend=tuple(legend))


def _kept_first(network: Network, kept: Collection[str], name: str) -> Iterator[Node]:
    """The nodes with those that are kept before the others, each as of the backbone that it now belongs to.

    The order is still topological: what is kept needs nothing else.
    """
    yield from (replace(node, backbone=name) for node in network.nodes if node.name in kept)
    yield from (replace(node, backbone=LEFT_BEHIND) for node in network.nodes if node.name not in kept)


def _counts(nodes: Sequence[Node]) -> str:
    return f"{counted(len(nodes), 'layer')}, {counted(learned_numbers(nodes), 'parameter')}"

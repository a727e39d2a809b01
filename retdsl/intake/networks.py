"""Networks of the zoo as weights see them: parameters by name, and which network a file is for."""

from __future__ import annotations

from pathlib import Path

from retdsl.check import check_source
from retdsl.check.files import zoo_networks
from retdsl.check.fit import parameters
from retdsl.ir import Node, Shape
from retdsl.source import Source
from retdsl.weights.layouts import describe, recognise
from retdsl.weights.model import WeightsFile

TIMM_NAMES = {
    "mobilenetv2_100": "mobilenet_v2",
    "efficientnet_lite0": "efficientnet_lite0_timm",
    "tv_resnet34": "resnet34",
    "tv_resnet50": "resnet50",
    "tv_resnet101": "resnet101",
    "tv_resnet152": "resnet152",
    "tv_densenet121": "densenet121",
    "tf_inception_v3": "inception_v3",
}
"""What timm calls networks that the zoo has under another name."""


def nodes_of(network: str) -> tuple[Node, ...]:
    """A network of the zoo as it is, with its head."""
    checked = check_source(Source("zoo", f"backbone b = zoo({network})\nmodel m = b\n"), Path())
    assert checked.program is not None, "the zoo has no mistakes"
    return checked.program.networks[0].nodes


def head_of(nodes: tuple[Node, ...]) -> Node:
    """The layer that gives the scores: the last that learns."""
    return next(node for node in reversed(nodes) if node.parameters)


def named_by(architecture: str | None) -> str | None:
    """The zoo's name for timm's `architecture`; None if the zoo does not have it."""
    name = TIMM_NAMES.get(architecture or "", architecture or "")
    return name if name in zoo_networks() else None


def networks_for(file: WeightsFile) -> tuple[list[str], str | None]:
    """The networks of the zoo that the file may be for, by names and shapes of its tensors, and whose names they are,
    in words.
    """
    found = recognise(file.shapes)
    if len({each.network for each in found}) > 1:
        needed: dict[str, dict[str, Shape | None]] = {}
        for network in {each.network for each in found}:
            nodes = nodes_of(network)
            needed[network] = parameters(node for node in nodes if node is not head_of(nodes))
        found = recognise(file.shapes, needed)
    return list(dict.fromkeys(each.network for each in found)), describe(found)

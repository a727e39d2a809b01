"""Pictures of networks and experiments.

Enters: a `Network` or an `Experiment` of the checked program. Leaves: DOT text, and its drawing as SVG, PNG or PDF.
Guaranteed: the same input gives the same DOT text; nothing is validated again; nothing that draws is imported until
something is drawn.

    picture = network_picture(network)        # or experiment_picture(experiment)
    write(dot_text(picture), Path("graph.svg"))
"""

from retdsl.viz.backbone import backbone_picture
from retdsl.viz.dot import dot_text
from retdsl.viz.experiment import experiment_picture
from retdsl.viz.graph import Arrow, Box, Group, Key, Look, Picture
from retdsl.viz.network import network_picture
from retdsl.viz.render import SUFFIXES, RenderError, draw, write

__all__ = [
    "SUFFIXES",
    "Arrow",
    "Box",
    "Group",
    "Key",
    "Look",
    "Picture",
    "RenderError",
    "backbone_picture",
    "dot_text",
    "draw",
    "experiment_picture",
    "network_picture",
    "write",
]

"""Models to networks, and what can be said of a block on its own."""

from __future__ import annotations

from retdsl.check.evaluate import Env
from retdsl.check.frame import Frame
from retdsl.check.graph import UNKNOWN, ancestors
from retdsl.check.inputs import INPUT_NAME
from retdsl.check.network import MAX_BLIND, Builder
from retdsl.check.options import place_of
from retdsl.ir import Backbone, Network
from retdsl.syntax import tree as t


def check_block(block: t.Block, builder: Builder) -> None:
    """Checks a block for what is wrong whatever its parameters are: steps and options, and values that are written."""
    parameters = frozenset(parameter.name.name for parameter in block.parameters)
    env = Env({}, builder.env.dotted, parameters)
    builder.blind = MAX_BLIND  # blocks that it uses are checked by themselves
    builder.chain(block.value, UNKNOWN, Frame(env, builder.scope, blocks=(block.name.name,)))


def build_network(model: t.Model, builder: Builder) -> Network | None:
    """The network of a model; None after a mistake, or where a backbone's files are not at hand."""
    errors = builder.out.errors
    builder.models = (model.name.name,)
    flow = builder.chain(model.value, None, Frame(builder.env, builder.scope))
    if isinstance(flow, tuple):
        builder.report_not_joined(model.value.span, Frame(builder.env, builder.scope))
    if (
        builder.out.errors > errors
        or builder.incomplete
        or builder.inputs.missing
        or isinstance(flow, tuple)
        or flow.node is None
    ):
        return None
    nodes = ancestors(tuple(builder.graph.nodes.values()), flow.node)
    if not nodes or builder.inputs.shape is None:
        return None
    used = {node.backbone for node in nodes}
    found = [backbone for backbone in builder.inputs.backbones.values() if backbone.backbone.name in used]
    for each in found:
        taken = [node for node in nodes if node.backbone == each.backbone.name]
        if not each.check_weights(taken, builder.out):
            builder.unfit.add(each.backbone.name)
    backbones: tuple[Backbone, ...] = tuple(each.backbone for each in found)
    return Network(
        name=model.name.name,
        input=INPUT_NAME,
        input_shape=builder.inputs.shape,
        nodes=tuple(nodes),
        output=flow.node,
        loss=builder.loss,
        backbones=backbones,
        place=place_of(model.name.span),
    )

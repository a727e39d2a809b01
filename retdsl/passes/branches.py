"""Layers that the scores do not need are left out, with their parameters.

Enters: networks. Leaves: networks of the layers that lead to the output, under their names and in their order.

The checker builds networks backwards from their scores, so of a spec nothing is left to drop; a program that was put
together elsewhere, or by another pass, may have what it does not need.
"""

from __future__ import annotations

from retdsl.ir import Experiment, Program, needed
from retdsl.passes.each import counted, of_each
from retdsl.records import replace


def drop_branches(program: Program) -> Program:
    """Every experiment without the layers that its scores do not need, wherever these are named."""
    return of_each(program, _without_branches)


def _without_branches(experiment: Experiment) -> Experiment:
    network = experiment.network
    ends = (network.output, *([] if network.loss is None else [network.loss.logits]))
    kept = needed(network.nodes, ends)
    if all(node.name in kept for node in network.nodes):
        return experiment
    nodes = tuple(node for node in network.nodes if node.name in kept)
    known = {parameter.name for node in nodes for parameter in node.parameters}
    gone = {parameter.name for _, parameter in network.parameters()} - known
    phases = tuple(replace(p, nodes=tuple(name for name in p.nodes if name in kept)) for p in experiment.phases)
    rates = tuple(rate for rate in experiment.rates if rate[0] not in gone)
    return replace(experiment, network=replace(network, nodes=nodes), phases=phases, rates=rates)


def tell_branches(before: Experiment, after: Experiment) -> str:
    """Which layers are left out."""
    every, left = before.network.nodes, after.network.nodes
    gone = [node.name for node in every if node not in left] if len(left) < len(every) else []
    if not gone:
        return f"The scores need every one of the {counted(len(every), 'layer')}."
    names = ", ".join(gone[:6]) + (" ..." if len(gone) > 6 else "")
    return f"Left out: {counted(len(gone), 'layer')} that the scores do not need ({names}), with their parameters."

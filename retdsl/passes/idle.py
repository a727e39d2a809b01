"""Layers that do nothing where the network only predicts: Dropout, BlockGrad, `identity`, a Flatten of what is flat.

Enters: networks. Leaves: `Execution.idle`. Guaranteed: where gradients are computed these layers stay.
"""

from __future__ import annotations

from collections import Counter

from retdsl.ir import Experiment, Program
from retdsl.passes.each import counted, decided, of_each, shapes_of
from retdsl.schema.still import is_idle


def drop_idle(program: Program) -> Program:
    """Every experiment with its idle layers named."""
    return of_each(program, _without_idle)


def _without_idle(experiment: Experiment) -> Experiment:
    shapes = shapes_of(experiment.network)
    return decided(experiment, idle=tuple(n.name for n in experiment.network.nodes if is_idle(n, shapes)))


def tell_idle(_: Experiment, after: Experiment) -> str:
    """How many of which kind."""
    idle = frozenset(after.execution.idle)
    kinds = Counter(node.op for node in after.network.nodes if node.name in idle)
    if not kinds:
        return "Every layer does something where the network predicts, too."
    named = ", ".join(f"{n} x {kind}" if n > 1 else kind for kind, n in kinds.items())
    do, are = ("does", "is") if len(idle) == 1 else ("do", "are")
    return (
        f"{counted(len(idle), 'layer')} that {do} nothing outside of training ({named}) {are} left out wherever the "
        "network only predicts."
    )

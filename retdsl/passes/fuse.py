"""Whatever needs no gradient is bound for prediction, so that its layers can be computed together.

Enters: experiments. Leaves: `Execution.fused`. A network that is validated or tested always has such parts; with this
decision MXNet's oneDNN may join convolution, BatchNorm, activation and sum into one step through memory, or another
engine may carry the part. Without it MXNet computes layer after layer.
"""

from __future__ import annotations

from retdsl.ir import Experiment, Program
from retdsl.passes.each import counted, decided, of_each


def fuse(program: Program) -> Program:
    """Every experiment with its inference bound for prediction."""
    return of_each(program, lambda one: decided(one, fused=True))


def tell_fused(_: Experiment, after: Experiment) -> str:
    """What is bound for prediction."""
    below = {name for piece in after.execution.pieces if piece.from_epoch != 1 for name in piece.nodes}
    frozen = f"the {counted(len(below), 'layer')} before the cut, " if below else ""
    return (
        f"Bound for prediction: {frozen}validation, test and `predict`. Layers are joined there, or computed by "
        "another engine; only where gradients are needed MXNet goes layer by layer."
    )

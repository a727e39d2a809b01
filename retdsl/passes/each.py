"""A program with every experiment changed by the same rule, and words for numbers that passes tell.

Guaranteed: experiments of one network that are frozen in the same way share what is worked out for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import prod
from typing import Any

from retdsl.ir import Execution, Experiment, Network, Node, Program, Shape
from retdsl.records import replace


def of_each(program: Program, change: Callable[[Experiment], Experiment]) -> Program:
    """The program with every experiment changed."""
    return replace(program, experiments=tuple(map(change, program.experiments)))


def decided(experiment: Experiment, **fields: Any) -> Experiment:
    """The experiment with these fields of its `Execution`."""
    execution: Execution = replace(experiment.execution, **fields)
    return replace(experiment, execution=execution)


def keeps_features(experiment: Experiment) -> bool:
    """Whether the spec has what the frozen part makes of photographs kept: all but `cache = none`."""
    return dict(experiment.training.settings).get("cache") is not None


def shapes_of(network: Network) -> dict[str, Shape | None]:
    """The shape of every value of a network, by the name of what gives it."""
    return {network.input: network.input_shape, **{node.name: node.shape for node in network.nodes}}


def multiplications(network: Network, nodes: Iterable[str]) -> int:
    """How many products the convolutions and dense layers among these nodes add up for one image.

    That is nearly all that a network has to compute; where a shape is not known, nothing is counted.
    """
    chosen, shapes = frozenset(nodes), shapes_of(network)
    return sum(_products(node, shapes) for node in network.nodes if node.name in chosen)


def _products(node: Node, shapes: dict[str, Shape | None]) -> int:
    weight = node.parameters[0].shape if node.parameters else None
    # A weight is used at every place of what comes out; that of a Deconvolution at every place of what goes in.
    at = node.shape if node.op != "Deconvolution" else shapes.get(node.inputs[0])
    if node.op not in ("Convolution", "FullyConnected", "Deconvolution") or weight is None or at is None:
        return 0
    return prod(size or 1 for size in (*weight[1:], *at[1:]))


def counted(n: int, thing: str, things: str | None = None) -> str:
    """`1 layer`, `1,200 layers`."""
    return f"{n:,} {thing if n == 1 else things or thing + 's'}"


def share_text(part: int, whole: int) -> str:
    """A share in per cent, with as many digits as tell it from all and from nothing."""
    share = 100 * part / whole if whole else 0.0
    return f"{share:.0f} %" if share < 99 or part == whole else f"{min(share, 99.99):.2f} %".replace(".00", "")

"""What the network sees of each class: the labels, times what the sampling makes of them, times what the loss weighs.

Enters: the sampling policy and the loss of an experiment, and the photographs of each class on the training side, where
they are known. Leaves: `Seen`, with the effective prior

    q_c = d_c w_c / sum of d_k w_k      d_c: photographs of class c in an epoch, w_c: the weight of one in the loss

the share of class c in what the gradient of an epoch is made of. Guaranteed: d and w are what the runtime draws and
weighs, which tests compare; weights that follow from counts follow from the training side before any sampling, as in
the runtime. A focal loss's gamma is no part of it: it acts on each photograph by how sure the network is of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from retdsl.balance.counts import Side
from retdsl.balance.epochs import drawn_from, drawn_in_epoch, is_natural, ratio_in_epoch
from retdsl.ir import Call, Loss
from retdsl.records import dataclass


@dataclass(frozen=True, slots=True)
class Seen:
    """Of each class: photographs to learn from, photographs an epoch draws, their proportion in an epoch, what one
    weighs in the loss, and the share of what the network sees. None for what is not known.
    """

    labels: tuple[int, ...] | None
    drawn: tuple[int, ...] | None
    sampled: tuple[float, ...] | None
    weights: tuple[float, ...] | None
    effective: tuple[float, ...] | None


def seen_by_network(policy: Call, loss: Loss, classes: int, side: Side | None, epoch: int = 1) -> Seen:
    """What the network sees of `classes` classes. side: what there is to learn from; None, or a class without any: only
    what follows from the policy and the loss alone. epoch: which one, for a policy whose ratio moves.
    """
    labels = None if side is None or 0 in side.photographs else side.photographs
    among = drawn_from(policy, side)
    drawn = drawn_in_epoch(policy, epoch, classes, among)
    sampled = drawn or ratio_in_epoch(policy, epoch, classes, among)
    weights = class_weights(loss, classes, labels)
    effective: tuple[float, ...] | None = None
    if sampled is not None and weights is not None:
        effective = shares([d * w for d, w in zip(sampled, weights, strict=True)])
    elif is_natural(policy) and is_rule(loss, "inverse_frequency"):
        effective = (1 / classes,) * classes  # n times 1 / n, whatever the labels are
    return Seen(labels, drawn, sampled, weights, effective)


def class_weights(loss: Loss, classes: int, labels: tuple[int, ...] | None) -> tuple[float, ...] | None:
    """What a photograph of each class weighs, as `retdsl.runtime.class_weights` computes it from the training side."""
    weights = dict(loss.options).get("weights")
    if weights is None:
        return (1.0,) * classes
    if isinstance(weights, tuple):
        return tuple(float(str(weight)) for weight in weights)
    if labels is None or not isinstance(weights, Call):
        return None
    if weights.name == "inverse_frequency":
        return tuple(max(labels) / number for number in labels)
    beta = float(str(weights["beta"]))
    numbers = [-math.expm1(number * math.log(beta)) if beta > 0 else 1.0 for number in labels]
    return tuple(max(numbers) / number for number in numbers)


def is_rule(loss: Loss, *names: str) -> bool:
    """Whether the weights follow from the labels by one of these rules."""
    weights = dict(loss.options).get("weights")
    return isinstance(weights, Call) and weights.name in names


def shares(parts: Sequence[float]) -> tuple[float, ...] | None:
    """The parts over their sum; None if that is no number above 0."""
    whole = math.fsum(parts) if all(map(math.isfinite, parts)) else math.inf
    return tuple(part / whole for part in parts) if 0 < whole < math.inf else None

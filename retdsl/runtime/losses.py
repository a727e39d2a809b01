"""The loss heads: softmax, class-weighted softmax and focal softmax.

Enters: a symbol of logits [N, C], and the weight of each class. Leaves: a training symbol of built-in operators only,
with one output, the probabilities [N, C], and one more variable, the labels `<name>_label` [N], float32. Guaranteed:
the symbol survives its JSON, predicts without labels, and sends back exactly the gradient of `Loss.value`, summed
over the batch.

All three rest on one mechanism. `SoftmaxOutput` sends back p - onehot(y), whatever comes after it. Before it, the
logits z become

    z2 = s + (z - s) * f,   s = z without gradient,   f = one factor a sample [N, 1], without gradient

which leaves the value alone (z2 = z) and multiplies the gradient by f. Every loss here has a gradient of that form.
Each node carries a name of its own, `<name>_...`, because automatic names depend on what the process did before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.class_weights import ClassWeights
from retdsl.runtime.symbols import Symbol, sym

SMALLEST_PROBABILITY = 1e-37
"""Below this a float32 probability counts as this much in a logarithm: the loss stays finite, at most 85."""

SMALLEST_DOUBT = 1e-20
"""Below this 1 - p counts as this much in a power, so that a negative exponent (gamma < 1) stays finite."""


class Loss(Protocol):
    """A loss head. `weights`: the class weights the spec asks for, or the rule for them, or None."""

    @property
    def weights(self) -> ClassWeights | None: ...

    def symbol(self, logits: Symbol, weights: Sequence[float] | None, name: str) -> Symbol:
        """The training symbol. weights: resolved, one a class, or None."""

    def value(
        self, probabilities: NDArray[Any], labels: NDArray[Any], weights: Sequence[float] | None
    ) -> NDArray[np.float64]:
        """The loss of every sample [N], from probabilities [N, C] and labels [N]."""


@dataclass(frozen=True, slots=True)
class Softmax:
    """Cross-entropy: -log p_y."""

    @property
    def weights(self) -> None:
        return None

    def symbol(self, logits: Symbol, weights: Sequence[float] | None, name: str) -> Symbol:  # noqa: ARG002
        return softmax(logits, name)

    def value(
        self,
        probabilities: NDArray[Any],
        labels: NDArray[Any],
        weights: Sequence[float] | None,  # noqa: ARG002
    ) -> NDArray[np.float64]:
        loss: NDArray[np.float64] = -np.log(_of_the_label(probabilities, labels))
        return loss


@dataclass(frozen=True, slots=True)
class WSoftmax:
    """Cross-entropy in which a sample counts as much as its class weighs: -w_y log p_y."""

    weights: ClassWeights

    def symbol(self, logits: Symbol, weights: Sequence[float] | None, name: str) -> Symbol:
        return weighted_softmax(logits, _resolved(weights), name)

    def value(
        self, probabilities: NDArray[Any], labels: NDArray[Any], weights: Sequence[float] | None
    ) -> NDArray[np.float64]:
        loss: NDArray[np.float64] = -np.log(_of_the_label(probabilities, labels))
        return _weight_of_the_label(weights, labels) * loss


@dataclass(frozen=True, slots=True)
class FocalSoftmax:
    """Cross-entropy that forgets what is already known: -w_y (1 - p_y)^gamma log p_y.

    gamma: 0 or more; 0 is `WSoftmax`. weights: None weighs all classes alike.
    Source: Lin et al., Focal Loss for Dense Object Detection, ICCV 2017.
    """

    gamma: float = 2.0
    weights: ClassWeights | None = None

    def symbol(self, logits: Symbol, weights: Sequence[float] | None, name: str) -> Symbol:
        return focal_softmax(logits, self.gamma, weights, name)

    def value(
        self, probabilities: NDArray[Any], labels: NDArray[Any], weights: Sequence[float] | None
    ) -> NDArray[np.float64]:
        known = _of_the_label(probabilities, labels)
        loss: NDArray[np.float64] = (1.0 - known) ** self.gamma * -np.log(known)
        return loss if weights is None else _weight_of_the_label(weights, labels) * loss


def softmax(logits: Symbol, name: str) -> Symbol:
    """Probabilities [N, C]; sends back p - onehot(y)."""
    return sym.SoftmaxOutput(data=logits, label=_label(name), name=name)


def weighted_softmax(logits: Symbol, weights: Sequence[float], name: str) -> Symbol:
    """Probabilities [N, C]; sends back w_y (p - onehot(y)). weights: one a class."""
    label = _label(name)
    value = sym.BlockGrad(logits, name=f"{name}_value")
    return _scaled_softmax(logits, value, label, _weight(label, weights, name), name)


def focal_softmax(logits: Symbol, gamma: float, weights: Sequence[float] | None, name: str) -> Symbol:
    """Probabilities [N, C]; sends back w_y ((1 - p)^g - g p (1 - p)^(g - 1) log p) (p - onehot(y)) with p = p_y."""
    label = _label(name)
    value = sym.BlockGrad(logits, name=f"{name}_value")
    factor = _focus(value, label, float(gamma), name)
    if weights is not None:
        factor = sym.broadcast_mul(factor, _weight(label, weights, name), name=f"{name}_factor")
    return _scaled_softmax(logits, value, label, factor, name)


def deploy_softmax(logits: Symbol, name: str) -> Symbol:
    """The same probabilities from a symbol that has no label."""
    return sym.softmax(logits, name=name)


def _scaled_softmax(logits: Symbol, value: Symbol, label: Symbol, factor: Symbol, name: str) -> Symbol:
    """SoftmaxOutput of `logits` whose gradient is multiplied by `factor` [N, 1]. value: the logits without gradient."""
    difference = sym.elemwise_sub(logits, value, name=f"{name}_difference")
    scaled = sym.broadcast_mul(difference, sym.BlockGrad(factor, name=f"{name}_scale"), name=f"{name}_scaled")
    return sym.SoftmaxOutput(data=sym.elemwise_add(value, scaled, name=f"{name}_logits"), label=label, name=name)


def _focus(logits: Symbol, label: Symbol, gamma: float, name: str) -> Symbol:
    """(1 - p)^g - g p (1 - p)^(g - 1) log p  [N, 1], from log p, which stays exact where p itself rounds to 0 or 1."""
    log_all = sym.log_softmax(logits, name=f"{name}_log_probabilities")
    log_p = sym.pick(log_all, label, axis=-1, keepdims=True, name=f"{name}_log_p")
    doubt = sym.negative(sym.expm1(log_p, name=f"{name}_expm1"), name=f"{name}_doubt")
    # The upper bound does nothing: 1 - p is at most 1.
    doubt = sym.clip(doubt, a_min=SMALLEST_DOUBT, a_max=1.0, name=f"{name}_clipped_doubt")
    power = sym._internal._power_scalar(doubt, scalar=gamma, name=f"{name}_power")
    slope = sym._internal._power_scalar(doubt, scalar=gamma - 1.0, name=f"{name}_slope")
    p_log_p = sym.elemwise_mul(sym.exp(log_p, name=f"{name}_p"), log_p, name=f"{name}_p_log_p")
    drop = sym.elemwise_mul(p_log_p, slope, name=f"{name}_p_log_p_slope")
    drop = sym._internal._mul_scalar(drop, scalar=gamma, name=f"{name}_drop")
    return sym.elemwise_sub(power, drop, name=f"{name}_focus")


def _label(name: str) -> Symbol:
    return sym.Variable(f"{name}_label", dtype="float32")


def _weight(label: Symbol, weights: Sequence[float], name: str) -> Symbol:
    """w_y as [N, 1]. The weights are constants of the symbol itself, so that its JSON needs nothing beside it."""
    constants = [
        sym.full((1,), float(weight), dtype="float32", name=f"{name}_weight{index}")
        for index, weight in enumerate(weights)
    ]
    table = sym.concat(*constants, dim=0, name=f"{name}_weights")
    return sym.reshape(sym.take(table, label, name=f"{name}_w"), shape=(-1, 1), name=f"{name}_weight")


def _resolved(weights: Sequence[float] | None) -> Sequence[float]:
    if weights is None:
        raise ValueError("a class-weighted loss needs its weights")
    return weights


def _of_the_label(probabilities: NDArray[Any], labels: NDArray[Any]) -> NDArray[np.float64]:
    rows = np.arange(len(labels))
    known: NDArray[np.float64] = probabilities[rows, labels.astype(np.int64)].astype(np.float64)
    return known.clip(min=SMALLEST_PROBABILITY)


def _weight_of_the_label(weights: Sequence[float] | None, labels: NDArray[Any]) -> NDArray[np.float64]:
    each: NDArray[np.float64] = np.asarray(_resolved(weights), np.float64)[labels.astype(np.int64)]
    return each

"""The loss heads: softmax, class-weighted softmax and focal softmax, and sigmoid for several findings at once.

Enters: a symbol of logits [N, C], and the weight of each class. Leaves: a training symbol of built-in operators only,
with one output, the probabilities [N, C], and one more variable, the labels `<name>_label`, float32: classes [N], or,
where they are soft, how far each sample belongs to each class, t [N, C], each row with the sum 1. Guaranteed: the
symbol survives its JSON, predicts without labels, and sends back exactly the gradient of `Loss.value`, summed over the
batch; soft labels that are all 0 or 1 are the same as classes.

All rest on one mechanism. `SoftmaxOutput` sends back p - onehot(y), or p - t, whatever comes after it. Before it, the
logits z become

    z2 = s + (z - s) * f,   s = z without gradient,   f = one factor a sample [N, 1], without gradient

which leaves the value alone (z2 = z) and multiplies the gradient by f. Every loss here has a gradient of that form.
With soft labels a sample weighs w.t, the mean weight of its classes. `LogisticRegressionOutput` sends back (p - t) / C,
and a sigmoid's weights, one a finding [1, C], take the place of f.
Each node carries a name of its own, `<name>_...`, because automatic names depend on what the process did before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.class_weights import ClassWeights
from retdsl.runtime.symbols import Symbol, sym

SMALLEST_PROBABILITY = 1e-37
"""Below this a float32 probability counts as this much in a logarithm: the loss stays finite, at most 85."""

SMALLEST_DOUBT = 1e-20
"""Below this 1 - p counts as this much in a power, so that a negative exponent (gamma < 1) stays finite."""


SMALLEST_REMAINDER = 2.0**-25
"""What float32 rounds to 1 lacks at most this much of it."""


class Loss(Protocol):
    """A loss head.

    weights: the class weights the spec asks for, or the rule for them, or None; exclusive: whether a photograph shows
    one class only. Where it may show several, labels are always [N, C].
    """

    exclusive: ClassVar[bool]

    @property
    def weights(self) -> ClassWeights | None: ...

    def deploy(self, logits: Symbol, name: str) -> Symbol:
        """The same probabilities from a symbol that has no label."""

    def symbol(self, logits: Symbol, weights: Sequence[float] | None, name: str, *, soft: bool = False) -> Symbol:
        """The training symbol. weights: resolved, one a class, or None; soft: whether labels are [N, C]."""

    def value(
        self, probabilities: NDArray[Any], labels: NDArray[Any], weights: Sequence[float] | None
    ) -> NDArray[np.float64]:
        """The loss of every sample [N], from probabilities [N, C] and labels [N], or soft ones [N, C]."""


class _Exclusive:
    """What all softmax heads have in common."""

    __slots__ = ()
    exclusive: ClassVar[bool] = True

    def deploy(self, logits: Symbol, name: str) -> Symbol:
        return sym.softmax(logits, name=name)


@dataclass(frozen=True, slots=True)
class Softmax(_Exclusive):
    """Cross-entropy: -log p_y, with soft labels -sum_c t_c log p_c."""

    @property
    def weights(self) -> None:
        return None

    def symbol(
        self,
        logits: Symbol,
        weights: Sequence[float] | None,  # noqa: ARG002
        name: str,
        *,
        soft: bool = False,
    ) -> Symbol:
        return softmax(logits, name, soft=soft)

    def value(
        self,
        probabilities: NDArray[Any],
        labels: NDArray[Any],
        weights: Sequence[float] | None,  # noqa: ARG002
    ) -> NDArray[np.float64]:
        return _expected(-np.log(_known(probabilities)), labels)


@dataclass(frozen=True, slots=True)
class WSoftmax(_Exclusive):
    """Cross-entropy in which a sample counts as much as its class weighs: -w_y log p_y.

    With soft labels (w.t) (-sum_c t_c log p_c).
    """

    weights: ClassWeights

    def symbol(self, logits: Symbol, weights: Sequence[float] | None, name: str, *, soft: bool = False) -> Symbol:
        return weighted_softmax(logits, _resolved(weights), name, soft=soft)

    def value(
        self, probabilities: NDArray[Any], labels: NDArray[Any], weights: Sequence[float] | None
    ) -> NDArray[np.float64]:
        return _expected(_resolved(weights), labels) * _expected(-np.log(_known(probabilities)), labels)


@dataclass(frozen=True, slots=True)
class FocalSoftmax(_Exclusive):
    """Cross-entropy that forgets what is already known: -w_y (1 - p_y)^gamma log p_y.

    With soft labels every class has its share: (w.t) (-sum_c t_c (1 - p_c)^gamma log p_c). gamma: 0 or more; 0 is
    `WSoftmax`. weights: None weighs all classes alike.
    Source: Lin et al., Focal Loss for Dense Object Detection, ICCV 2017.
    """

    gamma: float = 2.0
    weights: ClassWeights | None = None

    def symbol(self, logits: Symbol, weights: Sequence[float] | None, name: str, *, soft: bool = False) -> Symbol:
        return focal_softmax(logits, self.gamma, weights, name, soft=soft)

    def value(
        self, probabilities: NDArray[Any], labels: NDArray[Any], weights: Sequence[float] | None
    ) -> NDArray[np.float64]:
        known = _known(probabilities)
        loss = _expected((1.0 - known) ** self.gamma * -np.log(known), labels)
        return loss if weights is None else _expected(weights, labels) * loss


@dataclass(frozen=True, slots=True)
class Sigmoid:
    """Binary cross-entropy of every finding, averaged over the findings: -w_c (t_c log p_c + (1 - t_c) log(1 - p_c)).

    weights: one a finding; None weighs all alike.
    """

    weights: ClassWeights | None = None
    exclusive: ClassVar[bool] = False

    def deploy(self, logits: Symbol, name: str) -> Symbol:
        return sym.sigmoid(logits, name=name)

    def symbol(
        self,
        logits: Symbol,
        weights: Sequence[float] | None,
        name: str,
        *,
        soft: bool = False,  # noqa: ARG002 (they always are)
    ) -> Symbol:
        return sigmoid(logits, weights, name)

    def value(
        self, probabilities: NDArray[Any], labels: NDArray[Any], weights: Sequence[float] | None
    ) -> NDArray[np.float64]:
        doubt = (1.0 - probabilities.astype(np.float64)).clip(min=SMALLEST_REMAINDER)
        entropy = -(labels * np.log(_known(probabilities)) + (1.0 - labels) * np.log(doubt))
        mean: NDArray[np.float64] = (entropy if weights is None else entropy * np.asarray(weights)).mean(axis=1)
        return mean


def softmax(logits: Symbol, name: str, *, soft: bool = False) -> Symbol:
    """Probabilities [N, C]; sends back p - onehot(y), or p - t."""
    label = _label(name)
    if soft:
        label = _targets(label, sym.BlockGrad(logits, name=f"{name}_value"), name)
    return sym.SoftmaxOutput(data=logits, label=label, name=name)


def weighted_softmax(logits: Symbol, weights: Sequence[float], name: str, *, soft: bool = False) -> Symbol:
    """Probabilities [N, C]; sends back w_y (p - onehot(y)), or (w.t) (p - t). weights: one a class."""
    label = _label(name)
    value = sym.BlockGrad(logits, name=f"{name}_value")
    if not soft:
        return _scaled_softmax(logits, value, label, _weight(label, weights, name), name)
    targets = _targets(label, value, name)
    return _scaled_softmax(logits, value, targets, _mean_weight(targets, weights, name), name)


def focal_softmax(
    logits: Symbol, gamma: float, weights: Sequence[float] | None, name: str, *, soft: bool = False
) -> Symbol:
    """Probabilities [N, C]; sends back w_y f_y (p - onehot(y)) with f = (1 - p)^g - g p (1 - p)^(g - 1) log p.

    With soft labels (w.t) (sum_c t_c f_c) (p - r); r is t f scaled to the sum 1, and `SoftmaxOutput`'s label.
    """
    label = _label(name)
    value = sym.BlockGrad(logits, name=f"{name}_value")
    log_all = sym.log_softmax(value, name=f"{name}_log_probabilities")
    if not soft:
        log_p = sym.pick(log_all, label, axis=-1, keepdims=True, name=f"{name}_log_p")
        factor = _focus(log_p, float(gamma), name)
        if weights is not None:
            factor = sym.broadcast_mul(factor, _weight(label, weights, name), name=f"{name}_factor")
        return _scaled_softmax(logits, value, label, factor, name)
    targets = _targets(label, value, name)
    shares = sym.elemwise_mul(targets, _focus(log_all, float(gamma), name), name=f"{name}_shares")
    factor = sym.sum(shares, axis=1, keepdims=True, name=f"{name}_share")
    # Where all is known the factor is 0, and so is the gradient, whatever the label.
    divisor = sym.clip(factor, a_min=SMALLEST_PROBABILITY, a_max=1e37, name=f"{name}_divisor")
    focused = sym.broadcast_div(shares, divisor, name=f"{name}_focused")
    if weights is not None:
        factor = sym.broadcast_mul(factor, _mean_weight(targets, weights, name), name=f"{name}_factor")
    return _scaled_softmax(logits, value, sym.BlockGrad(focused, name=f"{name}_target"), factor, name)


def sigmoid(logits: Symbol, weights: Sequence[float] | None, name: str) -> Symbol:
    """Probabilities [N, C], each on its own; sends back w_c (p_c - t_c) / C. weights: one a finding."""
    label = _label(name)
    if weights is None:
        return sym.LogisticRegressionOutput(data=logits, label=label, name=name)
    value = sym.BlockGrad(logits, name=f"{name}_value")
    row = sym.reshape(_table(weights, name), shape=(1, -1), name=f"{name}_w")
    return sym.LogisticRegressionOutput(data=_scaled(logits, value, row, name), label=label, name=name)


def _scaled_softmax(logits: Symbol, value: Symbol, label: Symbol, factor: Symbol, name: str) -> Symbol:
    """SoftmaxOutput of `logits` whose gradient is multiplied by `factor` [N, 1]. value: the logits without gradient."""
    return sym.SoftmaxOutput(data=_scaled(logits, value, factor, name), label=label, name=name)


def _scaled(logits: Symbol, value: Symbol, factor: Symbol, name: str) -> Symbol:
    """The logits, with a gradient that is multiplied by `factor`."""
    difference = sym.elemwise_sub(logits, value, name=f"{name}_difference")
    scaled = sym.broadcast_mul(difference, sym.BlockGrad(factor, name=f"{name}_scale"), name=f"{name}_scaled")
    return sym.elemwise_add(value, scaled, name=f"{name}_logits")


def _focus(log_p: Symbol, gamma: float, name: str) -> Symbol:
    """(1 - p)^g - g p (1 - p)^(g - 1) log p, from log p, which stays exact where p itself rounds to 0 or 1."""
    # MXNet's log_softmax of three classes or more can be above 0 by some 1e-6.
    log_p = sym.clip(log_p, a_min=-3e38, a_max=0.0, name=f"{name}_clipped_log_p")
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


def _targets(label: Symbol, value: Symbol, name: str) -> Symbol:
    """The labels, known to have the shape of the logits: MXNet would take them for [N] where nobody says it."""
    return sym._internal._identity_with_attr_like_rhs(label, value, name=f"{name}_targets")


def _table(weights: Sequence[float], name: str) -> Symbol:
    """The weights [C]. They are constants of the symbol itself, so that its JSON needs nothing beside it."""
    constants = [
        sym.full((1,), float(weight), dtype="float32", name=f"{name}_weight{index}")
        for index, weight in enumerate(weights)
    ]
    return sym.concat(*constants, dim=0, name=f"{name}_weights")


def _weight(label: Symbol, weights: Sequence[float], name: str) -> Symbol:
    """w_y as [N, 1]."""
    each = sym.take(_table(weights, name), label, name=f"{name}_w")
    return sym.reshape(each, shape=(-1, 1), name=f"{name}_weight")


def _mean_weight(targets: Symbol, weights: Sequence[float], name: str) -> Symbol:
    """w.t as [N, 1]."""
    row = sym.reshape(_table(weights, name), shape=(1, -1), name=f"{name}_w")
    weighted = sym.broadcast_mul(targets, row, name=f"{name}_weighted")
    return sym.sum(weighted, axis=1, keepdims=True, name=f"{name}_weight")


def _resolved(weights: Sequence[float] | None) -> Sequence[float]:
    if weights is None:
        raise ValueError("a class-weighted loss needs its weights")
    return weights


def hard_labels(labels: NDArray[Any]) -> NDArray[Any]:
    """The class of every sample [N]; of soft labels [N, C] the likeliest, the last of those that are equally likely."""
    return labels if labels.ndim == 1 else labels.shape[1] - 1 - labels[:, ::-1].argmax(axis=1)


def as_targets(labels: NDArray[Any], shape: Sequence[int]) -> NDArray[Any]:
    """Labels in the shape that a symbol wants them in: classes [N] as soft labels [N, C], where it wants those."""
    if labels.ndim == len(shape):
        return labels
    return np.eye(shape[1], dtype=np.float32)[labels.astype(np.int64)]


def _known(probabilities: NDArray[Any]) -> NDArray[np.float64]:
    known: NDArray[np.float64] = probabilities.astype(np.float64).clip(min=SMALLEST_PROBABILITY)
    return known


def _expected(each: Sequence[float] | NDArray[Any], labels: NDArray[Any]) -> NDArray[np.float64]:
    """What each class has, [C] or [N, C], for the class of every sample, or on average over its soft label: [N]."""
    values = np.asarray(each, np.float64)
    if labels.ndim == 2:
        mean: NDArray[np.float64] = (labels * values).sum(axis=1)
        return mean
    classes = labels.astype(np.int64)
    chosen: NDArray[np.float64] = values[classes] if values.ndim == 1 else values[np.arange(len(classes)), classes]
    return chosen

"""The loss heads of a network: softmax with and without class weights, focal, of ordered classes, and of findings.

Enters: a symbol of logits [N, C], and the weight of each class. Leaves: a training symbol of built-in operators only,
with one output, the probabilities [N, C], and one more variable, the labels `<name>_label`, float32: classes [N], or,
where they are soft, how far each sample belongs to each class, t [N, C], each row with the sum 1. Guaranteed: the
symbol survives its JSON, predicts without labels, and sends back exactly the gradient of `Loss.value`, summed over the
batch; soft labels that are all 0 or 1 are the same as classes. The symbols themselves are built in `loss_symbols`.

Every head can smooth its labels (Szegedy et al., Rethinking the Inception Architecture, CVPR 2016): a share e of each
is given to the other answers, so that no score need grow without end. What a sample weighs remains what its label
weighs: a rare class that counts 67 times as much would otherwise weigh on every sample that is smoothed. The loss of a
smoothed label is that loss everywhere, in what is reported, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime import loss_symbols
from retdsl.runtime.class_weights import ClassWeights
from retdsl.runtime.loss_symbols import SMALLEST_PROBABILITY
from retdsl.runtime.symbols import Symbol, sym

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
    """Cross-entropy: -log p_y, with soft labels -sum_c t_c log p_c.

    smoothing: in [0, 1), the share of a label that is spread evenly over all classes.
    """

    smoothing: float = 0.0

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
        return loss_symbols.softmax(logits, None, name, soft=soft, smoothing=self.smoothing)

    def value(
        self,
        probabilities: NDArray[Any],
        labels: NDArray[Any],
        weights: Sequence[float] | None,  # noqa: ARG002
    ) -> NDArray[np.float64]:
        return _expected(-np.log(_known(probabilities)), _evenly(labels, probabilities, self.smoothing))


@dataclass(frozen=True, slots=True)
class WSoftmax(_Exclusive):
    """Cross-entropy in which a sample counts as much as its class weighs: -w_y log p_y.

    With soft labels (w.t) (-sum_c t_c log p_c). smoothing: as in `Softmax`.
    """

    weights: ClassWeights
    smoothing: float = 0.0

    def symbol(self, logits: Symbol, weights: Sequence[float] | None, name: str, *, soft: bool = False) -> Symbol:
        return loss_symbols.softmax(logits, _resolved(weights), name, soft=soft, smoothing=self.smoothing)

    def value(
        self, probabilities: NDArray[Any], labels: NDArray[Any], weights: Sequence[float] | None
    ) -> NDArray[np.float64]:
        smoothed = _evenly(labels, probabilities, self.smoothing)
        return _expected(_resolved(weights), labels) * _expected(-np.log(_known(probabilities)), smoothed)


@dataclass(frozen=True, slots=True)
class FocalSoftmax(_Exclusive):
    """Cross-entropy that forgets what is already known: -w_y (1 - p_y)^gamma log p_y.

    With soft labels every class has its share: (w.t) (-sum_c t_c (1 - p_c)^gamma log p_c). gamma: 0 or more; 0 is
    `WSoftmax`. weights: None weighs all classes alike. smoothing: as in `Softmax`.
    Source: Lin et al., Focal Loss for Dense Object Detection, ICCV 2017.
    """

    gamma: float = 2.0
    weights: ClassWeights | None = None
    smoothing: float = 0.0

    def symbol(self, logits: Symbol, weights: Sequence[float] | None, name: str, *, soft: bool = False) -> Symbol:
        return loss_symbols.focal_softmax(logits, self.gamma, weights, name, soft=soft, smoothing=self.smoothing)

    def value(
        self, probabilities: NDArray[Any], labels: NDArray[Any], weights: Sequence[float] | None
    ) -> NDArray[np.float64]:
        known = _known(probabilities)
        smoothed = _evenly(labels, probabilities, self.smoothing)
        return _weighed(_expected((1.0 - known) ** self.gamma * -np.log(known), smoothed), labels, weights)


@dataclass(frozen=True, slots=True)
class Ordinal(_Exclusive):
    """Cross-entropy of ordered classes: of the C - 1 questions whether the class is above j, on average over them.

    With q_j = p_(j+1) + ... + p_(C-1), which falls as j grows whatever the scores are:

        -w_y / (C - 1) sum_j ([y > j] log q_j + [y <= j] log(1 - q_j))

    An answer that is off by three classes is wrong in three questions, one that is off by one in one. For two classes
    this is `WSoftmax`. With soft labels [y > j] is the share of a sample that is above j. smoothing: in [0, 1), the
    share of a label that goes to the classes beside it, as graders disagree.
    Source: Toedter and Ahrens, Generalization of the Ignorance Score, Monthly Weather Review 2012 (the ranked score, a
    proper one); the questions are those of Niu et al., Ordinal Regression With Multiple Output CNN, CVPR 2016.
    """

    weights: ClassWeights | None = None
    smoothing: float = 0.0

    def symbol(self, logits: Symbol, weights: Sequence[float] | None, name: str, *, soft: bool = False) -> Symbol:
        return loss_symbols.ordinal_softmax(logits, weights, name, soft=soft, smoothing=self.smoothing)

    def value(
        self, probabilities: NDArray[Any], labels: NDArray[Any], weights: Sequence[float] | None
    ) -> NDArray[np.float64]:
        shares = _to_neighbours(as_targets(labels, probabilities.shape).astype(np.float64), self.smoothing)
        exact = probabilities.astype(np.float64)
        # Each side is summed by itself: 1 - q would lose what is far from certain.
        yes = _above(shares) * np.log(_known(_above(exact)))
        no = _up_to(shares) * np.log(_known(_up_to(exact)))
        return _weighed(-(yes + no).mean(axis=1), labels, weights)


@dataclass(frozen=True, slots=True)
class Sigmoid:
    """Binary cross-entropy of every finding, averaged over them: -w_c m_c (t_c log p_c + (1 - t_c) log(1 - p_c)).

    weights: w, one a finding; positive: what a photograph that shows a finding counts against one that does not, one a
    finding, so that m_c = 1 + (positive_c - 1) t_c; None counts all alike. smoothing: in [0, 1), the share of every
    answer that is moved half way to the other.
    """

    weights: ClassWeights | None = None
    positive: Sequence[float] | None = None
    smoothing: float = 0.0
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
        return loss_symbols.sigmoid(logits, weights, name, positive=self.positive, smoothing=self.smoothing)

    def value(
        self, probabilities: NDArray[Any], labels: NDArray[Any], weights: Sequence[float] | None
    ) -> NDArray[np.float64]:
        doubt = (1.0 - probabilities.astype(np.float64)).clip(min=SMALLEST_REMAINDER)
        shown = (1.0 - self.smoothing) * labels + self.smoothing / 2
        entropy = -(shown * np.log(_known(probabilities)) + (1.0 - shown) * np.log(doubt))
        if self.positive is not None:
            entropy = entropy * (1.0 + (np.asarray(self.positive) - 1.0) * labels)
        mean: NDArray[np.float64] = (entropy if weights is None else entropy * np.asarray(weights)).mean(axis=1)
        return mean


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


def _weighed(loss: NDArray[np.float64], labels: NDArray[Any], weights: Sequence[float] | None) -> NDArray[np.float64]:
    return loss if weights is None else _expected(weights, labels) * loss


def _evenly(labels: NDArray[Any], probabilities: NDArray[Any], smoothing: float) -> NDArray[Any]:
    """(1 - e) t + e / C [N, C]; the labels as they are where nothing is smoothed."""
    if not smoothing:
        return labels
    return (1.0 - smoothing) * as_targets(labels, probabilities.shape) + smoothing / probabilities.shape[1]


def _to_neighbours(shares: NDArray[np.float64], smoothing: float) -> NDArray[np.float64]:
    """A share of every class goes to those beside it, half to each of two."""
    ranks = np.arange(shares.shape[1])
    beside = (abs(ranks[:, None] - ranks) == 1).astype(np.float64)
    moved: NDArray[np.float64] = shares @ (beside / beside.sum(axis=1, keepdims=True))
    return (1.0 - smoothing) * shares + smoothing * moved if smoothing else shares


def _above(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """What lies above each class but the last: [N, C - 1]."""
    return shares[:, ::-1].cumsum(axis=1)[:, -2::-1]


def _up_to(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """What lies in each class but the last or below: [N, C - 1]."""
    return shares.cumsum(axis=1)[:, :-1]

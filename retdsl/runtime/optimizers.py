"""Optimizers, by the names and options of the language.

Enters: options. Leaves: `name` and `options()`, what MXNet's own optimizer of that name takes. MXNet is not imported
here. Weight decay is added to the gradient (wd * w) and, as everywhere in MXNet, acts on convolution and fully
connected weights and on BatchNorm's gammas, not on biases and betas.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Optimizer(Protocol):
    @property
    def name(self) -> str:
        """MXNet's name for it."""

    @property
    def lr(self) -> float:
        """The learning rate that a schedule multiplies."""

    def options(self) -> dict[str, float]:
        """MXNet's options, without the learning rate."""


@dataclass(frozen=True, slots=True)
class sgd:
    """Stochastic gradient descent: v = momentum * v - lr * (gradient + wd * w); w = w + v.

    lr: above 0; momentum: in [0, 1); wd: weight decay, 0 or more.
    """

    lr: float = 0.01
    momentum: float = 0.0
    wd: float = 0.0

    @property
    def name(self) -> str:
        return "sgd"

    def options(self) -> dict[str, float]:
        return {"momentum": float(self.momentum), "wd": float(self.wd)}


@dataclass(frozen=True, slots=True)
class adam:
    """Adam: steps of lr * m / (sqrt(v) + epsilon), with m and v the bias-corrected moving moments of the gradient.

    beta1, beta2: in [0, 1), the memory of m and v. Source: Kingma and Ba, ICLR 2015; as in MXNet, epsilon joins
    before sqrt(v) is corrected.
    """

    lr: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    wd: float = 0.0

    @property
    def name(self) -> str:
        return "adam"

    def options(self) -> dict[str, float]:
        return {
            "beta1": float(self.beta1),
            "beta2": float(self.beta2),
            "epsilon": float(self.epsilon),
            "wd": float(self.wd),
        }

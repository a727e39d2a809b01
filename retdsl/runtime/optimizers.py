"""Optimizers, by the names and options of the language.

Enters: options. Leaves: `name` and `options()`, what MXNet's own optimizer of that name takes, or the one that
`mx_optimizers` has in its place. MXNet is not imported here. Weight decay acts on convolution and fully connected
weights and on BatchNorm's scales, as everywhere in MXNet, and not on biases and BatchNorm's shifts; lars leaves the
scales alone, too. Unless said otherwise it is added to the gradient (g = gradient + wd * w), after any clipping.

In the formulas w is a parameter, m and v are moving means of g and of its square, and t counts the updates of w.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
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


class _Usual:
    """MXNet has it under the same name, with the same options."""

    __slots__ = ()

    @property
    def name(self) -> str:
        return type(self).__name__

    def options(self) -> dict[str, float]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        return {key: value if isinstance(value, bool) else float(value) for key, value in values.items() if key != "lr"}


@dataclass(frozen=True, slots=True)
class sgd(_Usual):
    """Stochastic gradient descent: v = momentum * v - lr * g; w = w + v.

    lr: above 0; momentum: in [0, 1); nesterov: looks ahead, w = w - lr * (g + momentum * v) with v = momentum * v + g;
    wd: weight decay, 0 or more. Source: Sutskever et al., ICML 2013.
    """

    lr: float = 0.01
    momentum: float = 0.0
    nesterov: bool = False
    wd: float = 0.0

    @property
    def name(self) -> str:
        return "nag" if self.nesterov else "sgd"

    def options(self) -> dict[str, float]:
        return {"momentum": float(self.momentum), "wd": float(self.wd)}


@dataclass(frozen=True, slots=True)
class adam(_Usual):
    """Adam: steps of lr * m / (sqrt(v) + epsilon), with m and v the bias-corrected moving moments of the gradient.

    beta1, beta2: in [0, 1), the memory of m and v. Source: Kingma and Ba, ICLR 2015; as in MXNet, epsilon joins
    before sqrt(v) is corrected.
    """

    lr: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    wd: float = 0.0


@dataclass(frozen=True, slots=True)
class adamw(_Usual):
    """Adam with decay apart from the gradient: w shrinks by lr * wd * w at each step, whatever its moments are.

    Source: Loshchilov and Hutter, ICLR 2019; the decay follows schedules and rates of layers, as the step does.
    """

    lr: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    wd: float = 0.01


@dataclass(frozen=True, slots=True)
class rmsprop(_Usual):
    """Steps of lr * g / sqrt(v + epsilon), with v = decay * v + (1 - decay) * g * g.

    centered: divides by sqrt(v - m * m + epsilon), with m the moving mean of g, and then keeps a share `momentum` of
    the step before. Sources: Tieleman and Hinton 2012; Graves 2013 (centered).
    """

    lr: float = 0.001
    decay: float = 0.9
    centered: bool = False
    momentum: float = 0.0
    epsilon: float = 1e-8
    wd: float = 0.0

    def options(self) -> dict[str, float]:
        return {
            "gamma1": float(self.decay),
            "gamma2": float(self.momentum),
            "centered": self.centered,
            "epsilon": float(self.epsilon),
            "wd": float(self.wd),
        }


@dataclass(frozen=True, slots=True)
class adagrad(_Usual):
    """Steps of lr * (gradient / sqrt(h + epsilon) + wd * w), with h the sum of all squared gradients.

    Source: Duchi et al., JMLR 2011.
    """

    lr: float = 0.01
    epsilon: float = 1e-7
    wd: float = 0.0

    def options(self) -> dict[str, float]:
        return {"eps": float(self.epsilon), "wd": float(self.wd)}


@dataclass(frozen=True, slots=True)
class adadelta(_Usual):
    """Steps of lr * d, with d = g * sqrt(u + epsilon) / sqrt(v + epsilon), u and v the moving means of d * d and g * g.

    rho: in [0, 1), their memory. Source: Zeiler 2012, whose lr is 1.
    """

    lr: float = 1.0
    rho: float = 0.9
    epsilon: float = 1e-5
    wd: float = 0.0


@dataclass(frozen=True, slots=True)
class adamax(_Usual):
    """Adam by the largest gradient: steps of lr / (1 - beta1^t) * m / (u + epsilon), with u = max(beta2 * u, |g|).

    Source: Kingma and Ba, ICLR 2015, section 7.1.
    """

    lr: float = 0.002
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    wd: float = 0.0


@dataclass(frozen=True, slots=True)
class nadam(_Usual):
    """Adam with Nesterov's look ahead. schedule_decay: how soon its momentum reaches beta1. Source: Dozat 2016."""

    lr: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    schedule_decay: float = 0.004
    wd: float = 0.0


@dataclass(frozen=True, slots=True)
class ftml(_Usual):
    """Follow the moving leader: Adam whose older gradients count by where they were taken. Source: Zheng and Kwok,
    ICML 2017.
    """

    lr: float = 0.0025
    beta1: float = 0.6
    beta2: float = 0.999
    epsilon: float = 1e-8
    wd: float = 0.0


@dataclass(frozen=True, slots=True)
class lamb(_Usual):
    """Adam whose step s = m / (sqrt(v) + epsilon) + wd * w is scaled by |w| / |s|, layer by layer, for huge batches.

    Source: You et al., ICLR 2020.
    """

    lr: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-6
    wd: float = 0.0


@dataclass(frozen=True, slots=True)
class lars(_Usual):
    """sgd whose rate is scaled by eta * |w| / (|gradient| + wd * |w|), layer by layer, for huge batches.

    Only weights are scaled, and only they decay. Source: You et al. 2017.
    """

    lr: float = 0.1
    momentum: float = 0.9
    eta: float = 0.001
    wd: float = 0.0

    def options(self) -> dict[str, float]:
        # MXNet's correction of the momentum for a changed rate reaches the first four parameters only.
        return {
            "momentum": float(self.momentum),
            "eta": float(self.eta),
            "wd": float(self.wd),
            "momentum_correction": False,
        }


@dataclass(frozen=True, slots=True)
class signum(_Usual):
    """Steps of lr in the direction of the sign of m = momentum * m + (1 - momentum) * g. Source: Bernstein et al.,
    ICML 2018.
    """

    lr: float = 0.0001
    momentum: float = 0.9
    wd: float = 0.0

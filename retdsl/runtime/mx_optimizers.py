"""The optimizers at work: MXNet's own, and five that MXNet has not, or not as their papers have them.

Enters: an optimizer by the language's name. Leaves: an `mx.optimizer.Optimizer`. Guaranteed: what it remembers are
arrays by parameter name and how often each parameter was updated, and nothing else.

* adamw: MXNet has the operator alone.
* adamax: MXNet's divides by 0 where a parameter never had a gradient, as behind a unit that never fires.
* adadelta: MXNet's takes no learning rate, so that no schedule and no rate of a layer would reach it.
* nag, which is sgd with nesterov: MXNet's decays what it remembers by the weights after the step, as it works in place.
* nadam: MXNet's counts the steps of its momentum for every parameter once more, and forgets them when it is saved.
"""

from __future__ import annotations

from functools import lru_cache
from math import sqrt
from typing import Any

from retdsl.runtime.bound import MxArray
from retdsl.runtime.mx import mx
from retdsl.runtime.optimizers import Optimizer

States = tuple[MxArray, MxArray]


def made(optimizer: Optimizer, **more: Any) -> Any:
    """MXNet's optimizer. more: what all of MXNet's optimizers take, without the learning rate."""
    settings = {"learning_rate": float(optimizer.lr), **optimizer.options(), **more}
    own = {"adadelta": AdaDelta, "adamax": Adamax, "adamw": AdamW, "nadam": Nadam, "nag": Nesterov}.get(optimizer.name)
    return mx.optimizer.create(optimizer.name, **settings) if own is None else own(**settings)


class _TwoMeans(mx.optimizer.Optimizer):  # type: ignore[misc]
    """Remembers two arrays for each parameter."""

    def __init__(self, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8, **more: Any) -> None:
        super().__init__(**more)
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon

    def create_state(self, _index: str, weight: MxArray) -> States:
        return mx.nd.zeros_like(weight), mx.nd.zeros_like(weight)

    def _begin(self, index: str) -> tuple[int, float, float]:
        """Which update of this parameter it is, its rate, and its decay."""
        self._update_count(index)
        return self._index_update_count[index], self._get_lr(index), self._get_wd(index)


class AdamW(_TwoMeans):
    """As `optimizers.adamw`."""

    def update(self, index: str, weight: MxArray, grad: MxArray, state: States) -> None:
        t, lr, wd = self._begin(index)
        # eta scales step and decay alike; what corrects the moments belongs to the step alone.
        mx.nd.contrib.adamw_update(
            weight,
            grad.copy(),  # it multiplies the gradient itself
            *state,
            mx.nd.array([self.rescale_grad], ctx=weight.context),
            out=weight,
            eta=lr,
            lr=sqrt(1 - self.beta2**t) / (1 - self.beta1**t),
            wd=wd,
            beta1=self.beta1,
            beta2=self.beta2,
            epsilon=self.epsilon,
        )


class Adamax(_TwoMeans):
    """As `optimizers.adamax`."""

    def update(self, index: str, weight: MxArray, grad: MxArray, state: States) -> None:
        t, lr, wd = self._begin(index)
        mean, largest = state
        gradient = grad * self.rescale_grad + wd * weight
        mean[:] = self.beta1 * mean + (1 - self.beta1) * gradient
        largest[:] = mx.nd.maximum(self.beta2 * largest, mx.nd.abs(gradient))
        weight[:] -= lr / (1 - self.beta1**t) * mean / (largest + self.epsilon)


class AdaDelta(_TwoMeans):
    """As `optimizers.adadelta`."""

    def __init__(self, rho: float = 0.9, epsilon: float = 1e-5, **more: Any) -> None:
        super().__init__(rho, rho, epsilon, **more)

    def update(self, index: str, weight: MxArray, grad: MxArray, state: States) -> None:
        _, lr, wd = self._begin(index)
        squares, steps = state
        gradient = grad * self.rescale_grad + wd * weight
        squares[:] = self.beta1 * squares + (1 - self.beta1) * gradient * gradient
        step = gradient * mx.nd.sqrt(steps + self.epsilon) / mx.nd.sqrt(squares + self.epsilon)
        steps[:] = self.beta1 * steps + (1 - self.beta1) * step * step
        weight[:] -= lr * step


class Nadam(_TwoMeans):
    """As `optimizers.nadam`."""

    def __init__(self, schedule_decay: float = 0.004, **more: Any) -> None:
        super().__init__(**more)
        self.schedule_decay = schedule_decay

    def update(self, index: str, weight: MxArray, grad: MxArray, state: States) -> None:
        t, lr, wd = self._begin(index)
        mean, squares = state
        gradient = grad * self.rescale_grad + wd * weight
        now, then = (_warmed(self.beta1, self.schedule_decay, at) for at in (t, t + 1))
        mean[:] = self.beta1 * mean + (1 - self.beta1) * gradient
        squares[:] = self.beta2 * squares + (1 - self.beta2) * gradient * gradient
        passed = _product(self.beta1, self.schedule_decay, t)
        ahead = (1 - now) / (1 - passed) * gradient + then / (1 - passed * then) * mean
        weight[:] -= lr * ahead / (mx.nd.sqrt(squares / (1 - self.beta2**t)) + self.epsilon)


class Nesterov(mx.optimizer.Optimizer):  # type: ignore[misc]
    """As `optimizers.sgd` with `nesterov`."""

    def __init__(self, momentum: float = 0.0, **more: Any) -> None:
        super().__init__(**more)
        self.momentum = momentum

    def create_state(self, _index: str, weight: MxArray) -> MxArray:
        return mx.nd.zeros_like(weight)

    def update(self, index: str, weight: MxArray, grad: MxArray, state: MxArray) -> None:
        self._update_count(index)
        gradient = grad * self.rescale_grad + self._get_wd(index) * weight
        state[:] = self.momentum * state + gradient
        weight[:] -= self._get_lr(index) * (gradient + self.momentum * state)


def _warmed(beta1: float, decay: float, t: int) -> float:
    """Nadam's momentum at update t: half of beta1 at first, beta1 in the end."""
    return beta1 * (1 - 0.5 * float(0.96 ** (t * decay)))


@lru_cache(maxsize=64)
def _product(beta1: float, decay: float, t: int) -> float:
    """The product of Nadam's momentum over all updates up to t."""
    product = 1.0
    for at in range(1, t + 1):
        product *= _warmed(beta1, decay, at)
        if product < 1e-30:  # and 1 - product is 1
            return 0.0
    return product

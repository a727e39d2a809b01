"""How gradients change parameters: MXNet's optimizer, its memory, and the learning rate of every update.

Enters: gradients by parameter name. Leaves: changed parameters. Guaranteed: `state` is all that it remembers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.bound import MxArray
from retdsl.runtime.mx import mx
from retdsl.runtime.mx_optimizers import made
from retdsl.runtime.optimizer_state import remember, remembered
from retdsl.runtime.recipe import Recipe


class Updater:
    """The optimizer at work. arguments: all parameters that it may ever be given; updates: how many there were."""

    def __init__(self, recipe: Recipe, arguments: Mapping[str, MxArray]) -> None:
        self.updates = 0
        self._arguments = arguments
        optimizer = made(
            recipe.optimizer,
            lr_scheduler=_RateOfNow(float(recipe.optimizer.lr), lambda: recipe.learning_rate(self.updates)),
            # States by name, and MXNet's own rule that neither biases nor betas decay.
            param_idx2name={name: name for name in arguments},
        )
        optimizer.set_lr_mult({name: recipe.rate_of(name) for name in arguments})
        self._updater = mx.optimizer.get_updater(optimizer)

    def step(
        self, names: Sequence[str], gradients: Mapping[str, MxArray], arguments: Mapping[str, MxArray], scale: float
    ) -> None:
        """One update of the parameters of these names. scale: what the gradients are multiplied by; they stay."""
        self.updates += 1
        self._updater.optimizer.rescale_grad = scale
        self._updater(list(names), [gradients[name] for name in names], [arguments[name] for name in names])

    def states(self) -> bytes:
        """What the optimizer remembers (momentum, moments) by parameter name, pickled by MXNet."""
        mx.nd.waitall()
        states: bytes = self._updater.get_states(dump_optimizer=False)
        return states

    def state(self) -> dict[str, NDArray[Any]]:
        mx.nd.waitall()
        return {"updates": np.array(self.updates), **remembered(self._updater)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self.updates = int(state["updates"])
        remember(self._updater, state, self._arguments)


class _RateOfNow(mx.lr_scheduler.LRScheduler):  # type: ignore[misc]
    """MXNet asks it for the rate at every update.

    It tells how many updates there were of the parameters so far, which for those that are trained only later is less
    than the steps of training; so the steps are not counted by it.
    """

    def __init__(self, base: float, rate: Callable[[], float]) -> None:
        super().__init__(base_lr=base)
        self._rate = rate

    def __call__(self, _num_update: int) -> float:
        return self._rate()

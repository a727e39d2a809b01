"""The average of the weights over the updates: what a network is judged by and saved as, while training goes on.

Enters: the parameters after each update. Leaves: their exponential average. Guaranteed: training does not notice.

After update t the average is the sum of (1 - decay) * decay^(t - s) * w_s over all updates s so far, divided by the sum
of these factors: so early averages lean to no starting value. BatchNorm's statistics of what is trained are averaged
alike: they belong to the weights they were measured with. A part that is trained only later counts as it was until
then. Sources: Polyak and Juditsky, SIAM J. Control and Optimization 1992; Tarvainen and Valpola, NeurIPS 2017.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.average import ema
from retdsl.runtime.bound import MxArray
from retdsl.runtime.mx import mx


class Average:
    """The average of a network's values. values: the arrays that training changes, in place, by name."""

    def __init__(self, rule: ema, values: Mapping[str, MxArray]) -> None:
        self._rule = rule
        self._values = values
        self._averages: dict[str, MxArray] = {}
        self._updates = 0

    def begin(self, names: Iterable[str]) -> None:
        """What is trained from now on."""
        for name in names:
            self._averages.setdefault(name, self._values[name].copy())

    def note(self) -> None:
        """Told after every update."""
        # MXNet does not track BatchNorm's writes to its statistics; without waiting, stale ones may be read.
        mx.nd.waitall()
        self._updates += 1
        kept = self._rule.kept(self._updates)
        for name, average in self._averages.items():
            average[:] = kept * average + (1 - kept) * self._values[name]

    def values(self) -> dict[str, MxArray]:
        """All values, those that are trained as their averages."""
        return {**self._values, **self._averages}

    def state(self) -> dict[str, NDArray[Any]]:
        """The averages; whoever trains remembers the weights themselves."""
        mx.nd.waitall()
        averages = {f"average:{name}": array.asnumpy() for name, array in self._averages.items()}
        return {"updates": np.array(self._updates), **averages}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self._updates = int(state["updates"])
        for key, array in state.items():
            kind, _, name = key.partition(":")
            if kind == "average":
                self._averages[name] = mx.nd.array(array, ctx=self._values[name].context)

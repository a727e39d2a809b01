"""The gradient of a step: the sum over the images of one or more batches, clipped.

Enters: what an executor writes or adds into `arrays`, batch by batch. Leaves: gradients, and what they are to be
multiplied by. Guaranteed: nothing but the sum over the batches of a step that is not finished is remembered; of several
workers, the first one's state holds that of all.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.bound import MxArray
from retdsl.runtime.clipping import Clipping, norm, value
from retdsl.runtime.mx import mx
from retdsl.runtime.workers import Workers

SMALL = 2.0**40
"""Numbers below this one have a norm that is a number, however many there are."""


class Gradients:
    """The gradients of all parameters that are trained.

    accumulate: how many batches make a step; clip: None leaves gradients as they are; workers: who make a step
    together. batches: how many of the step at hand have been added.
    """

    def __init__(self, accumulate: int = 1, clip: Clipping | None = None, workers: Workers | None = None) -> None:
        self.arrays: dict[str, MxArray] = {}
        self.batches = 0
        self._length: float | None = math.nan
        self._images = 1
        self._accumulate = accumulate
        self._clip = clip
        self._workers = workers or Workers()

    @property
    def request(self) -> str:
        """What executors are to do with a gradient."""
        return "add" if self._accumulate > 1 else "write"

    def begin(self, names: Iterable[str], arguments: Mapping[str, MxArray]) -> None:
        """These parameters are trained from now on. Between steps only."""
        self._settle()
        known = self.arrays
        self.arrays = {n: known[n] if n in known else mx.nd.zeros_like(arguments[n]) for n in names}

    def nothing(self) -> None:
        """Told that a batch has no image for this process, in place of what an executor would write."""
        if self._accumulate == 1:
            for array in self.arrays.values():
                array[:] = 0

    def added(self) -> bool:
        """Told that a batch has been added. Returns whether the step has all its batches."""
        self.batches += 1
        return self.batches == self._accumulate

    def measure(self, images: int) -> bool:
        """The step has its gradient. images: of a full step. Returns whether all gradients are numbers."""
        self._images, self._length = images, None
        return self._are_small() or math.isfinite(self.length)

    @property
    def length(self) -> float:
        """The norm of the last step's mean gradient before clipping, NaN before there was one."""
        # Worked out for who asks, as it takes MXNet longer than the step of a small head.
        if self._length is None:
            norms = [mx.nd.norm(array).reshape(1) for array in self.arrays.values()]
            lengths = mx.nd.concat(*norms, dim=0).asnumpy().astype(np.float64) if len(norms) > 1 else norms[0].asnumpy()
            self._length = float(np.sqrt((lengths**2).sum())) / self._images
        return self._length

    def _settle(self) -> None:
        """To be called before gradients change otherwise than by the next batch: nobody can work out `length` then."""
        _ = self.length

    def _are_small(self) -> bool:
        """Whether a quick look finds that all gradients are numbers, of a common size."""
        if any(array.context.device_type != "cpu" for array in self.arrays.values()):
            return False  # a norm is less to fetch from there
        return all(np.abs(array.asnumpy()).max(initial=0) < SMALL for array in self.arrays.values())

    def clipped(self, images: int) -> float:
        """Clips. Returns what the sums are to be multiplied by. images: of a full step; `measure` comes first."""
        match self._clip:
            case norm() as rule:
                return rule.scale(self.length) / images
            case value(limit=limit):
                self._settle()
                for array in self.arrays.values():
                    mx.nd.clip(array, -limit * images, limit * images, out=array)
        return 1 / images

    def finish(self) -> None:
        """The step is done; the next one starts from nothing."""
        self.batches = 0
        if self._accumulate > 1:
            self._settle()
            for array in self.arrays.values():
                array[:] = 0

    def gather(self) -> None:
        """Has the first worker take over what all have added to a step that is not finished: its state is saved, and
        all go on from there.
        """
        if self.batches and self._workers.count > 1:
            self._workers.sum(self.arrays)
            self._leave_to_the_first()

    def _leave_to_the_first(self) -> None:
        if not self._workers.first:
            for array in self.arrays.values():
                array[:] = 0

    def state(self) -> dict[str, NDArray[Any]]:
        """The sums of a step that is not finished, and the length of the last one."""
        mx.nd.waitall()
        begun = self.arrays if self.batches else {}
        sums = {f"sum:{name}": array.asnumpy() for name, array in begun.items()}
        return {"batches": np.array(self.batches), "length": np.array(self.length), **sums}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """To be followed by `begin` unless these parameters are trained already."""
        self.batches, self._length = int(state["batches"]), float(state["length"])
        for key, sums in state.items():
            kind, _, name = key.partition(":")
            if kind == "sum" and name in self.arrays:
                self.arrays[name][:] = sums
            elif kind == "sum":
                self.arrays[name] = mx.nd.array(sums, ctx=next(iter(self.arrays.values())).context)
        self._leave_to_the_first()

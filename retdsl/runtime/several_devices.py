"""The trained part of a network on several devices at once: each takes a share of every batch.

Enters: batches at the cuts, with their labels, on the first device. Leaves: probabilities of the whole batch, and the
gradient of the whole batch in the arrays of the first device, where parameters are updated. Guaranteed: no device
remembers anything that the first does not have, so that checkpoints, averages and states are those of one device; the
order in which gradients are summed is that of the devices.

Each BatchNorm that is trained normalises by the share of its own device, as everywhere in MXNet. Its moving statistics
are those of the shares, averaged by how many images each has, after every batch: so every device goes on with the same.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.bound import Device, MxArray
from retdsl.runtime.gradients import Gradients
from retdsl.runtime.mx import mx
from retdsl.runtime.trained_part import Learning, TrainedPart


class _Replica:
    """What one of the other devices has: copies of the values, gradients of its share, and the part bound to them."""

    def __init__(self, learning: Learning, where: Device) -> None:
        symbol = learning.symbols.trained
        given = learning.arguments
        self.arguments = {n: given[n].copyto(where) for n in symbol.list_arguments() if n in given}
        self.auxiliary = {n: learning.auxiliary[n].copyto(where) for n in symbol.list_auxiliary_states()}
        self.gradients = Gradients()
        self.gradients.begin(learning.updated, self.arguments)
        own = replace(learning, arguments=self.arguments, auxiliary=self.auxiliary, gradients=self.gradients)
        self.part = TrainedPart(own, where)


class OnSeveralDevices:
    """As `TrainedPart`. learning: on the first of the devices; frozen: names of statistics that stay as they are."""

    def __init__(self, learning: Learning, frozen: Collection[str], devices: Sequence[Device]) -> None:
        self._learning = learning
        self._statistics = [n for n in learning.symbols.trained.list_auxiliary_states() if n not in frozen]
        self._where = devices[0]
        self._first = TrainedPart(learning, devices[0])
        self._others = [_Replica(learning, where) for where in devices[1:]]

    @property
    def draws(self) -> bool:
        """Whether anything in it is random."""
        return self._first.draws

    def learn(self, features: Sequence[MxArray], labels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Writes or adds the gradient of a batch. Returns its probabilities [n, C], as they are before any step."""
        shares = shares_of(len(labels), 1 + len(self._others))
        parts = (self._first, *(other.part for other in self._others))
        # All devices have their work before the first one is waited for.
        answers = [
            part.begin([_rows(array, share) for array in features], labels[share])
            for part, share in zip(parts, shares, strict=False)
        ]
        busy = self._others[: len(shares) - 1]
        self._sum_gradients(busy)
        self._join_statistics(busy, [share.stop - share.start for share in shares])
        return np.concatenate([answer.asnumpy() for answer in answers])

    def given(self, size: int) -> dict[str, MxArray]:
        """What the last batch of that size was given, features and labels by name, on the first device."""
        shares = shares_of(size, 1 + len(self._others))
        parts = (self._first, *(other.part for other in self._others))
        each = [part.given(share.stop - share.start) for part, share in zip(parts, shares, strict=False)]
        return {name: mx.nd.concat(*(one[name].copyto(self._where) for one in each), dim=0) for name in each[0]}

    def planned(self, size: int) -> int:
        """Bytes that it takes to learn from so many images, on all devices together. Raises MemoryError."""
        shares = shares_of(size, 1 + len(self._others))
        parts = (self._first, *(other.part for other in self._others))
        return sum(part.planned(share.stop - share.start) for part, share in zip(parts, shares, strict=False))

    def follow(self) -> None:
        """Told that parameters on the first device have changed, or statistics: gives them to the others."""
        for other in self._others:
            for name in self._learning.updated:
                self._learning.arguments[name].copyto(other.arguments[name])
            for name in self._statistics:
                self._learning.auxiliary[name].copyto(other.auxiliary[name])
        if self._statistics:
            # MXNet does not track what BatchNorm does with its statistics: they must be there before it reads them.
            mx.nd.waitall()

    def _sum_gradients(self, others: Sequence[_Replica]) -> None:
        for name, sum in self._learning.gradients.arrays.items():
            for other in others:
                sum += other.gradients.arrays[name].as_in_context(self._where)

    def _join_statistics(self, others: Sequence[_Replica], images: Sequence[int]) -> None:
        """Averages the statistics on the first device. images: of the share of each device, the first one's first."""
        if not self._statistics:
            return
        mx.nd.waitall()
        for name in self._statistics:
            joined = self._learning.auxiliary[name]
            joined *= images[0]
            for other, share in zip(others, images[1:], strict=True):
                joined += share * other.auxiliary[name].as_in_context(self._where)
            joined /= sum(images)
            for other in self._others:
                joined.copyto(other.auxiliary[name])
        mx.nd.waitall()


def shares_of(images: int, devices: int) -> list[slice]:
    """The rows of each device: as even as can be, the first ones larger; fewer than there are devices of few images."""
    size, larger = divmod(images, devices)
    ends = [number * size + min(number, larger) for number in range(devices + 1)]
    return [slice(start, end) for start, end in pairwise(ends) if end > start]


def _rows(array: MxArray, share: slice) -> MxArray:
    """By an operator: a plain slice of what oneDNN laid out in its own way cannot be copied."""
    return mx.nd.slice_axis(array, axis=0, begin=share.start, end=share.stop)

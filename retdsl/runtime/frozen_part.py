"""The part of a network in which nothing is trained: images go in, the values at the cuts come out.

Enters: a network's symbols in one phase, the values of all parameters. Leaves: for every batch of images an array for
each cut, on the device. Guaranteed: no parameter is changed; where nothing is frozen off, images pass as they are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.engines import FROZEN, Engines
from retdsl.runtime.forward import Device, MxArray, forward_by, full_batch
from retdsl.runtime.network import Symbols


class FrozenPart:
    """The frozen part of one phase. input, shape: name and `[...]` of what enters; batch: images in a full batch.

    engines: those that may compute it, None for MXNet alone.
    """

    def __init__(
        self,
        symbols: Symbols,
        values: Mapping[str, MxArray],
        input: str,
        shape: Sequence[int],
        batch: int,
        where: Device,
        engines: Engines | None = None,
    ) -> None:
        self._batch = batch
        self._where = where
        self._given = symbols.inputs
        self._forward = (
            None
            if symbols.frozen is None
            else forward_by(symbols.frozen, values, input, shape, batch, where, engines=engines, part=FROZEN)
        )

    def __call__(self, images: NDArray[np.float32]) -> list[MxArray]:
        """What images [n, ...] are at the cuts, padded to the full batch; it may be overwritten by the next call."""
        return [full_batch(images, self._batch, self._where)] if self._forward is None else self._forward(images)

    @property
    def engine(self) -> str | None:
        """What computes it; None where nothing is frozen off."""
        return None if self._forward is None else self._forward.engine

    @property
    def bytes(self) -> int | None:
        """What one image takes behind it; None where nothing is frozen off."""
        return None if self._forward is None else sum(4 * math.prod(shape) for shape in self._given.values())

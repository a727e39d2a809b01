"""The part of a network in which nothing is trained: images go in, the values at the cuts come out.

Enters: a network's symbols in one phase, the values of all parameters. Leaves: for every batch of images an array for
each cut, on the device. Guaranteed: no parameter is changed; where nothing is frozen off, images pass as they are; what
computes it is bound when it is first asked, so that who has all features at hand already does not wait for it.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.bound import Device, MxArray, full_batch
from retdsl.runtime.choice import forward_by
from retdsl.runtime.engines import FROZEN, Engines
from retdsl.runtime.forward import Forward, Inference
from retdsl.runtime.initial import Shape
from retdsl.runtime.loader import Batch
from retdsl.runtime.network import Symbols


@dataclass(frozen=True)
class BehindFrozen:
    """A batch behind the frozen part. images: what comes out there, an array [batch, ...] for every cut; photographs:
    makes the batch as it went in; rows: as of a `Batch`.
    """

    images: list[MxArray]
    labels: NDArray[np.float32]
    indices: NDArray[np.int64]
    photographs: Callable[[], Batch]
    rows: NDArray[np.int64] | None = None


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
        self.batch = batch
        self.shape: Shape = tuple(shape)
        self.where = where
        self._symbol = symbols.frozen
        self._values = values
        self._input = input
        self._given = symbols.inputs
        self._predicting = symbols.predicting
        self._engines = engines
        self._identified = self._carried()

    def __call__(self, images: NDArray[np.float32]) -> list[MxArray]:
        """What images [n, ...] are at the cuts, padded to the full batch; it may be overwritten by the next call."""
        return [full_batch(images, self.batch, self.where)] if self._symbol is None else self._forward(images)

    @property
    def is_there(self) -> bool:
        """Whether anything is frozen off."""
        return self._symbol is not None

    @property
    def engine(self) -> str | None:
        """What computes it; None where nothing is frozen off."""
        return None if self._symbol is None else self._forward.engine

    @property
    def cuts(self) -> Mapping[str, Shape]:
        """The values at the cuts by name, with their shapes `[...]` for one image."""
        return self._given

    @property
    def bytes(self) -> int | None:
        """What one image takes behind it; None where nothing is frozen off."""
        return None if self._symbol is None else sum(4 * math.prod(shape) for shape in self._given.values())

    def identity(self) -> str:
        """A digest of all that its numbers hang on besides the images: the graph, the values of its parameters, what
        computes it, with how many threads and images at once.
        """
        assert self._symbol is not None
        engine, self._identified = self.engine, self._carried()
        found = blake2b(digest_size=32)
        about = (
            self._symbol.tojson(),
            engine,
            self.shape,
            self.batch,
            self.where,
            self._predicting,
            os.environ.get(THREADS),
            self._engines and self._engines.lowering(),
        )
        found.update("\0".join(map(str, about)).encode())
        for name in (*self._symbol.list_arguments(), *self._symbol.list_auxiliary_states()):
            if name != self._input:
                found.update(self._values[name].asnumpy().tobytes())
        return found.hexdigest()

    def spared(self, images: Callable[[], NDArray[np.float32]]) -> None:
        """Told that what it gave in another run is taken: lock.json tells what computes it all the same. How far a
        lower precision is from float32 shows only when images pass: then these do.
        """
        if self._engines is None or self._engines.tells(FROZEN):
            return
        if self._engines.precision is None:
            self._engines.tell(FROZEN, self._forward.engine)
        else:
            self(images())

    def settle(self) -> None:
        """Binds what computes it before it is asked: several workers, who agree on that, do so at the same point."""
        if self._symbol is not None:
            _ = self._forward

    @property
    def is_as_identified(self) -> bool:
        """Whether what computes it is what `identity` has told: an engine may be left when the first images show that
        it does not compute what MXNet does.
        """
        return self._carried() == self._identified

    def _carried(self) -> str | None:
        return None if self._engines is None else self._engines.asked

    @cached_property
    def _forward(self) -> Forward:
        return forward_by(
            Inference(self._symbol, self._values, self._input, self.shape, self.batch, self.where, self._predicting),
            self._engines,
            FROZEN,
        )


THREADS = "OMP_NUM_THREADS"

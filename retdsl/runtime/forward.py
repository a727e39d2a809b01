"""Parts of a network that only predict, and what can compute them: MXNet or onnxruntime. `choice` says which does.

Enters: a symbol without labels, its parameters, batches of images. Leaves: its outputs. Guaranteed: nothing here ever
changes a parameter, and the last, smaller batch gives what it would give inside a full one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.bound import Bound, Device, MxArray, full_batch
from retdsl.runtime.folding import Predicting
from retdsl.runtime.initial import Array
from retdsl.runtime.mx import mx
from retdsl.runtime.onnx_part import OnnxPart
from retdsl.runtime.out_of_memory import enough_memory
from retdsl.runtime.skeleton import Model
from retdsl.runtime.symbols import Symbol


@dataclass(frozen=True)
class Inference:
    """A network, or a part of one, with one input, that only predicts.

    symbol: without labels; parameters: NDArrays by name, used as they are; input, shape: name and `[...]` of what
    enters, without the batch axis; batch: images at once; where: the device; predicting: what becomes of the symbol
    before it is bound.
    """

    symbol: Symbol
    parameters: Mapping[str, MxArray]
    input: str
    shape: Sequence[int]
    batch: int
    where: Device
    predicting: Predicting = Predicting()  # noqa: RUF009 (frozen)

    def bound(self) -> Bound:
        """It, bound by MXNet."""
        inputs = {self.input: tuple(self.shape)}
        return Bound(self.symbol, self.parameters, inputs, self.batch, self.where, self.predicting)

    @property
    def outputs(self) -> list[str]:
        """The layers whose values come out."""
        return [name.removesuffix("_output") for name in self.symbol.list_outputs()]

    def numbers(self) -> dict[str, Array]:
        """The values of its parameters."""
        return {name: array.asnumpy() for name, array in self.parameters.items()}


class Forward(Protocol):
    """A part of a network that only predicts, ready to compute. engine: what computes it, in words; batch: images."""

    @property
    def engine(self) -> str: ...

    @property
    def batch(self) -> int: ...

    def __call__(self, images: NDArray[np.float32], /) -> list[MxArray]:
        """Every output [batch, ...] for images [n, ...], at most `batch`; rows beyond n mean nothing.

        They may be overwritten by the next call.
        """
        ...


class ByMXNet:
    """Computed by MXNet. kind: what is said of it besides, as " int8".

    Raises OutOfMemory, when it is made or with the first images, where the batch is too large for the machine.
    """

    def __init__(self, inference: Inference, kind: str = "") -> None:
        self.engine = " ".join((f"mxnet {mx.__version__}{kind}", *inference.predicting.words()))
        self.batch = inference.batch
        self._where = inference.where
        self._computed = False

        def attempt(images: int) -> None:
            for output in replace(inference, batch=images).bound()([mx.nd.zeros((images, *inference.shape))]):
                output.wait_to_read()

        self._memory = partial(enough_memory, "to predict", self.batch, attempt)
        with self._memory():
            self._bound = inference.bound()

    def __call__(self, images: NDArray[np.float32]) -> list[MxArray]:
        if self._computed:
            return self._bound([full_batch(images, self.batch, self._where)])
        with self._memory():
            outputs = self._bound([full_batch(images, self.batch, self._where)])
            for output in outputs:
                output.wait_to_read()
        self._computed = True
        return outputs


class ByOnnxruntime:
    """Computed by onnxruntime, which gives what MXNet goes on with. model: the same in ONNX; kind: as of `ByMXNet`.

    Raises NotCarried.
    """

    def __init__(self, inference: Inference, model: Model, threads: int, kind: str = "") -> None:
        self._part = OnnxPart(model, inference.input, inference.outputs, threads, kind)
        self.engine = self._part.engine
        self.batch = inference.batch
        self._where = inference.where

    def __call__(self, images: NDArray[np.float32]) -> list[MxArray]:
        # Always as many images: what is made of one must not depend, to the last bit, on how many it comes with.
        if missing := self.batch - len(images):
            images = np.concatenate([images, np.zeros((missing, *images.shape[1:]), np.float32)])
        return [mx.nd.array(values, ctx=self._where, dtype=np.float32) for values in self._part(images)]

"""Symbols bound for prediction, and the predictions of whole sets of photographs.

Enters: a symbol without labels, its parameters, batches of images. Leaves: its outputs. Guaranteed: nothing here ever
changes a parameter, and the last, smaller batch gives what it would give inside a full one.

Bound this way (no gradient for anything) MXNet's oneDNN backend fuses convolution, BatchNorm and activation, several
times faster than the same symbol bound for training. The fused layers keep weights folded when they first ran, and do
NOT notice when the arrays change afterwards: so a `Bound` symbol never gets new parameters, one binds anew instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.errors import RunError
from retdsl.runtime.initial import Array, Shape
from retdsl.runtime.mx import mx
from retdsl.runtime.predictions import Predictions
from retdsl.runtime.symbols import Symbol
from retdsl.runtime.views import joined

Device: TypeAlias = Any
"""An `mxnet.Context`."""

MxArray: TypeAlias = Any
"""An `mxnet.nd.NDArray`."""


def device() -> Device:
    """The first GPU if the installed MXNet can use one, else the processor."""
    return mx.gpu(0) if mx.context.num_gpus() > 0 else mx.cpu()


class Bound:
    """A symbol bound for prediction at one batch size.

    parameters: NDArrays by name (arguments and auxiliary states), used as they are, not copied; inputs: name and shape
    `[...]` of each input, without the batch axis.
    """

    def __init__(
        self,
        symbol: Symbol,
        parameters: Mapping[str, MxArray],
        inputs: Mapping[str, Shape],
        batch: int,
        where: Device,
    ) -> None:
        self.batch = batch
        self._inputs = [mx.nd.zeros((batch, *shape), ctx=where) for shape in inputs.values()]
        given = dict(zip(inputs, self._inputs, strict=True))
        # A part may leave inputs unused, and a frozen part may pass its input through.
        arguments = {name: given[name] if name in given else parameters[name] for name in symbol.list_arguments()}
        auxiliary = {name: parameters[name] for name in symbol.list_auxiliary_states()}
        self._executor = symbol.bind(where, arguments, grad_req="null", aux_states=auxiliary)

    def __call__(self, inputs: Sequence[MxArray]) -> list[MxArray]:
        """The outputs for full batches. They are overwritten by the next call."""
        for bound, values in zip(self._inputs, inputs, strict=True):
            values.copyto(bound)
        outputs: list[MxArray] = self._executor.forward(is_train=False)
        return outputs


def full_batch(images: NDArray[np.float32], batch: int, where: Device) -> MxArray:
    """`images` [n, ...] on the device as [batch, ...], padded with zeros. Shapes that stay spare MXNet binding anew."""
    if missing := batch - len(images):
        images = np.concatenate([images, np.zeros((missing, *images.shape[1:]), np.float32)])
    return mx.nd.array(images, ctx=where, dtype=np.float32)


class Labelled(Protocol):
    """A batch, in whatever form: a `Batch` of photographs, or what the frozen part made of them."""

    @property
    def images(self) -> Any: ...

    @property
    def labels(self) -> NDArray[np.float32]: ...

    @property
    def indices(self) -> NDArray[np.int64]: ...


def predict(batches: Iterable[Labelled], forward: Callable[[Any], MxArray]) -> Predictions:
    """The predictions of all batches, one row a photograph: of one that comes in several views, their mean.

    forward: from a batch's images to probabilities [n or more, C].

    Raises RunError when a probability is not a number.
    """
    indices: list[NDArray[Any]] = []
    labels: list[NDArray[Any]] = []
    probabilities: list[NDArray[np.float32]] = []
    for batch in batches:
        indices.append(batch.indices)
        labels.append(batch.labels)
        probabilities.append(forward(batch.images).asnumpy()[: len(batch.labels)])
    predictions = Predictions(
        np.concatenate(indices).astype(np.int64),
        np.concatenate(labels).astype(np.int64),
        np.concatenate(probabilities),
    )
    if not np.isfinite(predictions.probabilities).all():
        raise RunError("the network answers with numbers that are not finite (NaN)")
    return joined(predictions)


class Predictor:
    """A whole network ready to predict: parameters as NumPy arrays, e.g. from a checkpoint."""

    def __init__(
        self,
        symbol: Symbol,
        parameters: Mapping[str, Array],
        input: str,
        input_shape: Sequence[int],
        batch: int,
    ) -> None:
        self._where = device()
        arrays = {name: mx.nd.array(value, ctx=self._where) for name, value in parameters.items()}
        self._bound = Bound(symbol, arrays, {input: tuple(input_shape)}, batch, self._where)

    def __call__(self, images: NDArray[np.float32]) -> MxArray:
        """Probabilities [batch, C]; rows beyond `len(images)` mean nothing."""
        return self._bound([full_batch(images, self._bound.batch, self._where)])[0]

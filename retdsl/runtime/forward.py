"""Parts of a network that only predict, and which engine computes them.

Enters: a symbol without labels, its parameters, batches of images. Leaves: its outputs. Guaranteed: nothing here ever
changes a parameter, and the last, smaller batch gives what it would give inside a full one.

Bound this way (no gradient for anything) MXNet's oneDNN backend fuses convolution, BatchNorm and activation, several
times faster than the same symbol bound for training. The fused layers keep weights folded when they first ran, and do
NOT notice when the arrays change afterwards: so a `Bound` symbol never gets new parameters, one binds anew instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.folding import Predicting, joining
from retdsl.runtime.initial import Shape
from retdsl.runtime.mx import mx
from retdsl.runtime.symbols import Symbol

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
    `[...]` of each input, without the batch axis; predicting: what becomes of the symbol before it is bound.
    """

    def __init__(
        self,
        symbol: Symbol,
        parameters: Mapping[str, MxArray],
        inputs: Mapping[str, Shape],
        batch: int,
        where: Device,
        predicting: Predicting = Predicting(),  # noqa: B008 (frozen)
    ) -> None:
        self.batch = batch
        symbol, folded = predicting.prepared(symbol, parameters)
        parameters = {**parameters, **{name: mx.nd.array(value, ctx=where) for name, value in folded.items()}}
        self._inputs = [mx.nd.zeros((batch, *shape), ctx=where) for shape in inputs.values()]
        given = dict(zip(inputs, self._inputs, strict=True))
        # A part may leave inputs unused, and a frozen part may pass its input through.
        arguments = {name: given[name] if name in given else parameters[name] for name in symbol.list_arguments()}
        auxiliary = {name: parameters[name] for name in symbol.list_auxiliary_states()}
        self._executor = _bind(symbol, where, arguments, auxiliary, fused=predicting.fused)

    def __call__(self, inputs: Sequence[MxArray]) -> list[MxArray]:
        """The outputs for full batches. They are overwritten by the next call."""
        for bound, values in zip(self._inputs, inputs, strict=True):
            values.copyto(bound)
        outputs: list[MxArray] = self._executor.forward(is_train=False)
        return outputs


def _bind(
    symbol: Symbol, where: Device, arguments: Mapping[str, MxArray], auxiliary: Mapping[str, MxArray], *, fused: bool
) -> Any:
    """The symbol bound without gradients. fused: its layers joined where MXNet can."""
    with joining(fused=fused):
        try:
            return symbol.bind(where, arguments, grad_req="null", aux_states=auxiliary)
        except mx.base.MXNetError:
            # A layer that is an output, and joined to the next one as well, is counted twice by the joining.
            if not fused:
                raise
    return _bind(symbol, where, arguments, auxiliary, fused=False)


def full_batch(images: NDArray[np.float32], batch: int, where: Device) -> MxArray:
    """`images` [n, ...] on the device as [batch, ...], padded with zeros. Shapes that stay spare MXNet binding anew."""
    if missing := batch - len(images):
        images = np.concatenate([images, np.zeros((missing, *images.shape[1:]), np.float32)])
    return mx.nd.array(images, ctx=where, dtype=np.float32)


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
    """A part with one input, computed by MXNet."""

    def __init__(
        self,
        symbol: Symbol,
        parameters: Mapping[str, MxArray],
        input: str,
        shape: Shape,
        batch: int,
        where: Device,
        predicting: Predicting,
    ) -> None:
        self.engine = " ".join((f"mxnet {mx.__version__}", *predicting.words()))
        self.batch = batch
        self._where = where
        self._bound = Bound(symbol, parameters, {input: shape}, batch, where, predicting)

    def __call__(self, images: NDArray[np.float32]) -> list[MxArray]:
        return self._bound([full_batch(images, self.batch, self._where)])


def forward_by(
    symbol: Symbol,
    parameters: Mapping[str, MxArray],
    input: str,
    shape: Sequence[int],
    batch: int,
    where: Device,
    predicting: Predicting = Predicting(),  # noqa: B008 (frozen)
) -> Forward:
    """What computes a symbol for images `shape`: the one place that decides which engine carries what only predicts.

    predicting: what becomes of the symbol first; where that asks for no fusion, MXNet carries it, layer after layer.
    """
    return ByMXNet(symbol, parameters, input, tuple(shape), batch, where, predicting)

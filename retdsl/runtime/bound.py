"""A symbol bound for prediction by MXNet.

Enters: a symbol without labels, its parameters, batches of inputs. Leaves: its outputs. Guaranteed: nothing here ever
changes a parameter.

Bound this way (no gradient for anything) MXNet's oneDNN backend fuses convolution, BatchNorm and activation, several
times faster than the same symbol bound for training. The fused layers keep weights folded when they first ran, and do
NOT notice when the arrays change afterwards: so a `Bound` symbol never gets new parameters, one binds anew instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.devices import contexts
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
    return contexts()[0]


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

    @property
    def planned(self) -> int:
        """Bytes that it takes to compute."""
        return planned(self._executor)


def planned(executor: Any) -> int:
    """Bytes that MXNet will take for what an executor computes. It takes them only when it computes."""
    found = re.search(r"^Total (\d+) MB allocated", executor.debug_str(), re.MULTILINE)
    return 0 if found is None else int(found[1]) * 2**20


def require_room(wanted: int, where: Device) -> None:
    """Raises MemoryError unless a device has room for so many bytes, and for a quarter more.

    MXNet takes them in the midst of computing, by threads that may crash when they get none.
    """
    wanted = wanted * 5 // 4
    if where.device_type == "cpu":
        np.empty(wanted, np.uint8)
    elif mx.context.gpu_memory_info(where.device_id)[0] < wanted:
        raise MemoryError


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

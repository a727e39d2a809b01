"""Parts of a network that only predict, and which engine computes them.

Enters: a symbol without labels, its parameters, batches of images. Leaves: its outputs. Guaranteed: nothing here ever
changes a parameter, and the last, smaller batch gives what it would give inside a full one.

Bound this way (no gradient for anything) MXNet's oneDNN backend fuses convolution, BatchNorm and activation, several
times faster than the same symbol bound for training. The fused layers keep weights folded when they first ran, and do
NOT notice when the arrays change afterwards: so a `Bound` symbol never gets new parameters, one binds anew instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.devices import contexts
from retdsl.runtime.engines import FROZEN, PREDICTION, Calibration, Engines
from retdsl.runtime.errors import RunError
from retdsl.runtime.folding import Predicting, joining
from retdsl.runtime.initial import Shape
from retdsl.runtime.mx import mx
from retdsl.runtime.onnx_part import NotCarried, OnnxPart
from retdsl.runtime.out_of_memory import enough_memory
from retdsl.runtime.precision import Precision, bf16
from retdsl.runtime.skeleton import Model
from retdsl.runtime.symbols import Symbol

COMPARED = 2
"""Images that two engines are compared on."""

CLOSE = 1e-4
"""How far two engines may be apart, as a share of the largest number. What they round differently is some 1e-6."""

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
    """A part with one input, computed by MXNet. kind: what is said of it besides, as " int8".

    Raises OutOfMemory, when it is made or with the first images, where the batch is too large for the machine.
    """

    def __init__(
        self,
        symbol: Symbol,
        parameters: Mapping[str, MxArray],
        input: str,
        shape: Shape,
        batch: int,
        where: Device,
        predicting: Predicting,
        kind: str = "",
    ) -> None:
        self.engine = " ".join((f"mxnet {mx.__version__}{kind}", *predicting.words()))
        self.batch = batch
        self._where = where
        self._computed = False

        def bound(images: int) -> Bound:
            return Bound(symbol, parameters, {input: shape}, images, where, predicting)

        def attempt(images: int) -> None:
            for output in bound(images)([mx.nd.zeros((images, *shape))]):
                output.wait_to_read()

        self._memory = partial(enough_memory, "to predict", batch, attempt)
        with self._memory():
            self._bound = bound(batch)

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
    """A part with one input, computed by onnxruntime, which gives what MXNet goes on with."""

    def __init__(self, part: OnnxPart, batch: int, where: Device) -> None:
        self.engine = part.engine
        self.batch = batch
        self._part = part
        self._where = where

    def __call__(self, images: NDArray[np.float32]) -> list[MxArray]:
        # Always as many images: what is made of one must not depend, to the last bit, on how many it comes with.
        if missing := self.batch - len(images):
            images = np.concatenate([images, np.zeros((missing, *images.shape[1:]), np.float32)])
        return [mx.nd.array(values, ctx=self._where, dtype=np.float32) for values in self._part(images)]


class Tried:
    """A part whose engine is settled by the first images that it is given. engine: what is to carry it until then."""

    def __init__(self, engine: str, batch: int, settle: Callable[[NDArray[np.float32]], Forward]) -> None:
        self._announced = engine
        self.batch = batch
        self._settle = settle
        self._forward: Forward | None = None

    @property
    def engine(self) -> str:
        return self._announced if self._forward is None else self._forward.engine

    def __call__(self, images: NDArray[np.float32]) -> list[MxArray]:
        if self._forward is None:
            self._forward = self._settle(images)
        return self._forward(images)


def forward_by(
    symbol: Symbol,
    parameters: Mapping[str, MxArray],
    input: str,
    shape: Sequence[int],
    batch: int,
    where: Device,
    predicting: Predicting = Predicting(),  # noqa: B008 (frozen)
    *,
    engines: Engines | None = None,
    part: str = PREDICTION,
) -> Forward:
    """What computes a symbol for images `shape`: the one place that decides which engine carries what only predicts.

    predicting: what becomes of the symbol first; where that asks for no fusion, MXNet carries it, layer after layer.
    engines: those that may, None for MXNet alone; part: FROZEN or PREDICTION, as lock.json tells of it. onnxruntime
    computes on the processor only, and nothing that it has not once computed as MXNet does; what is FROZEN is computed
    in the precision that the run asks for. Raises RunError where an engine was asked for that cannot.
    """
    made = _Made(symbol, parameters, input, tuple(shape), batch, where, predicting)
    if engines is None:
        return made.by_mxnet()
    outputs = [name.removesuffix("_output") for name in symbol.list_outputs()]
    precision = engines.precision if part == FROZEN else None
    model = None
    try:
        if not predicting.fused:
            raise NotCarried("train.py says that layers are not joined, and onnxruntime always joins them")
        if where.device_type != "cpu":
            raise NotCarried("onnxruntime computes on the processor only")
        model = engines.model(input, shape, outputs, lambda: {n: array.asnumpy() for n, array in parameters.items()})
        exact: Forward = made.by_onnxruntime(model, outputs, engines.threads)
    except NotCarried as error:
        engines.leave(str(error))
        model, exact = None, made.by_mxnet()
    if (model is None or engines.agreed(part)) and precision is None:
        return _told(engines, part, exact)

    def settled(images: NDArray[np.float32]) -> Forward:
        """What carries the part from its first images on."""
        forward = exact
        if model is not None and not engines.agreed(part):
            few = images[:COMPARED]
            difference = _largest_difference(forward(few), made.by_mxnet(len(few))(few), len(few))
            if difference <= CLOSE:
                engines.agree(part, difference)
            else:
                engines.leave(f"onnxruntime differs from it by {difference:.1g} of the largest value", note=True)
                forward = made.by_mxnet()
        if precision is not None:
            by_onnx = model if forward is exact else None
            try:
                lower = made.lowered(precision, engines.calibration, by_onnx, outputs, engines.threads)
                error = _relative_error(lower(images), forward(images), len(images))
            except (mx.base.MXNetError, NotCarried) as problem:
                what = f"the frozen part cannot be computed in {precision.name}"
                help = [f"leave `precision` out, or take `{precision.other}`"]
                help += [f"onnxruntime was left: {engines.facts['why']}"] if "why" in engines.facts else []
                raise RunError(what, items=[_last_line(problem)], help=help) from None
            engines.lowered(precision.name, error)
            forward = lower
        return _told(engines, part, forward)

    return Tried(exact.engine, batch, settled)


@dataclass(frozen=True)
class _Made:
    """One part, as the engines take it. shape: of an image."""

    symbol: Symbol
    parameters: Mapping[str, MxArray]
    input: str
    shape: Shape
    batch: int
    where: Device
    predicting: Predicting

    def by_mxnet(self, batch: int | None = None) -> Forward:
        where = (self.symbol, self.parameters, self.input, self.shape, batch or self.batch, self.where)
        return ByMXNet(*where, self.predicting)

    def by_onnxruntime(self, model: Model, outputs: Sequence[str], threads: int, kind: str = "") -> Forward:
        return ByOnnxruntime(OnnxPart(model, self.input, outputs, threads, kind), self.batch, self.where)

    def lowered(
        self, precision: Precision, calibration: Calibration, model: Model | None, outputs: Sequence[str], threads: int
    ) -> Forward:
        """In a lower precision. model: for onnxruntime, None where MXNet computes. Raises NotCarried."""
        from retdsl.runtime.lowered import bf16_symbol, int8_model

        kind = f" {precision.name}"
        if isinstance(precision, bf16):
            lower = bf16_symbol(self.symbol, self.parameters)
            return ByMXNet(*lower, self.input, self.shape, self.batch, self.where, Predicting(), kind)
        if model is None:
            raise NotCarried("onnxruntime alone computes in int8, and it does not compute this network")
        images = calibration(precision.photographs)
        return self.by_onnxruntime(int8_model(model, self.input, images), outputs, threads, kind)


def _told(engines: Engines, part: str, forward: Forward) -> Forward:
    """The same; lock.json is told."""
    engines.tell(part, forward.engine)
    return forward


def _largest_difference(ours: Sequence[MxArray], theirs: Sequence[MxArray], rows: int) -> float:
    """The largest difference of any number in the first rows, as a share of the largest number of its output."""
    pairs = [(one.asnumpy()[:rows], other.asnumpy()[:rows]) for one, other in zip(ours, theirs, strict=True)]
    shares = [float(np.abs(one - other).max() / (np.abs(other).max() or 1.0)) for one, other in pairs]
    return max(shares) if all(map(np.isfinite, shares)) else float("inf")


def _last_line(error: Exception) -> str:
    """What MXNet has to say; before it comes where in its sources it says so."""
    return str(error).strip().splitlines()[-1].removeprefix("MXNetError: ")


def _relative_error(ours: Sequence[MxArray], theirs: Sequence[MxArray], rows: int) -> float:
    """The length of the difference of the first rows, as a share of the length: of the output where it is largest."""
    pairs = [(one.asnumpy()[:rows], other.asnumpy()[:rows]) for one, other in zip(ours, theirs, strict=True)]
    return max(float(np.linalg.norm(one - other) / (np.linalg.norm(other) or 1.0)) for one, other in pairs)

"""Parts of a network that only predict, and which engine computes them.

Enters: a symbol without labels, its parameters, batches of images. Leaves: its outputs. Guaranteed: nothing here ever
changes a parameter, and the last, smaller batch gives what it would give inside a full one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.bound import Bound, Device, MxArray, full_batch
from retdsl.runtime.engines import FROZEN, PREDICTION, Engines
from retdsl.runtime.errors import RunError
from retdsl.runtime.folding import Predicting
from retdsl.runtime.initial import Array
from retdsl.runtime.mx import mx
from retdsl.runtime.one_engine import why_not_all
from retdsl.runtime.onnx_part import NotCarried, OnnxPart
from retdsl.runtime.out_of_memory import enough_memory
from retdsl.runtime.precision import Precision, bf16
from retdsl.runtime.skeleton import Model
from retdsl.runtime.symbols import Symbol

COMPARED = 2
"""Images that two engines are compared on."""

CLOSE = 1e-4
"""How far two engines may be apart, as a share of the largest number. What they round differently is some 1e-6."""


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


def forward_by(inference: Inference, engines: Engines | None = None, part: str = PREDICTION) -> Forward:
    """What computes a network, or a part of one: the one place that decides which engine carries what only predicts.

    engines: those that may, None for MXNet alone; part: FROZEN or PREDICTION, as lock.json tells of it. Where no fusion
    is asked for, MXNet carries it, layer after layer. onnxruntime computes on the processor only, and nothing that it
    has not once computed as MXNet does; what is FROZEN is computed in the precision that the run asks for. Raises
    RunError where an engine was asked for that cannot.
    """
    if engines is None:
        return ByMXNet(inference)
    precision = engines.precision if part == FROZEN else None
    model: Model | None = None
    exact: Forward | None = None
    why = ""
    try:
        if not inference.predicting.fused:
            raise NotCarried("train.py says that layers are not joined, and onnxruntime always joins them")
        if inference.where.device_type != "cpu":
            raise NotCarried("onnxruntime computes on the processor only")
        model = engines.model(inference.input, inference.shape, inference.outputs, partial(_numbers, inference))
        exact = ByOnnxruntime(inference, model, engines.threads)
    except NotCarried as error:
        why = str(error)
    could = exact is not None
    if engines.settles_together(part, inference.outputs):
        # Workers see images at other times, or none at all: all of them look at the same ones, and at once.
        difference = 0.0
        if exact is not None and not engines.agreed(part):
            difference = _from_mxnet(exact, inference, engines.calibration(COMPARED))
            why = _too_far(difference)
        why, could = why_not_all(engines.workers, None if exact is None else exact.engine, why)
        if not why:
            engines.agree(part, difference)
    if why or exact is None:
        engines.leave(why, note=could)
        model, exact = None, ByMXNet(inference)
    chosen = exact
    if (model is None or engines.agreed(part)) and precision is None:
        return _told(engines, part, chosen)

    def settled(images: NDArray[np.float32]) -> Forward:
        """What carries the part from its first images on."""
        forward = chosen
        if model is not None and not engines.agreed(part):
            difference = _from_mxnet(forward, inference, images)
            if why := _too_far(difference):
                engines.leave(why, note=True)
                forward = ByMXNet(inference)
            else:
                engines.agree(part, difference)
        if precision is not None:
            try:
                lower = _lowered(inference, precision, engines, model if forward is chosen else None)
                error = _relative_error(lower(images), forward(images), len(images))
            except (mx.base.MXNetError, NotCarried) as problem:
                what = f"the frozen part cannot be computed in {precision.name}"
                help = [f"leave `precision` out, or take `{precision.other}`"]
                help += [f"onnxruntime was left: {engines.facts['why']}"] if "why" in engines.facts else []
                raise RunError(what, items=[_last_line(problem)], help=help) from None
            engines.lowered(precision.name, error)
            forward = lower
        return _told(engines, part, forward)

    return Tried(chosen.engine, inference.batch, settled)


def _from_mxnet(forward: Forward, inference: Inference, images: NDArray[np.float32]) -> float:
    """How far onnxruntime is from MXNet on the first of these images, as a share of the largest number."""
    few = images[:COMPARED]
    by_mxnet = ByMXNet(replace(inference, batch=len(few)))
    return _largest_difference(forward(few), by_mxnet(few), len(few))


def _too_far(difference: float) -> str:
    """Why onnxruntime is left for such a difference; empty if it is not."""
    return f"onnxruntime differs from it by {difference:.1g} of the largest value" if difference > CLOSE else ""


def _lowered(inference: Inference, precision: Precision, engines: Engines, model: Model | None) -> Forward:
    """In a lower precision. model: for onnxruntime, None where MXNet computes. Raises NotCarried."""
    from retdsl.runtime.lowered import bf16_symbol, int8_model

    kind = f" {precision.name}"
    if isinstance(precision, bf16):
        symbol, parameters = bf16_symbol(inference.symbol, inference.parameters)
        return ByMXNet(replace(inference, symbol=symbol, parameters=parameters, predicting=Predicting()), kind)
    if model is None:
        raise NotCarried("onnxruntime alone computes in int8, and it does not compute this network")
    lower = int8_model(model, inference.input, engines.calibration(precision.photographs))
    return ByOnnxruntime(inference, lower, engines.threads, kind)


def _numbers(inference: Inference) -> dict[str, Array]:
    """The values of its parameters."""
    return {name: array.asnumpy() for name, array in inference.parameters.items()}


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

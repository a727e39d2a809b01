"""Which engine carries a part of a network that only predicts.

Enters: the part, and the engines that may. Leaves: what computes it. Guaranteed: onnxruntime carries nothing that it
has not once computed as MXNet does; all workers of a job choose the same; what was chosen, and how far apart both were,
is in lock.json.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.bound import MxArray
from retdsl.runtime.engines import FROZEN, PREDICTION, Engines
from retdsl.runtime.errors import RunError
from retdsl.runtime.folding import Predicting
from retdsl.runtime.forward import ByMXNet, ByOnnxruntime, Forward, Inference
from retdsl.runtime.mx import mx
from retdsl.runtime.one_engine import why_not_all
from retdsl.runtime.onnx_part import NotCarried
from retdsl.runtime.precision import Precision, bf16
from retdsl.runtime.skeleton import Model

COMPARED = 2
"""Images that two engines are compared on."""

CLOSE = 1e-4
"""How far two engines may be apart, as a share of the largest number. What they round differently is some 1e-6."""


def forward_by(inference: Inference, engines: Engines | None = None, part: str = PREDICTION) -> Forward:
    """What computes a network, or a part of one: the one place that decides which engine carries what only predicts.

    engines: those that may, None for MXNet alone; part: FROZEN or PREDICTION, as lock.json tells of it. Where no fusion
    is asked for, MXNet carries it, layer after layer. onnxruntime computes on the processor only; what is FROZEN is
    computed in the precision that the run asks for. What first images have to show is settled when they come. Raises
    RunError where an engine was asked for that cannot.
    """
    if engines is None:
        return ByMXNet(inference)
    choice = _Choice(inference, engines, part)
    exact, model = choice.exact()
    precision = engines.precision if part == FROZEN else None
    if precision is None and (model is None or engines.agreed(part)):
        return choice.told(exact)

    def settled(images: NDArray[np.float32]) -> Forward:
        """What carries the part from its first images on."""
        forward = exact if model is None else choice.compared(exact, images)
        if precision is not None:
            forward = choice.lowered(precision, forward, model if forward is exact else None, images)
        return choice.told(forward)

    return Tried(choice.expected(precision, exact), inference.batch, settled)


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


@dataclass(frozen=True)
class _Choice:
    """One part, and those who may carry it. part: as of `forward_by`."""

    inference: Inference
    engines: Engines
    part: str

    def exact(self) -> tuple[Forward, Model | None]:
        """What is to carry it in float32, as far as can be said before images come; and the network in ONNX if that is
        onnxruntime.
        """
        forward, model, why = None, None, ""
        try:
            forward, model = self._by_onnxruntime()
        except NotCarried as error:
            why = str(error)
        could = forward is not None
        if self.engines.settles_together(self.part, self.inference.outputs):
            why, could = self._with_all_workers(forward, why)
        if forward is None or why:
            self.engines.leave(why, note=could)
            return ByMXNet(self.inference), None
        return forward, model

    def compared(self, forward: Forward, images: NDArray[np.float32]) -> Forward:
        """The same, by onnxruntime, if it gives what MXNet gives for the first of these images; else MXNet."""
        if self.engines.agreed(self.part):
            return forward
        difference = _from_mxnet(forward, self.inference, images)
        if why := _too_far(difference):
            self.engines.leave(why, note=True)
            return ByMXNet(self.inference)
        self.engines.agree(self.part, difference)
        return forward

    def lowered(
        self, precision: Precision, exact: Forward, model: Model | None, images: NDArray[np.float32]
    ) -> Forward:
        """The same in a lower precision; how far that is from `exact` on these images is told. model: of `exact`.

        Raises RunError where it cannot be computed.
        """
        try:
            forward = self._in(precision, model)
            error = _relative_error(forward(images), exact(images), len(images))
        except (mx.base.MXNetError, NotCarried) as problem:
            what = f"the frozen part cannot be computed in {precision.name}"
            help = [f"leave `precision` out, or take `{precision.other}`"]
            help += [f"onnxruntime was left: {self.engines.facts['why']}"] if "why" in self.engines.facts else []
            raise RunError(what, items=[_last_line(problem)], help=help) from None
        self.engines.lowered(precision.name, error)
        return forward

    def expected(self, precision: Precision | None, exact: Forward) -> str:
        """The engine that is to carry it, in words."""
        if precision is None:
            return exact.engine
        return f"{f'mxnet {mx.__version__}' if isinstance(precision, bf16) else exact.engine} {precision.name}"

    def told(self, forward: Forward) -> Forward:
        """The same; lock.json is told."""
        self.engines.tell(self.part, forward.engine)
        return forward

    def _by_onnxruntime(self) -> tuple[Forward, Model]:
        """Raises NotCarried."""
        inference = self.inference
        if not inference.predicting.fused:
            raise NotCarried("train.py says that layers are not joined, and onnxruntime always joins them")
        if inference.where.device_type != "cpu":
            raise NotCarried("onnxruntime computes on the processor only")
        model = self.engines.model(inference.input, inference.shape, inference.outputs, inference.numbers)
        return ByOnnxruntime(inference, model, self.engines.threads), model

    def _with_all_workers(self, forward: Forward | None, why: str) -> tuple[str, bool]:
        """Why the workers do not take onnxruntime, empty if they do; and whether any of them could have.

        forward: by onnxruntime, None where this worker cannot; why: it cannot. Workers see images at other times, or
        none at all: here all of them look at the same ones, and at once.
        """
        difference = 0.0
        if forward is not None and not self.engines.agreed(self.part):
            difference = _from_mxnet(forward, self.inference, self.engines.calibration(COMPARED))
            why = _too_far(difference)
        why, could = why_not_all(self.engines.workers, None if forward is None else forward.engine, why)
        if not why:
            self.engines.agree(self.part, difference)
        return why, could

    def _in(self, precision: Precision, model: Model | None) -> Forward:
        """In a lower precision. model: for onnxruntime, None where MXNet computes. Raises NotCarried."""
        from retdsl.runtime.lowered import bf16_symbol, int8_model

        inference, kind = self.inference, f" {precision.name}"
        if isinstance(precision, bf16):
            symbol, parameters = bf16_symbol(inference.symbol, inference.parameters)
            return ByMXNet(replace(inference, symbol=symbol, parameters=parameters, predicting=Predicting()), kind)
        if model is None:
            raise NotCarried("onnxruntime alone computes in int8, and it does not compute this network")
        lower = int8_model(model, inference.input, self.engines.calibration(precision.photographs))
        return ByOnnxruntime(inference, lower, self.engines.threads, kind)


def _from_mxnet(forward: Forward, inference: Inference, images: NDArray[np.float32]) -> float:
    """How far onnxruntime is from MXNet on the first of these images, as a share of the largest number."""
    few = images[:COMPARED]
    by_mxnet = ByMXNet(replace(inference, batch=len(few)))
    return _largest_difference(forward(few), by_mxnet(few), len(few))


def _too_far(difference: float) -> str:
    """Why onnxruntime is left for such a difference; empty if it is not."""
    return f"onnxruntime differs from it by {difference:.1g} of the largest value" if difference > CLOSE else ""


def _largest_difference(ours: Sequence[MxArray], theirs: Sequence[MxArray], rows: int) -> float:
    """The largest difference of any number in the first rows, as a share of the largest number of its output."""
    pairs = [(one.asnumpy()[:rows], other.asnumpy()[:rows]) for one, other in zip(ours, theirs, strict=True)]
    shares = [float(np.abs(one - other).max() / (np.abs(other).max() or 1.0)) for one, other in pairs]
    return max(shares) if all(map(np.isfinite, shares)) else float("inf")


def _relative_error(ours: Sequence[MxArray], theirs: Sequence[MxArray], rows: int) -> float:
    """The length of the difference of the first rows, as a share of the length: of the output where it is largest."""
    pairs = [(one.asnumpy()[:rows], other.asnumpy()[:rows]) for one, other in zip(ours, theirs, strict=True)]
    return max(float(np.linalg.norm(one - other) / (np.linalg.norm(other) or 1.0)) for one, other in pairs)


def _last_line(error: Exception) -> str:
    """What MXNet has to say; before it comes where in its sources it says so."""
    return str(error).strip().splitlines()[-1].removeprefix("MXNetError: ")

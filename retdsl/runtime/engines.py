"""Which engine computes what only predicts: MXNet, or onnxruntime where it is installed and can.

Enters: what was asked for, and the program of the run. Leaves: `Engines`, which `forward_by` goes by, and the facts of
lock.json about it. Guaranteed: one that was asked for by name is used, or there is a `RunError` with the reason.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.errors import RunError
from retdsl.runtime.experiment import Experiment
from retdsl.runtime.initial import Array
from retdsl.runtime.onnx_part import NotCarried, part_of, require_installed
from retdsl.runtime.precision import Precision, int8
from retdsl.runtime.skeleton import Model, read_skeleton
from retdsl.runtime.workers import Workers

AUTO, MXNET, ONNXRUNTIME = "auto", "mxnet", "onnxruntime"

ENGINES = (AUTO, MXNET, ONNXRUNTIME)
"""What can be asked for. auto: onnxruntime where it is installed and agrees with MXNet, else MXNet."""

VARIABLE = "RETDSL_ENGINE"
"""The variable of the environment that asks for one where no option does."""

Calibration: TypeAlias = Callable[[int], NDArray[np.float32]]

FROZEN, PREDICTION = "frozen", "prediction"
"""The parts that lock.json tells of: what is frozen while training goes on, and a whole network that answers."""


def asked_engine(option: str | None, record: Mapping[str, Any] | None = None, *, exact: bool = True) -> str:
    """What is asked for: by the option, else by the record of a run, else by the environment.

    record: lock.json of a run that is to go on or to answer; exact: whether it may go on with nothing else. Raises
    RunError for an engine that there is not, and for another one than an exact run was begun with.
    """
    engines = (record or {}).get("engines")
    before = engines.get("asked") if isinstance(engines, Mapping) else None
    asked = option or before or os.environ.get(VARIABLE) or AUTO
    if asked not in ENGINES:
        raise RunError(f"there is no engine `{asked}`", help=f"{VARIABLE} may be {', '.join(ENGINES)}")
    then = engine_of(record or {})
    if then is None or (option is not None and not exact):
        return asked
    if not exact:
        return MXNET if then == MXNET else AUTO
    if option not in (None, AUTO, then):
        help = "leave --engine away, or go on all the same with --inexact"
        raise RunError(f"the run was begun with {then}, and goes on exactly with nothing else", help=help)
    return then


def engine_of(record: Mapping[str, Any]) -> str | None:
    """What computes what only predicts in a run, as lock.json has it; None where it does not say."""
    engines = record.get("engines")
    if not isinstance(engines, Mapping):
        return MXNET if "versions" in record else None  # a run from before there was another
    carried = [str(engines[part]) for part in (FROZEN, PREDICTION) if part in engines]
    return next((engine for engine in (ONNXRUNTIME, MXNET) if any(one.startswith(engine) for one in carried)), None)


@dataclass
class Engines:
    """The engines of one process, and what becomes of them.

    asked: one of ENGINES; program, name: train.py and the experiment, beside which the network lies in ONNX; threads:
    to compute with; precision: of what is frozen, None for float32; calibration: gives so many images of the training
    side, which int8 is calibrated on; note: says a sentence to people; record: takes all facts for lock.json when there
    are new ones; facts: those of a run that goes on; workers: the processes that have to compute with the same engines.
    """

    asked: str = MXNET
    program: Path | None = None
    name: str = ""
    threads: int = 1
    note: Callable[[str], None] = lambda _: None
    record: Callable[[Mapping[str, Any]], None] = lambda _: None
    precision: Precision | None = None
    calibration: Calibration = lambda _: np.empty(0, np.float32)
    facts: dict[str, Any] = field(default_factory=dict)
    workers: Workers = field(default_factory=Workers)

    def __post_init__(self) -> None:
        # What a run that goes on has found out before stays as it is, for its record to end as it would have.
        self.facts.setdefault("asked", self.asked)
        self._skeleton: Model | None = None
        self._begun = engine_of({"engines": self.facts}) is not None
        self._agreed = {part for part in (FROZEN, PREDICTION) if part in self.facts}
        self._written: Mapping[str, Any] = dict(self.facts)
        self._settled: set[tuple[str, ...]] = set()

    def model(
        self, input: str, shape: Sequence[int], outputs: Sequence[str], values: Callable[[], Mapping[str, Array]]
    ) -> Model:
        """The part of the network from its input to some layers, in ONNX, with its weights. Raises NotCarried."""
        if self.asked == MXNET:
            raise NotCarried("it was asked for")
        require_installed()
        if self._skeleton is None and self.program is not None:
            self._skeleton = read_skeleton(self.program, self.name)
        if self._skeleton is None:
            raise NotCarried("beside train.py is no network in ONNX that was made with it, as it is now")
        return part_of(self._skeleton, input, shape, outputs, values())

    def lowering(self) -> str:
        """All that numbers in a lower precision hang on besides the network; nothing for float32."""
        if isinstance(self.precision, int8):
            images = self.calibration(self.precision.photographs)
            return f"{self.precision} {blake2b(np.ascontiguousarray(images).data).hexdigest()}"
        return "" if self.precision is None else str(self.precision)

    def leave(self, why: str, *, note: bool = False) -> None:
        """MXNet carries everything from now on. Raises RunError where onnxruntime has to be the one."""
        if self.asked == ONNXRUNTIME and self._begun:
            help = "see that it can, or go on all the same with --inexact: the end will then differ in its last digits"
            raise RunError("the run was begun with onnxruntime, which cannot go on here", items=[why], help=help)
        if self.asked == ONNXRUNTIME:
            help = "take --engine mxnet, or see that it can: pip install 'retdsl[onnx]', and compile the spec anew"
            raise RunError("onnxruntime was asked for, and cannot compute this network", items=[why], help=help)
        if self.asked == AUTO:
            self.facts["why"] = why
            if note:
                self.note(f"MXNet computes what only predicts: {why}")
        self.asked = MXNET

    def agree(self, part: str, difference: float) -> None:
        """Told how far at most a part was from MXNet, when the two were compared and agreed."""
        self._agreed.add(part)
        self.facts["difference"] = max(difference, self.facts.get("difference", 0.0))

    def agreed(self, part: str) -> bool:
        """Whether this part was compared before."""
        return part in self._agreed

    def settles_together(self, part: str, outputs: Sequence[str]) -> bool:
        """Whether all workers have still to agree on what computes these outputs; True once, for all of them."""
        key = (part, *outputs)
        if self.workers.count == 1 or key in self._settled:
            return False
        self._settled.add(key)
        return True

    def lowered(self, precision: str, error: float) -> None:
        """Told the relative error of a lower precision in what the frozen part gives on its first images."""
        self.facts.setdefault("precision", {"frozen": precision, "features": error})

    def answered(self, largest: float, mean: float) -> None:
        """Told how far the probabilities of the trained network on the validation side are from float32's."""
        self.facts["precision"] = {**self.facts["precision"], "largest": largest, "mean": mean}
        self._write()

    def tells(self, part: str) -> bool:
        """Whether lock.json says by now what carries this part, and, of what is frozen, in which precision."""
        return part in self.facts and (part != FROZEN or self.precision is None or "precision" in self.facts)

    def tell(self, part: str, engine: str) -> None:
        """Told what carries a part."""
        self.facts[part] = engine
        self._write()

    def _write(self) -> None:
        if self.facts != self._written:
            self._written = dict(self.facts)
            self.record({"engines": self._written})


def engines_of(
    experiment: Experiment,
    asked: str,
    note: Callable[[str], None] = lambda _: None,
    record: Callable[[Mapping[str, Any]], None] = lambda _: None,
    before: Mapping[str, Any] | None = None,
    workers: Workers | None = None,
) -> Engines:
    """Those for the network of an experiment, with as many threads as MXNet computes with.

    before: lock.json of a run that goes on; workers: as of `Engines`, None for this process alone.
    """
    program = None if experiment.program is None else Path(experiment.program)
    threads = int(os.environ.get("OMP_NUM_THREADS", "0")) or os.cpu_count() or 1
    facts = dict((before or {}).get("engines", {}))
    return Engines(asked, program, experiment.name, threads, note, record, facts=facts, workers=workers or Workers())

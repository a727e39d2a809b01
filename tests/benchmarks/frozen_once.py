"""Many runs of one process whose photographs pass the frozen part once: `with frozen_once(): run(experiment, ...)`.

Enters: experiments of generated programs. Leaves: ordinary run folders. What a frozen part makes of a photograph hangs
on nothing else, so it is kept by both their contents, for training and for the final answers of a run alike. One
program alone keeps it already while it trains; runs of a study, which are processes of their own, each begin anew, and
where the trained part is small that is most of what they do.

Answers are those of `retdsl train` up to the rounding of float32: there, the last answers of a run come from the whole
network in one piece.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime import run as runs
from retdsl.runtime.experiment import Experiment
from retdsl.runtime.forward import Bound, device, full_batch
from retdsl.runtime.mx import mx
from retdsl.runtime.network import Network
from retdsl.runtime.program import run_program
from retdsl.runtime.symbols import sym
from retdsl.runtime.trainer import Trainer

Rows = list[NDArray[np.float32]]
"""What a frozen part gives for one photograph: an array for each cut."""


class Memory:
    """What frozen parts have given so far, by their contents and those of the photograph."""

    def __init__(self) -> None:
        self.rows: dict[bytes, Rows] = {}
        self.asked = self.passed = 0

    def frozen(
        self, symbol: Any, parameters: Mapping[str, Any], input: str, shape: Sequence[int], batch: int
    ) -> Frozen:
        own = {
            name: parameters[name]
            for name in (*symbol.list_arguments(), *symbol.list_auxiliary_states())
            if name != input
        }
        arrays = {name: value if hasattr(value, "asnumpy") else mx.nd.array(value) for name, value in own.items()}
        content = blake2b(symbol.tojson().encode())
        for name in sorted(arrays):
            content.update(name.encode() + arrays[name].asnumpy().tobytes())
        return Frozen(self, content.digest(), Bound(symbol, arrays, {input: tuple(shape)}, batch, device()))


class Frozen:
    """A frozen part that passes a batch only if one of its photographs is new. Used in place of a `Bound` one."""

    def __init__(self, memory: Memory, content: bytes, bound: Bound) -> None:
        self._memory = memory
        self._content = content
        self._bound = bound

    def __call__(self, inputs: Sequence[Any]) -> list[Any]:
        [images] = inputs
        keys = [blake2b(image.tobytes(), key=self._content[:64]).digest() for image in images.asnumpy()]
        rows = self._memory.rows
        self._memory.asked += len(keys)
        if any(key not in rows for key in keys):
            self._memory.passed += len(keys)
            outputs = [output.asnumpy() for output in self._bound(inputs)]
            rows.update({key: [output[at] for output in outputs] for at, key in enumerate(keys)})
        return [mx.nd.array(np.stack(column)) for column in zip(*(rows[key] for key in keys), strict=True)]


@contextmanager
def frozen_once() -> Iterator[Runner]:
    """What runs experiments in this process, with one memory, as long as the block lasts."""
    yield Runner(Memory())


class Runner:
    """Runs experiments; memory: what their frozen parts have given."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory

    def __call__(self, experiment: Experiment, run: Path, root: Path) -> int:
        """The exit code of the program."""
        network, memory = experiment.network, self.memory

        def bind_frozen(trainer: Trainer) -> Frozen | None:
            symbol = trainer._symbols.frozen
            if symbol is None:
                return None
            values = {**trainer._arguments, **trainer._auxiliary}
            return memory.frozen(symbol, values, network.input, network.input_shape, trainer._recipe.batch)

        def predictor(_: Any, parameters: Mapping[str, Any], *__: Any) -> TwoParts:
            return TwoParts(network, parameters, memory, experiment.training.batch)

        with patch.object(Trainer, "_bind_frozen", bind_frozen), patch.object(runs, "Predictor", predictor):
            return run_program(experiment, ["--run", str(run), "--root", str(root), "--threads", "1", "--plain"])


class TwoParts:
    """A finished network as its frozen and its trained part: in place of a `Predictor`. Nothing may be unfrozen."""

    def __init__(self, network: Network, parameters: Mapping[str, Any], memory: Memory, batch: int) -> None:
        symbol = network.frozen_symbol()
        assert symbol is not None
        assert network.frozen is not None
        assert not network.phases
        cuts = network.frozen(sym.Variable(network.input))
        _, shapes, _ = symbol.infer_shape(**{network.input: (1, *network.input_shape)})
        inputs = {name: tuple(shape[1:]) for name, shape in zip(cuts, shapes, strict=True)}
        top = network.loss.deploy(network.trained({name: sym.Variable(name) for name in inputs}), network.loss_name)
        arrays = {name: mx.nd.array(value) for name, value in parameters.items()}
        self._batch = batch
        self._frozen = memory.frozen(symbol, arrays, network.input, network.input_shape, batch)
        self._top = Bound(top, arrays, inputs, batch, device())

    def __call__(self, images: NDArray[np.float32]) -> Any:
        return self._top(self._frozen([full_batch(images, self._batch, device())]))[0]

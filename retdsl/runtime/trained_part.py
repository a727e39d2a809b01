"""The part of a network that learns, bound for training.

Enters: batches at the cuts, with their labels. Leaves: probabilities, and gradients in `Gradients.arrays`. Guaranteed:
only gradients and BatchNorm's statistics are written; parameters change elsewhere, in the same arrays.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.bound import Device, MxArray, planned, require_room
from retdsl.runtime.gradients import Gradients
from retdsl.runtime.initial import Shape
from retdsl.runtime.losses import as_targets
from retdsl.runtime.mx import mx
from retdsl.runtime.network import Symbols
from retdsl.runtime.symbols import Symbol

RANDOM = ("dropout", "rnn", "leakyrelu", "random", "sample", "shuffle")
"""What names of operators have that draw random numbers, or may."""


@dataclass(frozen=True)
class Learning:
    """What learns in one phase, on one device.

    symbols: of the phase; arguments, auxiliary: parameters and statistics by name, on the device; gradients: where
    those of `updated` parameters are written; label: the name of the labels.
    """

    symbols: Symbols
    arguments: Mapping[str, MxArray]
    auxiliary: Mapping[str, MxArray]
    gradients: Gradients
    updated: Sequence[str]
    label: str


class TrainedPart:
    """The trained part of one phase, on one device."""

    def __init__(self, learning: Learning, where: Device) -> None:
        self._symbols = learning.symbols
        self._arguments = learning.arguments
        self._auxiliary = learning.auxiliary
        self._gradients = learning.gradients
        self._label = learning.label
        self._updated = frozenset(learning.updated)
        self._where = where
        self._executors: dict[int, Any] = {}
        graph = json.loads(self._symbols.trained.tojson())
        self.draws = any(word in node["op"].lower() for node in graph["nodes"] for word in RANDOM)
        """Whether a layer of it may draw random numbers."""

    def learn(self, features: Sequence[MxArray], labels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Writes or adds the gradient of a batch. Returns its probabilities [n, C], as they are before any step.

        features: an array for every cut, of at least as many rows as labels [n] or [n, C].
        """
        # Whatever is still to be computed is computed while the caller looks at the probabilities.
        values: NDArray[np.float32] = self.begin(features, labels).asnumpy()
        return values

    def begin(self, features: Sequence[MxArray], labels: NDArray[np.float32]) -> MxArray:
        """The same, not waited for: the device is told what to do. The next batch overwrites the probabilities."""
        executor = self._executor(len(labels))
        self._give(executor, features, labels)
        (probabilities,) = executor.forward(is_train=True)
        executor.backward()
        return probabilities

    def given(self, size: int) -> dict[str, MxArray]:
        """What the last batch of that size was given, features and labels by name."""
        arrays = self._executor(size).arg_dict
        return {name: arrays[name] for name in (*self._symbols.inputs, self._label) if name in arrays}

    def planned(self, size: int) -> int:
        """Bytes that it takes to learn from so many images. Raises MemoryError where there is no room for them."""
        return planned(self._executor(size))

    def follow(self) -> None:
        """Told that parameters or statistics have changed: they are the very arrays that are computed with."""

    def _give(self, executor: Any, features: Sequence[MxArray], labels: NDArray[np.float32]) -> None:
        """Puts a batch where an executor takes it."""
        size = len(labels)
        for name, array in zip(self._symbols.inputs, features, strict=True):
            # A loss or a part may not look at every input.
            if name in executor.arg_dict:
                _first(array, size).copyto(executor.arg_dict[name])
        label = executor.arg_dict[self._label]
        label[:] = as_targets(labels, label.shape)

    def _executor(self, size: int) -> Any:
        """The part bound at this batch size; all sizes share parameters and gradients."""
        if size not in self._executors:
            symbol, request = self._symbols.trained, self._gradients.request
            given = {name: (size, *shape) for name, shape in self._symbols.inputs.items()}
            given[self._label] = self._shape_of_labels(symbol, given)
            inputs = {name: mx.nd.zeros(shape, ctx=self._where) for name, shape in given.items()}
            self._executors[size] = symbol.bind(
                self._where,
                {name: inputs[name] if name in inputs else self._arguments[name] for name in symbol.list_arguments()},
                args_grad=self._gradients.arrays,
                grad_req={name: request if name in self._updated else "null" for name in symbol.list_arguments()},
                aux_states={name: self._auxiliary[name] for name in symbol.list_auxiliary_states()},
            )
            require_room(planned(self._executors[size]), self._where)
        return self._executors[size]

    def _shape_of_labels(self, symbol: Symbol, inputs: Mapping[str, Shape]) -> Shape:
        """`[n]`, or `[n, C]` where they are soft, for these inputs."""
        known = {**inputs, **{name: array.shape for name, array in self._arguments.items()}}
        names = symbol.list_arguments()
        shapes, _, _ = symbol.infer_shape(**{name: known[name] for name in names if name in known})
        return tuple(dict(zip(names, shapes, strict=True))[self._label])


def _first(array: MxArray, rows: int) -> MxArray:
    """The first rows. By an operator: a plain slice of what oneDNN laid out in its own way cannot be copied."""
    return array if len(array) == rows else mx.nd.slice_axis(array, axis=0, begin=0, end=rows)

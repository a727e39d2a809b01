"""What the frozen part of a network says of photographs: a row of numbers each.

Enters: prepared photographs, uint8 `[H, W, C]`. Leaves: float32 `[n, F]`: every value at the cuts of the frozen part,
an image of features averaged over its pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.bound import device
from retdsl.runtime.choice import forward_by
from retdsl.runtime.decode import Photograph
from retdsl.runtime.engines import FROZEN, Engines
from retdsl.runtime.errors import RunError
from retdsl.runtime.experiment import Experiment
from retdsl.runtime.forward import Inference
from retdsl.runtime.mean_image import with_mean_image
from retdsl.runtime.mx import mx
from retdsl.runtime.network_input import to_network
from retdsl.runtime.survey import BATCH


class FrozenFeatures:
    """The part of an experiment's network that is frozen at first, with its trained weights.

    engines: those that may compute it, None for MXNet alone. Raises RunError if nothing is frozen, or for weights that
    cannot be used.
    """

    def __init__(self, experiment: Experiment, root: Path, engines: Engines | None = None) -> None:
        network = experiment.network
        symbol = network.frozen_symbol()
        if symbol is None:
            raise RunError("no part of the network is frozen, so nothing can describe the photographs")
        start = network.starting_values(network.deploy_symbol(), experiment.training.seed, experiment.folder, root)
        where = device()
        parameters = {name: mx.nd.array(value, ctx=where) for name, value in start.all().items()}
        shape = network.input_shape
        frozen = Inference(symbol, parameters, network.input, shape, BATCH, where, network.predicting)
        self._forward = forward_by(frozen, engines, FROZEN)
        self._last = with_mean_image(experiment.data.normalize, network.input_shape, experiment.folder, root)

    def __call__(self, photographs: Sequence[Photograph]) -> NDArray[np.float32]:
        """Features of at most `BATCH` prepared photographs."""
        images = np.stack([to_network(photo, self._last) for photo in photographs])
        values = [output.asnumpy() for output in self._forward(images)]
        rows = [value.reshape(*value.shape[:2], -1).mean(axis=2) for value in values]
        return np.asarray(np.concatenate(rows, axis=1)[: len(photographs)], np.float32)

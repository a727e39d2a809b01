"""The predictions of whole sets of photographs.

Enters: batches of images, and what answers a batch. Leaves: `Predictions`. Guaranteed: the last, smaller batch gives
what it would give inside a full one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.bound import Device, MxArray, device
from retdsl.runtime.choice import forward_by
from retdsl.runtime.engines import Engines
from retdsl.runtime.errors import RunError
from retdsl.runtime.forward import Inference
from retdsl.runtime.initial import Array
from retdsl.runtime.mx import mx
from retdsl.runtime.network import Network
from retdsl.runtime.predictions import Predictions
from retdsl.runtime.views import joined


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
    """A whole network ready to predict. parameters: as NumPy arrays, e.g. from a checkpoint; batch: images at once.

    engines: those that may compute it, None for MXNet alone; where: None for the usual device.
    """

    def __init__(
        self,
        network: Network,
        parameters: Mapping[str, Array],
        batch: int,
        engines: Engines | None = None,
        where: Device | None = None,
    ) -> None:
        where = where or device()
        arrays = {name: mx.nd.array(value, ctx=where) for name, value in parameters.items()}
        deploy, shape = network.deploy_symbol(), network.input_shape
        self._forward = forward_by(
            Inference(deploy, arrays, network.input, shape, batch, where, network.predicting), engines
        )

    def __call__(self, images: NDArray[np.float32]) -> MxArray:
        """Probabilities [batch, C]; rows beyond `len(images)` mean nothing."""
        return self._forward(images)[0]

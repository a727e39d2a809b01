"""What a network says about a set of photographs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Predictions:
    """indices: int64 [n], places in the data set's samples; labels: int64 [n], of several findings
    [n, C], 0 or 1; probabilities: float32 [n, C].
    """

    indices: NDArray[np.int64]
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float32]

"""Metrics of the probabilities themselves: how much was said about what came true, and whether it is to be believed.

Enters and leaves: see `metric.Metric`. For all of them lower is better.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.metric import Usual, all_classes, ranked_classes
from retdsl.runtime.weighing import Values, Weighed, mean, share

SMALLEST_PROBABILITY = 1e-8
"""What `multi_ace` takes for any smaller probability, as MXNet.jl's metric does against log 0."""


class Lower(Usual):
    """Of metrics that are best when they are 0."""

    __slots__ = ()

    @property
    def higher_is_better(self) -> bool:
        return False


@dataclass(frozen=True)
class multi_ace(Lower):
    """The mean cross-entropy of each class, averaged over the classes: a loss that imbalance does not reach.

    Probabilities below 1e-8 count as 1e-8. As the metric MultiACE of MXNet.jl; lower is better.
    """

    def value(self, labels: NDArray[Any], probabilities: NDArray[Any]) -> float:
        if not all_classes(labels, probabilities):
            return math.nan
        entropy = _entropy(labels, probabilities)
        return float(np.mean([entropy[labels == label].mean() for label in range(probabilities.shape[1])]))

    def values(self, weighed: Weighed) -> Values:
        entropy = _entropy(weighed.labels, weighed.probabilities)
        of_class = weighed.labels[:, None] == np.arange(weighed.classes)
        return weighed.where_complete(share(weighed.total(entropy[:, None] * of_class), weighed.of_class).mean(axis=1))


@dataclass(frozen=True)
class brier(Lower):
    """The mean squared distance of probability and truth: G. W. Brier, Monthly Weather Review 1950.

    Of two classes (p - y)^2 with the last class's probability, from 0 to 1; of more the sum over the classes, to 2.
    """

    def value(self, labels: NDArray[Any], probabilities: NDArray[Any]) -> float:
        return float(_distance(labels, probabilities).mean()) if len(labels) else math.nan

    def values(self, weighed: Weighed) -> Values:
        return share(weighed.total(_distance(weighed.labels, weighed.probabilities)), weighed.images)


@dataclass(frozen=True)
class calibration_error(Lower):
    """How far, on average, a probability is from the share of images for which it came true.

    Images are sorted into bins by the last class's probability; in each bin the mean probability is compared with the
    share that are of the class, and the bins count as many times as they have images: the expected calibration error of
    M. P. Naeini et al., AAAI 2015. With more than two classes the mean over the classes, each against the rest (M. Kull
    et al., NeurIPS 2019). bins: how many, 1 or more. equal: "mass" cuts where each bin gets as many images, which is
    the less biased way (R. Roelofs et al., AISTATS 2022) and the finer one where most probabilities are small; "width"
    cuts [0, 1] evenly. Equal probabilities share a bin.
    """

    bins: int = 10
    equal: str = "mass"

    @property
    def key(self) -> str:
        counted = "" if self.bins == 10 else f"_{self.bins}_bins"
        return f"calibration_error{counted}{'' if self.equal == 'mass' else f'_equal_{self.equal}'}"

    @property
    def rankable(self) -> bool:
        # Alone, giving every image the same probability would be best.
        return False

    @property
    def bootstraps(self) -> bool:
        # Chance adds to it in every sample, and again in every resample: such intervals lie above the truth.
        return False

    def value(self, labels: NDArray[Any], probabilities: NDArray[Any]) -> float:
        if not len(labels):
            return math.nan
        return float(self.values(Weighed(labels, probabilities, np.ones((1, len(labels)))))[0])

    def values(self, weighed: Weighed) -> Values:
        return mean([self._of_class(weighed, label) for label in ranked_classes(weighed.classes)])

    def _of_class(self, weighed: Weighed, label: int) -> Values:
        scores = weighed.probabilities[:, label].astype(np.float64)
        in_bin = self._bin(scores)[:, None] == np.arange(self.bins)
        surplus = (scores - (weighed.labels == label))[:, None] * in_bin
        return share(np.abs(weighed.total(surplus)).sum(axis=1), weighed.images)

    def _bin(self, scores: Values) -> NDArray[np.intp]:
        """The bin of every score. Resamples keep the bins of the whole."""
        cuts = np.linspace(0, 1, self.bins + 1)[1:-1]
        return np.searchsorted(cuts if self.equal == "width" else np.quantile(scores, cuts), scores)


def _entropy(labels: NDArray[Any], probabilities: NDArray[Any]) -> Values:
    """The cross-entropy of every image."""
    known = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    entropy: Values = -np.log(np.maximum(known, SMALLEST_PROBABILITY))
    return entropy


def _distance(labels: NDArray[Any], probabilities: NDArray[Any]) -> Values:
    classes = ranked_classes(probabilities.shape[1])
    apart = probabilities[:, classes].astype(np.float64) - (labels[:, None] == classes)
    squared: Values = (apart**2).sum(axis=1)
    return squared

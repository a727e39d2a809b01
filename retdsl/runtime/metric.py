"""What a metric is, and what most of them have in common.

The last class is the positive one: that which is looked for. A class that has no image among the labels makes every
figure that needs it NaN, without a warning.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.weighing import Values, Weighed

ROUNDING = 1e-12
"""1 - 0.1 and the 0.9 of a spec should count as the same operating point."""


class Metric(Protocol):
    """A metric. key: its name in files; higher_is_better; rankable: whether it alone can say which epoch is best;
    bootstraps: whether resamples tell how far the figure may be from the truth.
    """

    @property
    def key(self) -> str: ...

    @property
    def higher_is_better(self) -> bool: ...

    @property
    def rankable(self) -> bool: ...

    @property
    def bootstraps(self) -> bool: ...

    def value(self, labels: NDArray[Any], probabilities: NDArray[Any]) -> float:
        """The figure. labels: int [N]; probabilities: [N, C]."""

    def values(self, weighed: Weighed) -> Values:
        """The figure of every resample, [B]: what `value` says of the images as often as they are drawn."""

    def cases(self, labels: NDArray[Any], probabilities: NDArray[Any]) -> NDArray[np.bool_] | None:
        """Of which images [N] the figure is a share; None where it is no share of images."""

    def threshold(self, labels: NDArray[Any], probabilities: NDArray[Any]) -> float | None:
        """The operating point that the metric asks for, on these images: from this probability of the last class on,
        an image is positive. NaN where it means nothing, None where the metric asks for none.
        """


class Usual:
    """What most metrics have in common."""

    __slots__ = ()

    @property
    def key(self) -> str:
        return type(self).__name__

    @property
    def higher_is_better(self) -> bool:
        return True

    @property
    def rankable(self) -> bool:
        return True

    @property
    def bootstraps(self) -> bool:
        return True

    def cases(self, labels: NDArray[Any], probabilities: NDArray[Any]) -> NDArray[np.bool_] | None:  # noqa: ARG002
        return None

    def threshold(self, labels: NDArray[Any], probabilities: NDArray[Any]) -> float | None:  # noqa: ARG002
        return None


def all_classes(labels: NDArray[Any], probabilities: NDArray[Any]) -> bool:
    """Whether each class has an image."""
    return len(np.unique(labels)) == probabilities.shape[1]


def positive_images(labels: NDArray[Any], probabilities: NDArray[Any]) -> NDArray[np.bool_]:
    """Which images [N] are of the last class."""
    positive: NDArray[np.bool_] = labels == probabilities.shape[1] - 1
    return positive


def one_kind(positive: NDArray[np.bool_]) -> bool:
    """Whether all images are positive, or none is."""
    return bool(positive.all() or not positive.any())


def ranked_classes(classes: int) -> list[int]:
    """The classes that are each asked for against the rest: the last of two, all of more."""
    return [1] if classes == 2 else list(range(classes))


def key_at(name: str, other: str, at: float | None) -> str:
    """`sensitivity_at_specificity_90`, or the bare name where nothing is asked of the other figure."""
    return name if at is None else f"{name}_at_{other}_{round(100 * at, 6):g}"

"""Views: a photograph predicted as it is and in other ways, and what the network says of it on average.

Enters: views, as `training.views` names them; predictions with several rows a photograph. Leaves: the photograph in
each view; predictions with one row a photograph, the mean of its probabilities. Guaranteed: views draw nothing, so that
a photograph has the same answer whenever it is asked for; without views nothing changes, to the last bit.

The mean is that of probabilities, as of several graders each of whom has said how sure they are: it is a distribution
again, of several findings, too, it is what an ensemble of networks gives, and one view of which the network is
certain and wrong cannot outvote the others, as it can where scores or logarithms are averaged.
Source: Krizhevsky et al., ImageNet Classification with Deep Convolutional Neural Networks, NIPS 2012.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from retdsl.runtime.augment import Variant, variant_of
from retdsl.runtime.augmentation import OnImages
from retdsl.runtime.decode import Photograph
from retdsl.runtime.predictions import Predictions
from retdsl.runtime.randomness import Chance


class Views:
    """What a photograph is shown as: view 0 is itself, the others follow in their order."""

    def __init__(self, others: Sequence[OnImages] | None = None) -> None:
        self._others = tuple(others or ())

    def __len__(self) -> int:
        return 1 + len(self._others)

    def of(self, photo: Photograph, view: int) -> Photograph:
        """A photograph, uint8 `[H, W, C]`, in one of its views; the one given is never written to."""
        return photo if view == 0 else self._others[view - 1].apply(photo, Chance("view", view))

    def variant(self, view: int, size: tuple[int, int]) -> Variant | None:
        """What a view does to a photograph of that height and width."""
        return variant_of([(self._others[view - 1], Chance("view", view))] if view else [], size)


def joined(predictions: Predictions) -> Predictions:
    """One row for each photograph, in the order in which they come first: the mean over its rows."""
    indices, first, row = np.unique(predictions.indices, return_index=True, return_inverse=True)
    if len(indices) == len(predictions.indices):
        return predictions
    order = np.argsort(first)
    sums = np.zeros((len(indices), predictions.probabilities.shape[1]))
    np.add.at(sums, row.ravel(), predictions.probabilities)
    means = sums / np.bincount(row.ravel())[:, None]
    first = first[order]
    return Predictions(predictions.indices[first], predictions.labels[first], means[order].astype(np.float32))

"""Names of the layers of VGG, with batch normalization and without."""

from __future__ import annotations

from collections.abc import Iterator

from retdsl.weights.layouts.tables import (
    GLUON,
    GLUON_PREFIXED,
    TIMM,
    TORCHVISION,
    Layout,
    Numbers,
    Row,
    biased,
    norm,
    table,
)

DEPTHS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
"""Layers: the convolutions of the five stages."""


def _vgg(layers: int, normalized: bool) -> Iterator[Row]:
    """All three libraries keep convolutions, normalizations, activations and pools in one list, so that the number of
    a layer follows from the depth of the network. timm has the fully connected layers as convolutions.
    """
    number, at = Numbers(), 0
    for stage, units in enumerate(DEPTHS[layers], 1):
        for unit in range(1, units + 1):
            ours, theirs = f"stage{stage}_unit{unit}", f"features.{at}"
            yield biased(f"{ours}_conv", theirs, theirs, theirs, number("conv"))
            if normalized:
                theirs = f"features.{at + 1}"
                yield norm(f"{ours}_bn", theirs, theirs, theirs, number("batchnorm"))
            at += 3 if normalized else 2
        at += 1
    yield biased("fc1", "classifier.0", "pre_logits.fc1", f"features.{at}", number("dense"))
    yield biased("fc2", "classifier.3", "pre_logits.fc2", f"features.{at + 2}", number("dense"))
    yield biased("fc", "classifier.6", "head.fc", "output", number("dense"))


_COLUMNS = (TORCHVISION, TIMM, GLUON, GLUON_PREFIXED)

VGG: Layout = {
    **{f"vgg{n}": table(_COLUMNS, _vgg, n, False) for n in DEPTHS},
    **{f"vgg{n}_bn": table(_COLUMNS, _vgg, n, True) for n in DEPTHS},
}

"""Every layer with a shape rule, by family, under MXNet's names with MXNet's options and defaults.

`ReLU6`, `Add`, `Multiply`, `Subtract`, `Divide`, `Maximum` and `Minimum` are this language's own words for `clip` and
for MXNet's pairs of operators for like and unlike shapes; `plus_scalar` and its kin, and the layers of `sym.contrib`,
drop their prefixes. Where MXNet's default would let the batch change (`mean` over all axes), an option has no default.
`BatchNorm(fix_gamma)` is always written out, because MXNet's default (true) silently ignores a learned scale.
"""

from __future__ import annotations

from retdsl.schema.layers import convolutional, elementwise, joining, normalising, reducing, reshaping, sampling
from retdsl.schema.model import Layer

FAMILIES: dict[str, tuple[Layer, ...]] = {
    "Filters and weights": convolutional.LAYERS,
    "Pooling and sampling": sampling.LAYERS,
    "Normalisation": normalising.LAYERS,
    "Activations": elementwise.ACTIVATIONS,
    "Joins of branches": joining.LAYERS,
    "Shape": reshaping.LAYERS,
    "Reduction": reducing.LAYERS,
    "Arithmetic": elementwise.ARITHMETIC,
}
"""family -> its layers, in the order in which pages show them"""

ESSENTIAL = (
    *("Convolution", "FullyConnected", "BatchNorm", "Activation", "LeakyReLU", "ReLU6", "clip", "Pooling", "Flatten"),
    *("Dropout", "slice", "Pad", "Concat", "Add", "Multiply", "identity"),
)
"""The layers that the guide explains. Their names are words of the language; all others give way to a block's name."""

LAYERS: dict[str, Layer] = {layer.name: layer for family in FAMILIES.values() for layer in family}

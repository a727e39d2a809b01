"""Names of the layers of SqueezeNet."""

from __future__ import annotations

from collections.abc import Iterator

from retdsl.weights.layouts.tables import GLUON, GLUON_PREFIXED, TORCHVISION, Layout, Numbers, Row, biased, table

PLACES = {"squeezenet1_0": (3, 4, 5, 7, 8, 9, 10, 12), "squeezenet1_1": (3, 4, 6, 7, 9, 10, 11, 12)}
"""Where the fire modules 2 to 9 stand in the list of layers, which has the pools as well."""


def _squeezenet(network: str) -> Iterator[Row]:
    number = Numbers()
    yield biased("stem_conv", "features.0", "features.0", number("conv"))
    for i, place in enumerate(PLACES[network], 2):
        path = f"features.{place}"
        for part, gluon in (("squeeze", "0.0"), ("expand1x1", "1.0.0"), ("expand3x3", "1.1.0")):
            yield biased(f"fire{i}_{part}_conv", f"{path}.{part}", f"{path}.{gluon}", number("conv"))
    yield biased("classifier_conv", "classifier.1", "output.0", number("conv"))


SQUEEZENET: Layout = {network: table((TORCHVISION, GLUON, GLUON_PREFIXED), _squeezenet, network) for network in PLACES}

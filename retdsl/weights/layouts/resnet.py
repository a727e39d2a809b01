"""Names of the layers of residual networks: `resnet`, `resnet_v1` and `resnet_v2`."""

from __future__ import annotations

from collections.abc import Iterator

from retdsl.weights.layouts.tables import (
    GLUON,
    GLUON_PREFIXED,
    TORCHVISION,
    Layout,
    Numbers,
    Row,
    biased,
    conv,
    norm,
    table,
)

DEPTHS = {
    18: ((2, 2, 2, 2), 2),
    34: ((3, 4, 6, 3), 2),
    50: ((3, 4, 6, 3), 3),
    101: ((3, 4, 23, 3), 3),
    152: ((3, 8, 36, 3), 3),
}
"""Layers: the units of the four stages, and the convolutions of a unit."""


def _units(layers: int) -> Iterator[tuple[int, int, bool]]:
    """Stage (from 1) and unit (from 0), and whether what comes in is brought to another shape before it is added."""
    stages, parts = DEPTHS[layers]
    for stage, units in enumerate(stages, 1):
        for unit in range(units):
            yield stage, unit, unit == 0 and (stage > 1 or parts == 3)


def _resnet(layers: int) -> Iterator[Row]:
    """GluonCV keeps torchvision's structure, and so its names; it numbers shortcuts apart from the other layers."""
    number = Numbers()
    yield conv("stem_conv", "conv1", "conv1", number("conv"))
    yield norm("stem_bn", "bn1", "bn1", number("batchnorm"))
    for stage, unit, changes in _units(layers):
        ours, theirs, scope = f"stage{stage}_unit{unit + 1}", f"layer{stage}.{unit}", f"layers{stage}_"
        for part in range(1, DEPTHS[layers][1] + 1):
            yield conv(f"{ours}_conv{part}", *[f"{theirs}.conv{part}"] * 2, number("conv", scope))
            yield norm(f"{ours}_bn{part}", *[f"{theirs}.bn{part}"] * 2, number("batchnorm", scope))
        if changes:
            yield conv(f"{ours}_shortcut_conv", *[f"{theirs}.downsample.0"] * 2, f"down{stage}_conv0")
            yield norm(f"{ours}_shortcut_bn", *[f"{theirs}.downsample.1"] * 2, f"down{stage}_batchnorm0")
    yield biased("fc", "fc", "fc", number("dense"))


def _resnet_v1(layers: int) -> Iterator[Row]:
    number, parts = Numbers(), DEPTHS[layers][1]
    yield conv("stem_conv", "features.0", number("conv"))
    yield norm("stem_bn", "features.1", number("batchnorm"))
    for stage, unit, changes in _units(layers):
        ours, theirs, scope = f"stage{stage}_unit{unit + 1}", f"features.{stage + 3}.{unit}", f"stage{stage}_"
        for part in range(parts):
            layer = biased if parts == 3 and part != 1 else conv
            yield layer(f"{ours}_conv{part + 1}", f"{theirs}.body.{3 * part}", number("conv", scope))
            yield norm(f"{ours}_bn{part + 1}", f"{theirs}.body.{3 * part + 1}", number("batchnorm", scope))
        if changes:
            yield conv(f"{ours}_shortcut_conv", f"{theirs}.downsample.0", number("conv", scope))
            yield norm(f"{ours}_shortcut_bn", f"{theirs}.downsample.1", number("batchnorm", scope))
    yield biased("fc", "output", number("dense"))


def _resnet_v2(layers: int) -> Iterator[Row]:
    number = Numbers()
    yield norm("data_bn", "features.0", number("batchnorm"))
    yield conv("stem_conv", "features.1", number("conv"))
    yield norm("stem_bn", "features.2", number("batchnorm"))
    for stage, unit, changes in _units(layers):
        ours, theirs, scope = f"stage{stage}_unit{unit + 1}", f"features.{stage + 4}.{unit}", f"stage{stage}_"
        for part in range(1, DEPTHS[layers][1] + 1):
            yield norm(f"{ours}_bn{part}", f"{theirs}.bn{part}", number("batchnorm", scope))
            yield conv(f"{ours}_conv{part}", f"{theirs}.conv{part}", number("conv", scope))
        if changes:
            yield conv(f"{ours}_shortcut_conv", f"{theirs}.downsample", number("conv", scope))
    yield norm("head_bn", "features.9", number("batchnorm"))
    yield biased("fc", "output", number("dense"))


_SHARED = (TORCHVISION, GLUON._replace(origin="GluonCV"), GLUON_PREFIXED._replace(origin="GluonCV"))

RESNET: Layout = {f"resnet{n}": table(_SHARED, _resnet, n) for n in DEPTHS}
RESNET_V1: Layout = {f"resnet{n}_v1": table((GLUON, GLUON_PREFIXED), _resnet_v1, n) for n in DEPTHS}
RESNET_V2: Layout = {f"resnet{n}_v2": table((GLUON, GLUON_PREFIXED), _resnet_v2, n) for n in DEPTHS}

"""Names of the layers of MobileNet v1 and v2, and of timm's EfficientNet-Lite0, which is made of the blocks of v2."""

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
    conv,
    norm,
    table,
)

V1_UNITS = (1, 2, 2, 6, 2)
V2_UNITS = (1, 2, 3, 4, 3, 3, 1)
LITE_UNITS = (1, 2, 2, 3, 3, 4, 1)
"""The units of each stage."""


def _units(stages: tuple[int, ...]) -> Iterator[tuple[int, int, str]]:
    """Stage and unit, from 0, and the zoo's name of the unit."""
    for stage, units in enumerate(stages):
        for unit in range(units):
            yield stage, unit, f"stage{stage + 1}_unit{unit + 1}"


def _v1() -> Iterator[Row]:
    units = [f"{name}_{part}" for _, _, name in _units(V1_UNITS) for part in ("depthwise", "pointwise")]
    for i, name in enumerate(["stem", *units]):
        yield conv(f"{name}_conv", f"features.{3 * i}", f"conv{i}")
        yield norm(f"{name}_bn", f"features.{3 * i + 1}", f"batchnorm{i}")
    yield biased("fc", "output", "dense0")


def _v2() -> Iterator[Row]:
    for row, theirs in zip(timm_rows(V2_UNITS), _v2_torchvision(), strict=True):
        yield row._replace(theirs=(theirs, *row.theirs))


def _v2_torchvision() -> Iterator[str]:
    """The layers in the order of the network; a convolution with an activation stands one level deeper."""
    yield from ("features.0.0", "features.0.1")
    for i, (stage, _, _) in enumerate(_units(V2_UNITS), 1):
        unit, wider = f"features.{i}.conv", stage > 0
        yield from (f"{unit}.{part}.{layer}" for part in range(1 + wider) for layer in (0, 1))
        yield from (f"{unit}.{1 + wider}", f"{unit}.{2 + wider}")
    yield from ("features.18.0", "features.18.1", "classifier.1")


def timm_rows(stages: tuple[int, ...]) -> Iterator[Row]:
    """The rows of a network of inverted residuals whose first unit is not widened, with timm's names."""
    yield conv("stem_conv", "conv_stem")
    yield norm("stem_bn", "bn1")
    for stage, unit, ours in _units(stages):
        names = ("conv_pw", "conv_dw", "conv_pwl") if stage else ("conv_dw", "conv_pw")
        parts = ("expand", "depthwise", "project")[-len(names) :]
        for i, (part, name) in enumerate(zip(parts, names, strict=True), 1):
            yield conv(f"{ours}_{part}_conv", f"blocks.{stage}.{unit}.{name}")
            yield norm(f"{ours}_{part}_bn", f"blocks.{stage}.{unit}.bn{i}")
    yield conv("head_conv", "conv_head")
    yield norm("head_bn", "bn2")
    yield biased("fc", "classifier")


def _v2_gluon() -> Iterator[Row]:
    number = Numbers()

    def layers(ours: str, theirs: str, at: int, scope: str) -> Iterator[Row]:
        yield conv(f"{ours}_conv", f"{theirs}.{at}", number("conv", scope))
        yield norm(f"{ours}_bn", f"{theirs}.{at + 1}", number("batchnorm", scope))

    yield from layers("stem", "features", 0, "features_")
    for i, (_, _, ours) in enumerate(_units(V2_UNITS)):
        for at, part in enumerate(("expand", "depthwise", "project")):
            yield from layers(f"{ours}_{part}", f"features.{i + 3}.out", 3 * at, f"features_linearbottleneck{i}_")
    yield from layers("head", "features", 20, "features_")
    yield conv("classifier", "output.0", "output_pred")


MOBILENET_V1: Layout = {"mobilenet_v1": table((GLUON, GLUON_PREFIXED), _v1)}
MOBILENET_V2: Layout = {
    "mobilenet_v2": table((TORCHVISION, TIMM), _v2),
    "mobilenet_v2_gluon": table((GLUON, GLUON_PREFIXED), _v2_gluon),
}
EFFICIENTNET_LITE_TIMM: Layout = {"efficientnet_lite0_timm": table((TIMM,), timm_rows, LITE_UNITS)}

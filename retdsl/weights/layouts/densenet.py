"""Names of the layers of DenseNet."""

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

DEPTHS = {121: (6, 12, 24, 16), 161: (6, 12, 36, 24), 169: (6, 12, 32, 32), 201: (6, 12, 48, 32)}
"""Layers: the units of the four stages."""


def _densenet(layers: int) -> Iterator[Row]:
    """The files that torchvision offers spell `norm.1` for `norm1`, from the time when a name could hold a dot; it
    renames them while it loads. So it has two columns.
    """
    number = Numbers()

    def shared(ours: str, torchvision: str) -> tuple[str, str, str]:
        return ours, torchvision, torchvision

    yield conv(*shared("stem_conv", "features.conv0"), "features.0", number("conv"))
    yield norm(*shared("stem_bn", "features.norm0"), "features.1", number("batchnorm"))
    for stage, units in enumerate(DEPTHS[layers], 1):
        scope = f"stage{stage}_"
        for unit in range(units):
            ours, torchvision = f"stage{stage}_unit{unit + 1}", f"features.denseblock{stage}.denselayer{unit + 1}"
            gluon = f"features.{2 * stage + 2}.{unit}.1"
            for i, part in enumerate(("reduce", "grow")):
                old = f"{torchvision}.norm.{i + 1}", f"{torchvision}.conv.{i + 1}"
                new = f"{torchvision}.norm{i + 1}", f"{torchvision}.conv{i + 1}"
                yield norm(f"{ours}_{part}_bn", new[0], old[0], f"{gluon}.{3 * i}", number("batchnorm", scope))
                yield conv(f"{ours}_{part}_conv", new[1], old[1], f"{gluon}.{3 * i + 2}", number("conv", scope))
        if stage < len(DEPTHS[layers]):
            ours, torchvision, gluon = f"transition{stage}", f"features.transition{stage}", f"features.{2 * stage + 3}"
            yield norm(*shared(f"{ours}_bn", f"{torchvision}.norm"), f"{gluon}.0", number("batchnorm"))
            yield conv(*shared(f"{ours}_conv", f"{torchvision}.conv"), f"{gluon}.2", number("conv"))
    yield norm(*shared("head_bn", "features.norm5"), "features.11", number("batchnorm"))
    yield biased(*shared("fc", "classifier"), "output", number("dense"))


DENSENET: Layout = {
    f"densenet{n}": table((TORCHVISION, TORCHVISION, GLUON, GLUON_PREFIXED), _densenet, n) for n in DEPTHS
}

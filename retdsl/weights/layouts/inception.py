"""Names of the layers of Inception-v3."""

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

WITH_SIDE_BRANCH = TORCHVISION._replace(unused=("AuxLogits.",))
"""torchvision's network has a branch to the side that only helps training."""

STEM = (
    ("stem_1a", "Conv2d_1a_3x3", 0),
    ("stem_2a", "Conv2d_2a_3x3", 1),
    ("stem_2b", "Conv2d_2b_3x3", 2),
    ("stem_3b", "Conv2d_3b_1x1", 4),
    ("stem_4a", "Conv2d_4a_3x3", 5),
)

KINDS = {
    "A": (
        ("1x1", "branch1x1", "0.0"),
        ("5x5_reduce", "branch5x5_1", "1.0"),
        ("5x5", "branch5x5_2", "1.1"),
        ("double_3x3_reduce", "branch3x3dbl_1", "2.0"),
        ("double_3x3_1", "branch3x3dbl_2", "2.1"),
        ("double_3x3_2", "branch3x3dbl_3", "2.2"),
        ("project", "branch_pool", "3.1"),
    ),
    "B": (
        ("3x3", "branch3x3", "0.0"),
        ("double_3x3_reduce", "branch3x3dbl_1", "1.0"),
        ("double_3x3_1", "branch3x3dbl_2", "1.1"),
        ("double_3x3_2", "branch3x3dbl_3", "1.2"),
    ),
    "C": (
        ("1x1", "branch1x1", "0.0"),
        ("7x7_reduce", "branch7x7_1", "1.0"),
        ("7x7_1", "branch7x7_2", "1.1"),
        ("7x7_2", "branch7x7_3", "1.2"),
        ("double_7x7_reduce", "branch7x7dbl_1", "2.0"),
        ("double_7x7_1", "branch7x7dbl_2", "2.1"),
        ("double_7x7_2", "branch7x7dbl_3", "2.2"),
        ("double_7x7_3", "branch7x7dbl_4", "2.3"),
        ("double_7x7_4", "branch7x7dbl_5", "2.4"),
        ("project", "branch_pool", "3.1"),
    ),
    "D": (
        ("3x3_reduce", "branch3x3_1", "0.0"),
        ("3x3", "branch3x3_2", "0.1"),
        ("7x7_reduce", "branch7x7x3_1", "1.0"),
        ("7x7_1", "branch7x7x3_2", "1.1"),
        ("7x7_2", "branch7x7x3_3", "1.2"),
        ("7x7_3x3", "branch7x7x3_4", "1.3"),
    ),
    "E": (
        ("1x1", "branch1x1", "0.0"),
        ("3x3_reduce", "branch3x3_1", "1.0.0"),
        ("3x3_1x3", "branch3x3_2a", "1.1.0.0"),
        ("3x3_3x1", "branch3x3_2b", "1.1.1.0"),
        ("double_3x3_reduce", "branch3x3dbl_1", "2.0.0"),
        ("double_3x3_1", "branch3x3dbl_2", "2.0.1"),
        ("double_3x3_2_1x3", "branch3x3dbl_3a", "2.1.0.0"),
        ("double_3x3_2_3x1", "branch3x3dbl_3b", "2.1.1.0"),
        ("project", "branch_pool", "3.1"),
    ),
}
"""The convolutions of each kind of module: in the zoo, in torchvision and in Gluon, by branch and place."""

MODULES = {
    "5b": "A1",
    "5c": "A2",
    "5d": "A3",
    "6a": "B",
    "6b": "C1",
    "6c": "C2",
    "6d": "C3",
    "6e": "C4",
    "7a": "D",
    "7b": "E1",
    "7c": "E2",
}
"""Modules by the zoo's and torchvision's number, with Gluon's name, which begins with the kind."""


def _inception_v3() -> Iterator[Row]:
    number = Numbers()

    def unit(ours: str, torchvision: str, gluon: str, scope: str = "") -> Iterator[Row]:
        yield conv(f"{ours}_conv", f"{torchvision}.conv", f"{gluon}.0", number("conv", scope))
        yield norm(f"{ours}_bn", f"{torchvision}.bn", f"{gluon}.1", number("batchnorm", scope))

    for ours, torchvision, place in STEM:
        yield from unit(ours, torchvision, f"features.{place}")
    for place, (module, name) in enumerate(MODULES.items(), 7):
        for ours, torchvision, path in KINDS[name[0]]:
            yield from unit(
                f"mixed_{module}_{ours}", f"Mixed_{module}.{torchvision}", f"features.{place}.{path}", f"{name}_"
            )
    yield biased("fc", "fc", "output", number("dense"))


INCEPTION_V3: Layout = {"inception_v3": table((WITH_SIDE_BRANCH, GLUON, GLUON_PREFIXED), _inception_v3)}

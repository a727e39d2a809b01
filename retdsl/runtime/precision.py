"""In which precision the frozen part of a network is computed: `precision = int8(frozen)`, `bf16(frozen)`.

What learns is computed in float32 in any case, and so are the answers of the finished network. `lowered` works it out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias


@dataclass(frozen=True, slots=True)
class int8:
    """Weights and values as 8-bit integers, with a scale for each channel of a weight and for each layer's values.

    what: "frozen"; photographs: of the training side, evenly spaced, 1 or more; the largest values that they give set
    the scales. Source: Jacob et al. 2018, arXiv:1712.05877.
    """

    what: str
    photographs: int = 64
    name: ClassVar[str] = "int8"
    other: ClassVar[str] = "precision = bf16(frozen)"


@dataclass(frozen=True, slots=True)
class bf16:
    """Weights and values with the range of float32, and 8 bits of precision in place of 24. what: "frozen".

    Source: Kalamkar et al. 2019, arXiv:1905.12322.
    """

    what: str
    name: ClassVar[str] = "bf16"
    other: ClassVar[str] = "precision = int8(frozen)"


Precision: TypeAlias = int8 | bf16


NOTED = 0.01
"""A mean difference of probabilities that is worth a warning."""


def in_words(precision: Mapping[str, Any]) -> str:
    """How far a lower precision is from float32, and what to do where that is far. precision: what lock.json says."""
    if "mean" not in precision:
        return (
            f"{precision['frozen']} in the frozen part: what it gave was {precision['features']:.2g} from float32's; "
            "probabilities are not compared, as some of it, or all, was unfrozen later"
        )
    said = (
        f"{precision['frozen']} in the frozen part: probabilities of the validation photographs are within "
        f"{precision['largest']:.2g} of float32's, {precision['mean']:.2g} on average"
    )
    if precision["mean"] <= NOTED:
        return said
    other = (
        "`precision = bf16(frozen)`, or float32, without `precision`," if precision["frozen"] == "int8" else "float32"
    )
    return f"{said}; that is much: {other} is closer"

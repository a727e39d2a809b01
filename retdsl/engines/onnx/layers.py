"""Which layer of the schema becomes what of ONNX: one table, and what is not in it is refused with a reason."""

from __future__ import annotations

from retdsl.engines.onnx import (
    convolutional,
    elementwise,
    joining,
    normalising,
    pooling,
    reducing,
    reshaping,
    sampling,
)
from retdsl.engines.onnx.graph import Lowering, Refused
from retdsl.engines.onnx.refused import REFUSED, UNKNOWN_SHAPE
from retdsl.schema.model import Layer

LOWERED: dict[str, Lowering] = {
    **convolutional.LOWERED,
    **pooling.LOWERED,
    **sampling.LOWERED,
    **normalising.LOWERED,
    **elementwise.LOWERED,
    **joining.LOWERED,
    **reshaping.LOWERED,
    **reducing.LOWERED,
}
"""How each layer is said in ONNX, by its name in the schema."""


def lowering_of(layer: Layer | None) -> Lowering:
    """How a layer is said in ONNX. Raises Refused."""
    if layer is None or layer.name not in LOWERED:
        raise Refused(UNKNOWN_SHAPE if layer is None else REFUSED.get(layer.name, UNKNOWN_SHAPE))
    return LOWERED[layer.name]

"""What MXNet's operators learn: the names of their parameters, in the order in which a symbol file lists them.

Operators that are not here learn nothing, or are not known to.
"""

from __future__ import annotations

from collections.abc import Mapping

from retdsl.ir import Value

_WEIGHT = ("weight", "bias")
_SCALE = ("gamma", "beta")
_NORM = (*_SCALE, "moving_mean", "moving_var")

PARAMETERS: dict[str, tuple[str, ...]] = {
    "Convolution": _WEIGHT,
    "Deconvolution": _WEIGHT,
    "FullyConnected": _WEIGHT,
    "Embedding": ("weight",),
    "BatchNorm": _NORM,
    "BatchNorm_v1": _NORM,
    "_contrib_SyncBatchNorm": _NORM,
    "InstanceNorm": _SCALE,
    "LayerNorm": _SCALE,
    "GroupNorm": _SCALE,
    "LeakyReLU": ("gamma",),
}
"""A layer may have fewer: see `parameter_names`."""


def parameter_names(op: str, options: Mapping[str, Value]) -> tuple[str, ...]:
    """What a layer with these options learns: nothing more than its weight without a bias, its slope only as prelu."""
    names = PARAMETERS.get(op, ())
    if op == "LeakyReLU":
        return names if options.get("act_type") == "prelu" else ()
    return names[:1] if options.get("no_bias") else names

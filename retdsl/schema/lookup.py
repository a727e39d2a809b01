"""Layers by name: those by hand first, then what MXNet's registry has besides; and what people may mean by others.

The registry's snapshot is only read for a name that the layers by hand do not have.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from retdsl.schema.layers import LAYERS
from retdsl.schema.model import Layer
from retdsl.schema.operators import layer_of, operators, spellings
from retdsl.schema.refused import REFUSED, Refused

_SAME = {
    "elemwise_add": "Add",
    "add_n": "Add",
    "elemwise_mul": "Multiply",
    "elemwise_sub": "Subtract",
    "elemwise_div": "Divide",
    "_maximum": "Maximum",
    "_Maximum": "Maximum",
    "_minimum": "Minimum",
    "_Minimum": "Minimum",
    "BatchNorm_v1": "BatchNorm",
    "_contrib_SyncBatchNorm": "BatchNorm",
    "Convolution_v1": "Convolution",
    "identity": "identity",
    "_grad_add": "Add",
    **{
        f"_{word}": f"broadcast_{word}" for word in ("power", "mod", "hypot", "equal", "not_equal", "greater", "lesser")
    },
    **{f"_{word}": f"broadcast_{word}" for word in ("power", "mod", "hypot", "equal", "not_equal")},
    **{f"_{word}": f"broadcast_{word}" for word in ("greater", "greater_equal", "lesser", "lesser_equal")},
}
"""Operators that compute what a layer of another name does: MXNet's, where it has several."""


def find_layer(name: str) -> Layer | None:
    """The layer that a chain means by a name; None if there is none, or if it cannot stand in a chain."""
    if name in LAYERS:
        return LAYERS[name]
    row = None if name in REFUSED else operators().get(name)
    return layer_of(row) if row is not None and not _has_entry(row.operator) else None


def find_operator(operator: str) -> Layer | None:
    """The layer that does what an operator of a symbol file does, by any of MXNet's names for it."""
    found = _by_hand().get(operator)
    if found is not None:
        return found
    row = spellings().get(operator)
    return None if row is None else _by_hand().get(row.operator) or layer_of(row)


def find_node(op: str) -> Layer | None:
    """The layer of a node of a checked program, whose `op` is a name of the schema or, as a file had it, of MXNet."""
    return find_layer(op) or find_operator(op)


def refusal(name: str) -> Refused | None:
    """Why an operator of MXNet cannot stand in a chain; None for all other names."""
    return REFUSED.get(name)


def other_layers() -> Iterator[Layer]:
    """The layers that only the registry has, by name."""
    rows = (row for name, row in sorted(operators().items()) if name not in REFUSED)
    return (layer_of(row) for row in rows if not _has_entry(row.operator))


def layer_names() -> list[str]:
    """Every name that is a layer in a chain."""
    return [*LAYERS, *(layer.name for layer in other_layers())]


def _has_entry(operator: str) -> bool:
    return operator in _by_hand()


@cache
def _by_hand() -> dict[str, Layer]:
    """Layers by MXNet's names for their operators; `clip` is the layer of that name, not `ReLU6`."""
    found = {layer.operator: layer for layer in LAYERS.values() if layer.operator not in LAYERS}
    found.update({layer.operator: layer for layer in LAYERS.values() if layer.operator == layer.name})
    return found | {operator: LAYERS[name] for operator, name in _SAME.items()}

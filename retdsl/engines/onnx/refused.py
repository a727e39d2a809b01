"""Layers that are not exported, and why."""

from __future__ import annotations

_NO_WORD = "ONNX has no operator for it"

REFUSED: dict[str, str] = {
    "ROIPooling": "its regions are not those of one photograph each, as the batch of an exported network is",
    "Correlation": _NO_WORD,
    "erfinv": _NO_WORD,
    "gamma": _NO_WORD,
    "gammaln": _NO_WORD,
}
"""Layers of the schema by hand. Those that MXNet's registry has besides are all refused, for `UNKNOWN_SHAPE`."""

UNKNOWN_SHAPE = "what it gives is known to MXNet alone, and only once the program runs"

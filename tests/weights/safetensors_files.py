"""Writes `.safetensors` files by hand, with room to lie."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

CODES = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "int64": "I64",
    "int32": "I32",
    "int16": "I16",
    "int8": "I8",
    "uint64": "U64",
    "uint32": "U32",
    "uint16": "U16",
    "uint8": "U8",
    "bool": "BOOL",
}

SOME = {
    "conv.weight": np.arange(24, dtype="f4").reshape(2, 3, 2, 2),
    "fc.bias": np.array([1, 2], "f8"),
    "steps": np.array(7),
}


def safetensors_bytes(arrays: dict[str, NDArray[Any]], metadata: dict[str, str] | None = None) -> bytes:
    header: dict[str, Any] = {} if metadata is None else {"__metadata__": metadata}
    at = 0
    for name, array in arrays.items():
        header[name] = entry(CODES[array.dtype.name], list(array.shape), at, at + array.nbytes)
        at += array.nbytes
    return with_header(header, b"".join(array.tobytes() for array in arrays.values()))


def entry(dtype: Any, shape: Any, first: Any, last: Any) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [first, last]}


def with_header(header: Any, numbers: bytes = b"") -> bytes:
    """A file with a header of any JSON, or any bytes."""
    content = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(content)) + content + numbers

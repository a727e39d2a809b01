"""Writes MXNet's `.params` files by hand in each of the layouts that MXNet has had, with room to lie."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

FLAGS = {"float32": 0, "float64": 1, "float16": 2, "uint8": 3, "int32": 4, "int8": 5, "int64": 6, "bool": 7}
LAYOUTS = (0, 1, 2, 3)


def array_bytes(array: NDArray[Any], layout: int) -> bytes:
    """One array; layout 0 is that of 2015, 1 that of 2017, 2 and 3 those of MXNet 1.x."""
    head = {
        0: b"",
        1: struct.pack("<I", 0xF993FAC8),
        2: struct.pack("<Ii", 0xF993FAC9, 0),
        3: struct.pack("<Ii", 0xF993FACA, 0),
    }[layout]
    axis = "<I" if layout == 0 else "<q"
    shape = struct.pack("<I", array.ndim) + b"".join(struct.pack(axis, size) for size in array.shape)
    device = struct.pack("<ii", 1, 0)
    return head + shape + device + struct.pack("<i", FLAGS[array.dtype.name]) + array.tobytes()


def params_bytes(arrays: dict[str, NDArray[Any]], layout: int = 2) -> bytes:
    return params_parts([array_bytes(array, layout) for array in arrays.values()], list(arrays))


def params_parts(arrays: list[bytes], names: list[str]) -> bytes:
    parts = [struct.pack("<QQQ", 0x112, 0, len(arrays)), *arrays, struct.pack("<Q", len(names))]
    parts += [struct.pack("<Q", len(name.encode())) + name.encode() for name in names]
    return b"".join(parts)


SOME = {
    "arg:conv_weight": np.arange(24, dtype="f4").reshape(2, 3, 2, 2),
    "arg:fc_bias": np.array([1, 2], "f4"),
    "aux:bn_moving_mean": np.array([3, 4], "f4"),
}

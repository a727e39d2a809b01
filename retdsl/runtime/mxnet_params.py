"""Reads MXNet's `.params` files without MXNet, whose own reader trusts every length in the file.

Enters: the path (or the bytes) of a file that any MXNet from 2015 to 1.9 wrote with `save_checkpoint` or `nd.save`.
Leaves: one read-only NumPy array a name, as stored (`arg:fc1_weight`, `aux:bn_1_moving_mean`). The arrays are views of
the file's bytes, so no length that the file claims can cost memory. Whatever is wrong ends in a `RunError` that names
the file. All numbers are little-endian; the layout is, with `u` for unsigned:

    u64 0x112, u64 0, u64 arrays, then each array, u64 names, then each name as u64 length and its bytes
    array            u32 0xF993FAC9 (or ..CA), i32 storage kind (0: dense), shape, i32 device, i32 its number, i32 type,
                     then the numbers; shape: u32 axes, then i64 each
    array in 2017    u32 0xF993FAC8, then the same without storage kind
    array before     no magic, no storage kind; shape: u32 axes, then u32 each
"""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.errors import RunError

LIST_MAGIC = 0x112
ARRAY_V1, ARRAY_V2, ARRAY_V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
MAX_AXES = 32

TYPES = {0: "<f4", 1: "<f8", 2: "<f2", 3: "u1", 4: "<i4", 5: "i1", 6: "<i8", 7: "?"}
"""MXNet's type flags as NumPy types. Flag 12, bfloat16, has none."""


class _Damaged(Exception):
    """Why the file is not read; `parse_params` adds which file."""


class _Words:
    """The file's bytes with a reading position that never passes their end."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def take(self, size: int) -> int:
        """Moves on by `size` bytes and returns where they start."""
        start = self._at
        if size > len(self._content) - start:
            raise _Damaged("it is truncated or damaged")
        self._at = start + size
        return start

    def number(self, code: str) -> int:
        """One integer by its `struct` code: I and i have four bytes, Q and q eight."""
        (value,) = struct.unpack_from("<" + code, self._content, self.take(struct.calcsize("<" + code)))
        return int(value)

    def text(self) -> str:
        size = self.number("Q")
        start = self.take(size)
        return self._content[start : start + size].decode()

    def array(self) -> NDArray[Any]:
        shape = self._shape()
        if not shape:
            raise _Damaged("it holds an array without a shape")
        self.take(8)  # the device it was saved from
        flag = self.number("i")
        if flag not in TYPES:
            raise _Damaged(f"it holds an array of a number type that is not supported (type flag {flag})")
        dtype = np.dtype(TYPES[flag])
        count = math.prod(shape)
        start = self.take(count * dtype.itemsize)
        if not count:
            return np.empty(shape, dtype)
        return np.frombuffer(self._content, dtype, count, start).reshape(shape)

    def _shape(self) -> tuple[int, ...]:
        magic = self.number("I")
        if magic in (ARRAY_V2, ARRAY_V3) and self.number("i") != 0:
            raise _Damaged("it holds a sparse array, which is not supported")
        recent = magic in (ARRAY_V1, ARRAY_V2, ARRAY_V3)
        axes = self.number("I") if recent else magic
        if axes > MAX_AXES:
            raise _Damaged("it is truncated or damaged")
        shape = tuple(self.number("q" if recent else "I") for _ in range(axes))
        if any(size < 0 for size in shape):
            raise _Damaged("it is truncated or damaged")
        return shape


def read_params(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of the `.params` file at `path`, by the names in it. Raises `RunError`."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RunError(f"the weights cannot be read: {error.strerror or error}", where=path) from error
    return parse_params(content, path)


def parse_params(content: bytes, where: object) -> dict[str, NDArray[Any]]:
    """As `read_params`, from the file's bytes; `where` names the file in errors."""
    words = _Words(content)
    try:
        if words.number("Q") != LIST_MAGIC:
            raise _Damaged("it does not start as one")
        words.take(8)
        arrays = [words.array() for _ in range(words.number("Q"))]
        names = [words.text() for _ in range(words.number("Q"))]
        if len(names) != len(arrays) or len(set(names)) != len(names):
            raise _Damaged("its arrays are not all named, each by a name of its own")
        return dict(zip(names, arrays, strict=True))
    except _Damaged as damaged:
        reason = str(damaged)
    except (ValueError, OverflowError):  # a name that is no text; a shape beyond what NumPy can count
        reason = "it is truncated or damaged"
    raise RunError(
        f"this is no MXNet params file that can be read: {reason}",
        where=where,
        help="copy or save the file anew; a checkpoint is `NAME-symbol.json` with `NAME-0001.params`",
    )

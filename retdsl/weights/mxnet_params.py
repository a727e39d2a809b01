"""What is in MXNet's `.params` files, without MXNet, whose own reader trusts every length in the file.

Enters: a file that any MXNet from 2015 to 1.9 wrote with `save_checkpoint` or `nd.save`. Leaves: one `Tensor` a name,
as stored (`arg:fc1_weight`, `aux:bn_1_moving_mean`). All numbers are little-endian; the layout is, with `u` for
unsigned:

    u64 0x112, u64 0, u64 arrays, then each array, u64 names, then each name as u64 length and its bytes
    array            u32 0xF993FAC9 (or ..CA), i32 storage kind (0: dense), shape, i32 device, i32 its number, i32 type,
                     then the numbers; shape: u32 axes, then i64 each
    array in 2017    u32 0xF993FAC8, then the same without storage kind
    array before     no magic, no storage kind; shape: u32 axes, then u32 each
"""

from __future__ import annotations

import math
import os
import struct
from pathlib import Path
from typing import BinaryIO

from retdsl.weights.model import (
    DAMAGED,
    MAX_AXES,
    MAX_NAME,
    MAX_TENSORS,
    BadWeights,
    Sizes,
    Tensor,
    WeightsFile,
    item_size,
)

LIST_MAGIC = 0x112
MAGIC = struct.pack("<Q", LIST_MAGIC)
ARRAY_V1, ARRAY_V2, ARRAY_V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA

TYPES = {0: "<f4", 1: "<f8", 2: "<f2", 3: "u1", 4: "<i4", 5: "i1", 6: "<i8", 7: "?", 12: "bf16"}
"""MXNet's type flags as types of a `Tensor`."""

ONLY = "0"
"""What the array of a file is called that was saved without a name, alone."""

SAVE_ANEW = "copy or save the file anew; a checkpoint is `NAME-symbol.json` with `NAME-0001.params`"


def begins(head: bytes) -> bool:
    """Whether a file with these first bytes is one."""
    return head.startswith(MAGIC)


def read(path: Path, file: BinaryIO) -> WeightsFile:
    """What is in the file. Raises BadWeights."""
    words = _Words(file)
    words.skip(16)  # the magic number, and one that is not used
    arrays = [words.array() for _ in range(words.count())]
    names = [words.text() for _ in range(words.count())]
    if len(arrays) == 1 and not names:
        names = [ONLY]
    if len(names) != len(arrays) or len(set(names)) != len(names):
        raise BadWeights("its arrays are not all named, each by a name of its own", SAVE_ANEW)
    tensors = {name: Tensor(name, *array) for name, array in zip(names, arrays, strict=True)}
    return WeightsFile(path, "MXNet params", tensors, {})


class _Words:
    """The file with a reading position that never passes its end."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = file.seek(0, os.SEEK_END)
        self._at = file.seek(0)

    def skip(self, size: int) -> int:
        """Moves on by `size` bytes and returns where they start."""
        start = self._at
        if size > self._size - start:
            raise BadWeights(DAMAGED, SAVE_ANEW)
        self._at = start + size
        return start

    def number(self, code: str) -> int:
        """One integer by its `struct` code: I and i have four bytes, Q and q eight."""
        size = struct.calcsize("<" + code)
        self._file.seek(self.skip(size))
        (value,) = struct.unpack("<" + code, self._file.read(size))
        return int(value)

    def count(self) -> int:
        count = self.number("Q")
        if count > MAX_TENSORS:
            raise BadWeights(DAMAGED, SAVE_ANEW)
        return count

    def text(self) -> str:
        size = self.number("Q")
        if size > 4 * MAX_NAME:  # a character has up to four bytes
            raise BadWeights(DAMAGED, SAVE_ANEW)
        self._file.seek(self.skip(size))
        try:
            return self._file.read(size).decode()
        except UnicodeDecodeError as error:
            raise BadWeights(DAMAGED, SAVE_ANEW) from error

    def array(self) -> tuple[str, Sizes, int]:
        """Type, shape and place of an array."""
        shape = self._shape()
        if not shape:
            raise BadWeights("it holds an array without a shape", SAVE_ANEW)
        self.skip(8)  # the device it was saved from
        flag = self.number("i")
        if flag not in TYPES:
            raise BadWeights(f"it holds an array of a number type that is not supported (type flag {flag})", SAVE_ANEW)
        dtype = TYPES[flag]
        return dtype, shape, self.skip(math.prod(shape) * item_size(dtype))

    def _shape(self) -> Sizes:
        magic = self.number("I")
        if magic in (ARRAY_V2, ARRAY_V3) and self.number("i") != 0:
            raise BadWeights("it holds a sparse array, which is not supported")
        recent = magic in (ARRAY_V1, ARRAY_V2, ARRAY_V3)
        axes = self.number("I") if recent else magic
        if axes > MAX_AXES:
            raise BadWeights(DAMAGED, SAVE_ANEW)
        shape = tuple(self.number("q" if recent else "I") for _ in range(axes))
        if any(size < 0 for size in shape):
            raise BadWeights(DAMAGED, SAVE_ANEW)
        return shape

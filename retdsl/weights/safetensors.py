"""What is in a `.safetensors` file: a small JSON header, then nothing but numbers.

Enters: a file. Leaves: a `Tensor` a name, and the file's own metadata. Guaranteed: the file keeps every rule of the
format: the tensors fill what follows the header without gap or overlap, and each has as many bytes as its shape needs.

    u64 size of the header, little-endian; the header, JSON that starts with `{`, padded with spaces; the numbers
    header: {"NAME": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ..., "__metadata__": {"KEY": "TEXT"}}
    data_offsets: first byte and the one behind the last, counted from the end of the header
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from retdsl.weights.model import ANEW, DAMAGED, MAX_AXES, MAX_TENSORS, BadWeights, Tensor, WeightsFile, item_size

MAX_HEADER = 4 << 20
"""Bytes of a header: room for some 40 000 tensors. Networks for photographs need some hundred thousand bytes."""

TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "bf16", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1"}
TYPES |= {"U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?"}
"""The number types of the format that NumPy has, and bfloat16."""

METADATA = "__metadata__"


def begins(head: bytes) -> bool:
    """Whether a file with these first bytes can be one: a length of less than 4 GiB, then a brace."""
    return head[4:9] == b"\0\0\0\0{"


def read(path: Path, file: BinaryIO) -> WeightsFile:
    """What is in the file. Raises BadWeights."""
    end = file.seek(0, os.SEEK_END)
    file.seek(0)
    (size,) = struct.unpack("<Q", file.read(8))
    if size > MAX_HEADER:
        raise BadWeights(f"its header claims {size:,} bytes; {MAX_HEADER:,} are allowed", ANEW)
    if size > end - 8:
        raise BadWeights(f"{DAMAGED}: its header should have {size:,} bytes, and {end - 8:,} are there", ANEW)
    header = _parsed(file.read(size))
    metadata = header.pop(METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise BadWeights(f"the {METADATA} of its header is not text under names", ANEW)
    if len(header) > MAX_TENSORS:
        raise BadWeights(f"it claims {len(header):,} tensors; {MAX_TENSORS:,} are allowed", ANEW)
    start = 8 + size
    tensors = {name: _tensor(name, said, start) for name, said in header.items()}
    _require_filled(tensors, start, end)
    return WeightsFile(path, "safetensors", tensors, metadata)


def _parsed(content: bytes) -> dict[str, Any]:
    import json

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise BadWeights("its header gives one name twice", ANEW)
        return found

    try:
        header = json.loads(content.decode(), object_pairs_hook=once)
    except (ValueError, RecursionError) as error:  # no text, no JSON, a number of a million digits; too deep
        raise BadWeights(f"{DAMAGED}: its header is not the JSON that it should be", ANEW) from error
    assert isinstance(header, dict), "it starts with a brace"
    return header


def _tensor(name: str, said: Any, start: int) -> Tensor:
    """One entry of the header. start: of the numbers, in bytes from the start of the file."""
    match said:
        case {"dtype": str(kind), "shape": list(shape), "data_offsets": [first, last]} if len(said) == 3:
            pass
        case _:
            raise BadWeights(f"its header describes the tensor {name!r:.100} wrongly", ANEW)
    if kind not in TYPES:
        raise BadWeights(f"the tensor {name!r:.100} has numbers of the type {kind!r:.20}, which is not supported")
    if len(shape) > MAX_AXES or not all(type(size) is int and 0 <= size < 2**63 for size in (*shape, first, last)):
        raise BadWeights(f"its header describes the tensor {name!r:.100} wrongly", ANEW)
    dtype = TYPES[kind]
    needed = math.prod(shape) * item_size(dtype)
    if last - first != needed:
        raise BadWeights(
            f"the tensor {name!r:.100} has {last - first:,} bytes in the file; its shape {shape} needs {needed:,}", ANEW
        )
    return Tensor(name, dtype, tuple(shape), start + first)


def _require_filled(tensors: Mapping[str, Tensor], start: int, end: int) -> None:
    """Raises BadWeights unless the tensors lie one behind the other from `start` to `end`, in whatever order."""
    at = start
    for tensor in sorted(tensors.values(), key=lambda tensor: (tensor.offset, math.prod(tensor.shape))):
        if tensor.offset != at:
            how = "overlaps the one before it" if tensor.offset < at else "does not follow the one before it"
            raise BadWeights(f"the tensor {tensor.name!r:.100} {how}", ANEW)
        at += math.prod(tensor.shape) * item_size(tensor.dtype)
    if at > end:
        raise BadWeights(f"{DAMAGED}: it should have {at:,} bytes, and has {end:,}", ANEW)
    if at < end:
        raise BadWeights(f"{end - at:,} bytes of it belong to no tensor", ANEW)

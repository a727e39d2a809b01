"""Writes PyTorch's weights files of both formats by hand, honest and dishonest ones, without PyTorch.

A value is encoded as the pickle instructions for it: numbers, texts, None, booleans, tuples, lists and dicts as they
are, `Global`, `Call` and `Reference` for what pickles can do beyond plain data, `Raw` for anything else.
"""

from __future__ import annotations

import io
import struct
import zipfile
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAGIC = 0x1950A86A20F9469CFC6C
SYSTEM = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
STORAGE_NAMES = {
    "float32": "FloatStorage",
    "float64": "DoubleStorage",
    "float16": "HalfStorage",
    "int64": "LongStorage",
    "int32": "IntStorage",
    "int16": "ShortStorage",
    "int8": "CharStorage",
    "uint8": "ByteStorage",
    "bool": "BoolStorage",
}


@dataclass(frozen=True)
class Global:
    """`from module import name`."""

    module: str
    name: str


@dataclass(frozen=True)
class Call:
    """`function(*arguments)`."""

    function: Any
    arguments: Any


@dataclass(frozen=True)
class Reference:
    """A persistent id: something that lies outside the pickle."""

    value: Any


@dataclass(frozen=True)
class Raw:
    """Instructions as they are."""

    code: bytes


def encode(value: Any) -> bytes:
    """The pickle instructions, of protocol 2, that leave `value` on the stack."""
    match value:
        case Raw(code):
            return code
        case Global(module, name):
            return f"c{module}\n{name}\n".encode()
        case Call(function, arguments):
            return encode(function) + encode(arguments) + b"R"
        case Reference(inner):
            return encode(inner) + b"Q"
        case None | True | False:
            return {None: b"N", True: b"\x88", False: b"\x89"}[value]
        case int():
            size = value.bit_length() // 8 + 1
            return b"\x8a" + bytes([size]) + value.to_bytes(size, "little", signed=True)
        case float():
            return b"G" + struct.pack(">d", value)
        case str():
            return b"X" + struct.pack("<I", len(value.encode())) + value.encode()
        case tuple():
            return b"(" + b"".join(map(encode, value)) + b"t"
        case list():
            return b"](" + b"".join(map(encode, value)) + b"e"
        case dict():
            return b"}(" + b"".join(encode(key) + encode(item) for key, item in value.items()) + b"u"
    raise TypeError(type(value))


def pickled(value: Any) -> bytes:
    return b"\x80\x02" + encode(value) + b"."


def storage(key: str, dtype: str, count: int) -> Reference:
    return Reference(("storage", Global("torch", STORAGE_NAMES[dtype]), key, "cpu", count, None))


def tensor(held: Any, shape: Any, strides: Any, offset: Any = 0) -> Call:
    hooks = Call(Global("collections", "OrderedDict"), ())
    return Call(Global("torch._utils", "_rebuild_tensor_v2"), (held, offset, shape, strides, False, hooks))


def torch_file(tensors: Any, storages: dict[str, NDArray[Any]]) -> bytes:
    """A whole file: the header, the pickle of `tensors`, and the `storages` it refers to by key."""
    pickles = b"".join(map(pickled, (MAGIC, 1001, SYSTEM, tensors, list(storages))))
    return pickles + b"".join(struct.pack("<q", data.size) + data.tobytes() for data in storages.values())


def plain_file(arrays: dict[str, NDArray[Any]]) -> bytes:
    """A file of contiguous tensors, each in a storage of its own."""
    return torch_file(*contiguous(arrays))


def zip_file(tensors: Any, storages: dict[str, NDArray[Any]], **others: bytes) -> bytes:
    """A file of the zip format. others: further parts in its folder."""
    parts = {"data.pkl": pickled(tensors), "byteorder": b"little", "version": b"3\n", **others}
    parts |= {f"data/{key}": data.tobytes() for key, data in storages.items()}
    return zip_of({f"net/{name}": content for name, content in parts.items()})


def zip_of(parts: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        for name, part in parts.items():
            archive.writestr(zipfile.ZipInfo(name), part, method)
    return content.getvalue()


def contiguous(arrays: dict[str, NDArray[Any]]) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Tensors each in a storage of its own, and the storages."""
    tensors: dict[str, Any] = {}
    for name, array in arrays.items():
        strides = tuple(stride // array.itemsize for stride in np.array(array, order="C").strides)
        tensors[name] = tensor(storage(f"at {name}", array.dtype.name, array.size), array.shape, strides)
    return tensors, {f"at {name}": array for name, array in arrays.items()}

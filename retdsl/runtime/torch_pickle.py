"""Reads the weights that PyTorch wrote before version 1.6, without PyTorch and without trusting the file.

Enters: the path (or the bytes) of such a file: a pickle of named tensors, then the raw numbers. Leaves: one NumPy array
a name, in PyTorch's own names, shapes and types. Guaranteed: nothing in the file is ever called, imported or built.
Python's unpickler is not used at all: the few pickle instructions that tensors need are interpreted here, on plain
lists and dicts, and everything else is refused by name. The arrays are read-only views of the file's bytes, so no
length that the file claims can cost memory. Whatever is wrong ends in a `RunError` that names the file.
"""

from __future__ import annotations

import io
import math
import pickletools
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.errors import RunError

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001

STORAGES: dict[str, str] = {
    "torch FloatStorage": "<f4",
    "torch DoubleStorage": "<f8",
    "torch HalfStorage": "<f2",
    "torch LongStorage": "<i8",
    "torch IntStorage": "<i4",
    "torch ShortStorage": "<i2",
    "torch CharStorage": "i1",
    "torch ByteStorage": "u1",
    "torch BoolStorage": "?",
}
"""The runs of numbers that tensors lie in, by the name they have in a pickle."""

GLOBALS = frozenset({"collections OrderedDict", "torch._utils _rebuild_tensor_v2", *STORAGES})
"""All that a weights file may name. They are kept as text; none is ever looked up."""

MAX_AXES = 32
"""NumPy's limit."""

DAMAGED = "it is truncated or damaged"


ANEW = "install or copy the file anew, from where it was published"


class _Refused(Exception):
    """Why the file is not read, and what helps; `parse_torch_pickle` adds which file."""

    def __init__(self, reason: str, help: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.help = help


def _refuse(reason: str, help: str = ANEW) -> NoReturn:
    raise _Refused(reason, help)


@dataclass(frozen=True, slots=True)
class _Global:
    name: str


@dataclass(frozen=True, slots=True)
class _Storage:
    key: str
    dtype: str
    count: int


@dataclass(frozen=True, slots=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_torch_pickle(path: Path) -> dict[str, NDArray[Any]]:
    """The tensors of the file at `path`, by name, as read-only arrays.

    Raises `RunError` when the file cannot be opened, is truncated or damaged, is of PyTorch's newer zip format, or
    holds anything but tensors.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RunError(f"the weights cannot be read: {error.strerror or error}", where=path) from error
    return parse_torch_pickle(content, path)


def parse_torch_pickle(content: bytes, where: object) -> dict[str, NDArray[Any]]:
    """As `read_torch_pickle`, from the file's bytes; `where` names the file in errors."""
    try:
        return _parse(content)
    except _Refused as refused:
        reason, help = refused.reason, refused.help
    # What pickletools raises on bytes that are no pickle, and what pickle instructions in the wrong places run into.
    except (ValueError, LookupError, TypeError, OverflowError):
        reason, help = DAMAGED, ANEW
    raise RunError(f"this is no PyTorch weights file that can be read: {reason}", where=where, help=help)


def _parse(content: bytes) -> dict[str, NDArray[Any]]:
    if content.startswith(b"PK\x03\x04"):
        _refuse(
            "it is in PyTorch's newer zip format (version 1.6 and later), which is not supported yet",
            help="in PyTorch: torch.save(torch.load(path), new_path, _use_new_zipfile_serialization=False)",
        )
    if content.startswith(b"version https://git-lfs"):
        _refuse("it is a Git LFS pointer that stands for the file, not the file", help="fetch it with `git lfs pull`")
    if not content:
        _refuse("it is empty")
    stream = io.BytesIO(content)
    if content[:1] != b"\x80" or _unpickle(stream) != MAGIC:
        _refuse("it does not start as one")
    if _unpickle(stream) != PROTOCOL:
        _refuse("it follows another version of the format")
    system = _unpickle(stream)
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        _refuse("it was written on a big-endian machine, or its header is damaged")
    tensors = _named_tensors(_unpickle(stream))
    order = _unpickle(stream)
    if not isinstance(order, list):
        _refuse("the list of its storages is damaged")
    storages = _storages(content, stream.tell(), order, {tensor.storage for tensor in tensors.values()})
    return {name: _view(tensor, storages[tensor.storage.key]) for name, tensor in tensors.items()}


def _named_tensors(value: Any) -> dict[str, _Tensor]:
    if not isinstance(value, dict):
        _refuse("it does not hold named tensors")
    for name, tensor in value.items():
        if not isinstance(tensor, _Tensor):
            _refuse(f"under {name!r:.100} it holds something that is not a tensor")
    return value


def _storages(content: bytes, at: int, order: list[Any], declared: set[_Storage]) -> dict[str, NDArray[Any]]:
    """The numbers behind the tensors: after the pickles, in `order`, each led by its count in eight bytes."""
    by_key = {storage.key: storage for storage in declared}
    if len(by_key) != len(declared):
        _refuse("it describes one storage in two ways")
    found: dict[str, NDArray[Any]] = {}
    for key in order:
        storage = by_key.get(key) if isinstance(key, str) else None
        if storage is None or key in found:
            _refuse("the list of its storages is damaged")
        count = int.from_bytes(content[at : at + 8], "little", signed=True)
        dtype = np.dtype(storage.dtype)
        end = at + 8 + storage.count * dtype.itemsize
        if count != storage.count or end > len(content):
            _refuse(DAMAGED)
        found[key] = np.frombuffer(content, dtype, count, at + 8) if count else np.empty(0, dtype)
        at = end
    if len(found) != len(by_key):
        _refuse(DAMAGED)
    return found


def _view(tensor: _Tensor, storage: NDArray[Any]) -> NDArray[Any]:
    """The tensor's window on its storage. `as_strided` checks nothing, so this does."""
    steps = [(size - 1) * stride for size, stride in zip(tensor.shape, tensor.strides, strict=True)]
    size = math.prod(tensor.shape)
    # More elements than the storage has would be a small file claiming to be a huge array (strides of 0).
    if size > storage.size or (size and tensor.offset + sum(steps) >= storage.size):
        _refuse("one of its tensors reaches beyond its storage")
    if not size:
        return storage[:0].reshape(tensor.shape)
    strides = tuple(stride * storage.itemsize for stride in tensor.strides)
    return np.lib.stride_tricks.as_strided(storage[tensor.offset :], tensor.shape, strides, writeable=False)


def _unpickle(stream: io.BytesIO) -> Any:
    """One pickle of the stream, of plain values and our own markers; leaves the stream after it.

    `pickletools.genops` only splits the bytes into instructions. A stack of lists plays the part of pickle's stack and
    its marks: MARK opens a list, the instructions that use it up take the whole list.
    """
    stacks: list[list[Any]] = [[]]
    memo: dict[Any, Any] = {}
    for opcode, argument, _ in pickletools.genops(stream):
        stack = stacks[-1]
        match opcode.name:
            case "PROTO" | "FRAME":
                pass
            case "STOP":
                return stack.pop()
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                stack.append({"NONE": None, "NEWTRUE": True, "NEWFALSE": False}[opcode.name])
            case "BININT" | "BININT1" | "BININT2" | "LONG1" | "BINFLOAT" | "BINUNICODE" | "SHORT_BINUNICODE":
                stack.append(argument)
            case "EMPTY_DICT" | "EMPTY_LIST" | "EMPTY_TUPLE":
                stack.append({"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}[opcode.name]())
            case "MARK":
                stacks.append([])
            case "TUPLE":
                items = stacks.pop()
                stacks[-1].append(tuple(items))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                stack[-int(opcode.name[-1]) :] = [tuple(_last(stack, int(opcode.name[-1])))]
            case "APPEND":
                item = stack.pop()
                _of(list, stack).append(item)
            case "APPENDS":
                items = stacks.pop()
                _of(list, stacks[-1]).extend(items)
            case "SETITEM":
                key, value = _last(stack, 2)
                del stack[-2:]
                _fill(_of(dict, stack), [key, value])
            case "SETITEMS":
                items = stacks.pop()
                _fill(_of(dict, stacks[-1]), items)
            case "BINPUT" | "LONG_BINPUT":
                memo[argument] = stack[-1]
            case "MEMOIZE":
                memo[len(memo)] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[argument])
            case "GLOBAL":
                stack.append(_global(str(argument)))
            case "STACK_GLOBAL":
                module, name = _last(stack, 2)
                if not isinstance(module, str) or not isinstance(name, str):
                    _refuse(DAMAGED)
                stack[-2:] = [_global(f"{module} {name}")]
            case "BINPERSID":
                stack[-1:] = [_storage(_last(stack, 1)[0])]
            case "REDUCE":
                function, arguments = _last(stack, 2)
                stack[-2:] = [_rebuild(function, arguments)]
            case "BUILD":  # attributes of an OrderedDict: PyTorch keeps version numbers there
                stack.pop()
                _of(dict, stack)
            case name:
                _refuse(f"it holds the pickle instruction {name}, which no file of tensors needs")
    _refuse(DAMAGED)


def _last(stack: list[Any], count: int) -> list[Any]:
    if len(stack) < count:
        _refuse(DAMAGED)
    return stack[-count:]


def _of(kind: type, stack: list[Any]) -> Any:
    """The top of the stack, which must be a list or a dict."""
    top = stack[-1]
    if type(top) is not kind:
        _refuse(DAMAGED)
    return top


def _fill(target: dict[str, Any], items: list[Any]) -> None:
    for key, value in zip(items[::2], items[1::2], strict=True):
        if not isinstance(key, str):
            _refuse("it holds values under keys that are not text")
        target[key] = value


def _global(name: str) -> _Global:
    if name not in GLOBALS:
        asked = name.replace(" ", ".")
        _refuse(
            f"it asks for {asked!r:.100}, which no file of plain tensors needs; nothing of it was run",
            help="if you trust the file, save its tensors alone: torch.save(model.state_dict(), ...)",
        )
    return _Global(name)


def _storage(reference: Any) -> _Storage:
    match reference:
        case ("storage", _Global(name), str(key), str(), int(count), None) if name in STORAGES and _natural(count):
            return _Storage(key, STORAGES[name], count)
    _refuse("it refers to something other than a storage of numbers")


def _rebuild(function: Any, arguments: Any) -> Any:
    match function, arguments:
        case _Global("collections OrderedDict"), ():
            return {}
        case _Global("torch._utils _rebuild_tensor_v2"), (
            _Storage() as storage,
            offset,
            tuple(shape),
            tuple(strides),
            *_,
        ):
            if len(shape) == len(strides) <= MAX_AXES and all(map(_natural, (offset, *shape, *strides))):
                return _Tensor(storage, offset, shape, strides)
    _refuse("one of its tensors is described wrongly")


def _natural(value: Any) -> bool:
    return type(value) is int and 0 <= value <= sys.maxsize

"""What PyTorch's pickles say of tensors, the same in both of its file formats.

Enters: the pickle of whatever was given to `torch.save`. Leaves: the tensors of the one network in it by name, each as
a window on a storage, a run of numbers that lies outside the pickle. Guaranteed: no window reaches beyond its storage.

People save a `state_dict`, or a training checkpoint that holds one among other things (`epoch`, `optimizer`). What is
left aside there is plain data. Where two networks are saved side by side (`state_dict` and `state_dict_ema`), which one
is meant cannot be told from the file, and the figures of a study depend on it: it is refused, both are named.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

from retdsl.weights.model import ANEW, MAX_AXES, MAX_TENSORS, BadWeights, Sizes, Tensor, item_size
from retdsl.weights.restricted_pickle import Foreign, Maker, Name, Window, read_pickle

STORAGES = {
    "torch DoubleStorage": "<f8",
    "torch FloatStorage": "<f4",
    "torch HalfStorage": "<f2",
    "torch BFloat16Storage": "bf16",
    "torch LongStorage": "<i8",
    "torch IntStorage": "<i4",
    "torch ShortStorage": "<i2",
    "torch CharStorage": "i1",
    "torch ByteStorage": "u1",
    "torch BoolStorage": "?",
    "torch.storage UntypedStorage": "u1",
}
"""The runs of numbers that tensors lie in, by the name they have in a pickle."""

DTYPES = {"torch float64": "<f8", "torch float32": "<f4", "torch float16": "<f2", "torch bfloat16": "bf16"}
DTYPES |= {"torch int64": "<i8", "torch int32": "<i4", "torch int16": "<i2", "torch int8": "i1", "torch uint8": "u1"}
DTYPES |= {"torch uint64": "<u8", "torch uint32": "<u4", "torch uint16": "<u2", "torch bool": "?"}
"""Number types by name: with those that have no storage of their own, a tensor names its type."""

WRAPPERS = ("module.", "_orig_mod.")
"""What `DataParallel` and `torch.compile` put before every name."""

LEFT_ASIDE = (
    "argparse Namespace",
    "collections Counter",
    "numpy dtype",
    "numpy.core.multiarray scalar",
    "numpy._core.multiarray scalar",
    "_codecs encode",
    "pathlib PosixPath",
    "torch device",
)
"""What training scripts save beside a network: options, figures that NumPy computed. None of it is built: the plain
values that it would be made of are read, and dropped.
"""

AHEAD = 1 << 16
"""How far behind a class's name the parts of a model are looked for; they follow at once."""

SAVE = "torch.save(model.state_dict(), FILE)"


class Storage(NamedTuple):
    """A run of numbers. key: what the file calls it; length: how many numbers."""

    key: str
    dtype: str
    length: int


class Stored(NamedTuple):
    """A tensor as a window on a storage; offset and strides count numbers."""

    storage: Storage
    offset: int
    shape: Sizes
    strides: Sizes

    def named(self, name: str, start: int) -> Tensor:
        """The tensor in a file in which its storage starts at the byte `start`."""
        size = item_size(self.storage.dtype)
        dense, step = True, 1
        for length, stride in zip(reversed(self.shape), reversed(self.strides), strict=True):
            dense = dense and (length == 1 or stride == step)
            step *= length
        strides = tuple(stride if length > 1 else 0 for length, stride in zip(self.shape, self.strides, strict=True))
        whole = dense or not math.prod(self.shape)
        return Tensor(name, self.storage.dtype, self.shape, start + self.offset * size, None if whole else strides)


class Saved(NamedTuple):
    """What a pickle holds.

    tensors: of its network, by name; metadata: texts and numbers that stand beside them; storages: all of the file by
    their keys, those of an optimizer too.
    """

    tensors: Mapping[str, Stored]
    metadata: Mapping[str, str]
    storages: Mapping[str, Storage]


def read_plain(window: Window) -> Any:
    """A pickle in which no tensor can be. Raises BadWeights."""
    return read_pickle(window, {}, _refused)


def read_tensors(window: Window) -> Saved:
    """The network in a pickle. Raises BadWeights."""
    storages: dict[str, Storage] = {}

    def refer(reference: Any) -> Storage:
        storage = _storage(reference)
        if storages.setdefault(storage.key, storage) != storage:
            raise BadWeights("it describes one storage in two ways", ANEW)
        return storage

    try:
        saved = read_pickle(window, _ALLOWED, refer)
    except Foreign as error:
        if b"_modules" in window.ahead(AHEAD):
            said = f"it is a whole model of the class {error.asked!r:.100}, code and all; nothing of it was run"
            help = f"where that code is at hand, load it and save its tensors alone: {SAVE}"
            raise BadWeights(said, help) from error
        if error.asked.startswith("torch.") and error.asked.count(".") == 1:
            kind = error.asked.removesuffix("Storage")
            raise BadWeights(f"its tensors have numbers of the type {kind!r:.100}, which is not supported") from error
        raise
    if not isinstance(saved, dict):
        raise BadWeights("it does not hold named tensors", f"save a network: {SAVE}")
    tensors = _network(saved)
    beside = {k: str(v) for k, v in saved.items() if isinstance(k, str) and isinstance(v, str | int | float)}
    return Saved(_unwrapped(tensors), beside, storages)


def _network(saved: dict[Any, Any]) -> dict[str, Stored]:
    """The tensors of the one network in what was saved; plain values among them are left aside."""
    inner = {key: value for key, value in saved.items() if isinstance(key, str) and _has_tensors(value)}
    # Figures such as `best_acc1` are often saved as tensors, without axes, beside the network.
    beside = [key for key, value in saved.items() if isinstance(value, Stored) and value.shape]
    if len(inner) > 1 or (inner and beside):
        sets = ", ".join(f"{key!r:.40}" for key in [*inner, *beside][:4])
        raise BadWeights(
            f"it holds more than one set of tensors ({sets}), and only one can be meant",
            f"save the one that is meant: torch.save(torch.load(FILE)[{next(iter(inner))!r:.40}], NEW_FILE)",
        )
    network = next(iter(inner.values()), saved)
    tensors = {name: value for name, value in network.items() if isinstance(value, Stored)}
    if not tensors:
        raise BadWeights("it holds no named tensors", f"save a network: {SAVE}")
    if len(tensors) > MAX_TENSORS:
        raise BadWeights(f"it holds more than {MAX_TENSORS:,} tensors", ANEW)
    if bad := [name for name in tensors if not isinstance(name, str)]:
        raise BadWeights(f"it holds a tensor under {bad[0]!r:.40}, which is no name", f"save a network: {SAVE}")
    return tensors


def _has_tensors(value: Any) -> bool:
    return isinstance(value, dict) and any(isinstance(item, Stored) for item in value.values())


def _unwrapped(tensors: dict[str, Stored]) -> dict[str, Stored]:
    """The same without what wrappers put before every name."""
    while tensors and (found := next((w for w in WRAPPERS if all(name.startswith(w) for name in tensors)), None)):
        tensors = {name.removeprefix(found): tensor for name, tensor in tensors.items()}
    return tensors


def _storage(reference: Any) -> Storage:
    match reference:
        case ("storage", Name(name), str(key), str(), int(count), *view) if view in ([], [None]):
            if name in STORAGES and _natural(count):
                return Storage(key, STORAGES[name], count)
    return _refused(reference)


def _refused(_reference: Any) -> NoReturn:
    raise BadWeights("it refers to something other than a storage of numbers", ANEW)


def _tensor(arguments: Any) -> Stored:
    match arguments:
        case (Storage() as storage, offset, tuple(shape), tuple(strides), *_):
            if len(shape) == len(strides) <= MAX_AXES and all(map(_natural, (offset, *shape, *strides))):
                stored = Stored(storage, offset, shape, strides)
                _require_inside(stored)
                return stored
    raise BadWeights("one of its tensors is described wrongly", ANEW)


def _tensor_of_type(arguments: Any) -> Stored:
    """A tensor of a storage of bytes; its number type is the last of the arguments."""
    match arguments:
        case (Storage(key, "u1", count), offset, shape, strides, _, _, Name(name), *_) if name in DTYPES:
            storage = Storage(key, DTYPES[name], count // item_size(DTYPES[name]))
            return _tensor((storage, offset, shape, strides))
    raise BadWeights("one of its tensors is described wrongly", ANEW)


def _require_inside(tensor: Stored) -> None:
    count = math.prod(tensor.shape)
    steps = [(size - 1) * stride for size, stride in zip(tensor.shape, tensor.strides, strict=True)]
    # More numbers than the storage has would be a small file claiming to be a huge tensor (strides of 0).
    if count > tensor.storage.length or (count and tensor.offset + sum(steps) >= tensor.storage.length):
        raise BadWeights("one of its tensors reaches beyond its storage", ANEW)


def _parameter(arguments: Any) -> Stored:
    """A tensor that learns: the tensor, and what PyTorch knows of it besides."""
    match arguments:
        case (Stored() as tensor, *_):
            return tensor
    raise BadWeights("one of its parameters is no tensor", ANEW)


def _ordered_dict(arguments: Any) -> dict[Any, Any]:
    if arguments != ():
        raise BadWeights("one of its mappings is described wrongly", ANEW)
    return {}


def _size(arguments: Any) -> Any:
    match arguments:
        case (tuple() as shape,):
            return shape
    raise BadWeights("one of its shapes is described wrongly", ANEW)


def _nothing(_arguments: Any) -> None:
    """In place of what is left aside."""


def _natural(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**63


_ALLOWED: Mapping[str, Maker | None] = {
    "collections OrderedDict": _ordered_dict,
    "torch Size": _size,
    "torch._utils _rebuild_tensor": _tensor,
    "torch._utils _rebuild_tensor_v2": _tensor,
    "torch._utils _rebuild_tensor_v3": _tensor_of_type,
    "torch._utils _rebuild_parameter": _parameter,
    "torch._utils _rebuild_parameter_with_state": _parameter,
    "torch.nn.parameter Parameter": _parameter,
    **dict.fromkeys(LEFT_ASIDE, _nothing),
    **dict.fromkeys((*STORAGES, *DTYPES)),
}
"""All that a weights file may name, and what we make of it."""

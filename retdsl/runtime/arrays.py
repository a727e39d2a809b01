"""Numbers of weights files, in float32.

Enters: a path. Leaves: those arrays that are asked for. Guaranteed: the file is the very one that was meant, if that is
said, and what checksums it carries are right; else a `RunError` says what is wrong with it. A tensor's numbers are
mapped into memory and copied once, so that a file of many gigabytes costs no more than what is asked of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.errors import RunError
from retdsl.weights.files import open_weights, sha256_of, verify_checksums
from retdsl.weights.model import BadWeights, Tensor, WeightsFile, item_size

Array: TypeAlias = NDArray[np.float32]


def open_arrays(path: Path, sha256: str | None = None, what: str = "weights") -> WeightsFile:
    """The weights file at `path`, ready for `read_array`.

    sha256: what the file's must be, or begin with; None to take any that is sound. what: what messages call it.
    Raises `RunError`.
    """
    with readable(path, what):
        found = "" if sha256 is None else sha256_of(path)
        weights = open_weights(path) if found.startswith((sha256 or "").lower()) else None
        if weights is not None:  # also with a hash: it may be that of a damaged file, taken when that was compiled
            verify_checksums(weights)
    if weights is None:
        raise RunError(
            f"the {what} file is not the one that was meant: its SHA-256 differs",
            where=path,
            items=(f"expected {str(sha256).lower()}", f"found    {found}"),
            help="install or copy the file anew; it may be truncated, or another version",
        )
    return weights


def read_array(weights: WeightsFile, name: str) -> Array:
    """The tensor `name` in float32, ours to change. What is too large for float32 becomes infinite."""
    tensor = weights.tensors[name]
    if not math.prod(tensor.shape):
        return np.empty(tensor.shape, np.float32)
    with readable(weights.path):
        stored = _stored(weights.path, tensor)
        if tensor.dtype == "bf16":  # the upper half of a float32
            return (np.array(stored, np.uint32, order="C") << np.uint32(16)).view(np.float32)
        with np.errstate(over="ignore"):
            return np.array(stored, np.float32, order="C")


@contextmanager
def readable(path: Path, what: str = "weights") -> Iterator[None]:
    """What is wrong with the file `path` as a `RunError`."""
    try:
        yield
    except BadWeights as error:
        raise RunError(f"the {what} cannot be read: {error}", where=path, help=error.helps) from error
    except OSError as error:
        raise RunError(f"the {what} cannot be read: {error.strerror or error}", where=path) from error


def _stored(path: Path, tensor: Tensor) -> NDArray[Any]:
    """A tensor's numbers where they lie in the file, not empty."""
    dtype = np.dtype("<u2" if tensor.dtype == "bf16" else tensor.dtype)
    size = item_size(tensor.dtype)
    if tensor.strides is None:
        return _mapped(path, dtype, tensor.offset, math.prod(tensor.shape)).reshape(tensor.shape)
    last = sum((length - 1) * stride for length, stride in zip(tensor.shape, tensor.strides, strict=True))
    strides = tuple(stride * size for stride in tensor.strides)
    window = _mapped(path, dtype, tensor.offset, last + 1)
    return np.lib.stride_tricks.as_strided(window, tensor.shape, strides, writeable=False)


def _mapped(path: Path, dtype: np.dtype[Any], offset: int, count: int) -> NDArray[Any]:
    """`count` numbers from the byte `offset` on."""
    try:
        return np.memmap(path, dtype, "r", offset, (count,))
    except ValueError as error:  # the file is shorter than it was a moment ago
        raise BadWeights("it is truncated or damaged") from error

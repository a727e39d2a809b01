"""Opens a weights file of any format that people have.

Enters: a path, of whatever there is. Leaves: a `WeightsFile`, after a few reads at the places that matter, or
`BadWeights` with what is there instead. Guaranteed: an answer at once and in bounded memory, whatever the file's size;
what is no regular file (a pipe, a device) is not opened.
"""

from __future__ import annotations

import hashlib
import math
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from retdsl.weights import mxnet_params, safetensors, torch_pickle, torch_zip
from retdsl.weights.model import ANEW, DAMAGED, MAX_NAME, MAX_NUMBERS, BadWeights, Tensor, WeightsFile
from retdsl.weights.other_files import HEAD, refuse

MAX_METADATA = 200
"""Characters of a key or a value that a file gives of itself; what is longer, or has several lines, is not kept."""

BLOCK = 1 << 20
"""Bytes that are hashed at a time."""


class Reader(Protocol):
    """A module that reads one format."""

    def begins(self, head: bytes) -> bool:
        """Whether a file with these first bytes may be of this format."""

    def read(self, path: Path, file: BinaryIO) -> WeightsFile:
        """What is in the file. Raises BadWeights."""


READERS: tuple[Reader, ...] = (mxnet_params, safetensors, torch_zip, torch_pickle)
"""The formats, no two of which begin alike."""


def open_weights(path: Path) -> WeightsFile:
    """What is in the file at `path`. Its format is told by its first bytes, whatever its name. Raises BadWeights."""
    with _opened(path) as file:
        return read_weights(path, file)


def read_weights(path: Path, file: BinaryIO) -> WeightsFile:
    """The same of a file that is open, and stands at its beginning."""
    head = file.read(HEAD)
    reader = next((reader for reader in READERS if reader.begins(head)), None)
    weights = reader.read(path, file) if reader else refuse(head)
    if not weights.tensors:
        raise BadWeights("it holds no tensors")
    for tensor in weights.tensors.values():
        _require_sane(tensor)
    return weights._replace(metadata={k: v for k, v in weights.metadata.items() if _can_be_shown(k, v)})


def _require_sane(tensor: Tensor) -> None:
    """What every format allows, and no network needs. Without numbers (an axis of 0), axes could have any length."""
    if len(tensor.name) > MAX_NAME or not tensor.name.isprintable():
        raise BadWeights(f"it holds a tensor whose name is no name: {tensor.name!r:.100}", ANEW)
    if math.prod(max(size, 1) for size in tensor.shape) > MAX_NUMBERS:
        raise BadWeights(f"the tensor {tensor.name!r:.100} has a shape that cannot be: {list(tensor.shape)}", ANEW)


def _can_be_shown(*texts: str) -> bool:
    return all(len(text) <= MAX_METADATA and text.isprintable() for text in texts)


def sha256_of(path: Path) -> str:
    """The file's SHA-256 in 64 hexadecimal digits, read in small pieces. Raises BadWeights."""
    digest = hashlib.sha256()
    with _opened(path) as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def verify_checksums(weights: WeightsFile) -> None:
    """Reads what the file has checksums for, and compares. Raises BadWeights if a bit is not as it was written.

    Only PyTorch's zip files carry any; of another format nothing is read.
    """
    if not weights.checksums:
        return
    with _opened(weights.path) as file:
        for part, offset, size, expected in weights.checksums:
            file.seek(offset)
            found, left = 0, size
            while left and (block := file.read(min(BLOCK, left))):
                found = zlib.crc32(block, found)
                left -= len(block)
            if left or found != expected:
                raise BadWeights(f"{DAMAGED}: the checksum of {part!r:.100} differs", ANEW)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The file, if it is one; what the system says against it becomes BadWeights, also while it is read."""
    try:
        _require_regular(path)
        with path.open("rb") as file:
            yield file
    except FileNotFoundError as error:
        raise BadWeights("it does not exist") from error
    except OSError as error:
        raise BadWeights((error.strerror or str(error)).lower()) from error


def _require_regular(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except ValueError as error:  # a NUL in the name
        raise BadWeights("it does not exist: no file has such a name") from error
    if stat.S_ISDIR(mode):
        raise BadWeights("it is a folder", "name the file in it")
    if not stat.S_ISREG(mode):
        raise BadWeights("it is no file but a pipe or a device", "write what comes out of it to a file first")

"""Opens a weights file of any format that people have."""

from __future__ import annotations

import hashlib
from pathlib import Path

from retdsl.weights.model import BadWeights, WeightsFile
from retdsl.weights.mxnet_params import MAGIC, read_params_header

BLOCK = 1 << 20
"""Bytes that are hashed at a time."""

LFS_POINTER = b"version https://git-lfs"


def open_weights(path: Path) -> WeightsFile:
    """What is in the file at `path`. Its format is told by its first bytes, whatever its name. Raises BadWeights."""
    try:
        with path.open("rb") as file:
            head = file.read(64)
            if head.startswith(MAGIC):
                return read_params_header(path, file)
    except OSError as error:
        raise BadWeights((error.strerror or str(error)).lower()) from error
    if head.startswith(LFS_POINTER):
        said = "it is a Git LFS pointer that stands for the file, not the file"
        raise BadWeights(said, "run `git lfs pull` where it came from, or download the file itself")
    if not head:
        raise BadWeights("it is empty", "copy or download it anew")
    raise BadWeights("it is no weights file of a format that is known (its first bytes say so)")


def sha256_of(path: Path) -> str:
    """The file's SHA-256 in 64 hexadecimal digits, read in small pieces. Raises BadWeights."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
    except OSError as error:
        raise BadWeights((error.strerror or str(error)).lower()) from error
    return digest.hexdigest()

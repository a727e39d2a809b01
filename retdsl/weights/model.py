"""What is known of a weights file before any of its numbers is read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias

Sizes: TypeAlias = tuple[int, ...]
"""A tensor's shape, every axis known."""

MAX_TENSORS = 100_000
MAX_NAME = 1_000
MAX_AXES = 32
MAX_NUMBERS = 1 << 40
"""What any weights file may have: tensors, characters in a name, axes and numbers of a tensor."""

SUFFIXES = (".safetensors", ".bin", ".pth", ".pt", ".params")
"""How names of weights files end. What a file is, its first bytes tell."""

DAMAGED = "it is truncated or damaged"
ANEW = "copy or download it anew, and compare its size with the original's"


def item_size(dtype: str) -> int:
    """Bytes of one number of a type, by its code in `Tensor`."""
    return {"?": 1, "bf16": 2}.get(dtype) or int(dtype[-1])


class Tensor(NamedTuple):
    """Where a tensor's numbers lie in a file.

    dtype: little-endian NumPy code (`<f4`), or `bf16`, which NumPy does not have; offset: of the first number, in bytes
    from the start of the file; strides: in numbers, one an axis; None where the numbers lie in the order of the axes.
    Whoever made it has checked that all its numbers lie within the file.
    """

    name: str
    dtype: str
    shape: Sizes
    offset: int
    strides: Sizes | None = None


class Checksum(NamedTuple):
    """The CRC-32 that a file gives for `size` of its bytes from `offset` on. part: what these are called in it."""

    part: str
    offset: int
    size: int
    crc32: int


class WeightsFile(NamedTuple):
    """A weights file.

    format: in words (`MXNet params`); metadata: what the file says of itself, if its format can; checksums: those that
    it carries, for `verify_checksums`.
    """

    path: Path
    format: str
    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str]
    checksums: tuple[Checksum, ...] = ()

    @property
    def shapes(self) -> dict[str, Sizes]:
        return {name: tensor.shape for name, tensor in self.tensors.items()}


class BadWeights(Exception):
    """The file is no weights file that can be read; the message says why, without the path; `helps` what to do."""

    def __init__(self, message: str, *helps: str) -> None:
        super().__init__(message)
        self.helps = helps

"""What is known of a weights file before any of its numbers is read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias

Sizes: TypeAlias = tuple[int, ...]
"""A tensor's shape, every axis known."""


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


class WeightsFile(NamedTuple):
    """A weights file. format: in words (`MXNet params`); metadata: what the file says of itself, if its format can."""

    path: Path
    format: str
    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str]

    @property
    def shapes(self) -> dict[str, Sizes]:
        return {name: tensor.shape for name, tensor in self.tensors.items()}


class BadWeights(Exception):
    """The file is no weights file that can be read; the message says why, without the path; `helps` what to do."""

    def __init__(self, message: str, *helps: str) -> None:
        super().__init__(message)
        self.helps = helps

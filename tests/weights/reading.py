"""Weights files from bytes in memory, as the tests want them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from retdsl.runtime.arrays import read_array
from retdsl.weights.files import open_weights, read_weights
from retdsl.weights.model import BadWeights, WeightsFile

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "weights"
"""What PyTorch 2.13 and safetensors 0.8 wrote: see `make_weights.py` there."""


def described(content: bytes) -> WeightsFile:
    """What is in a file with that content."""
    return read_weights(Path("net.weights"), io.BytesIO(content))


def refusal(content: bytes) -> str:
    """What is said against a file with that content, with the help."""
    with pytest.raises(BadWeights) as caught:
        described(content)
    return "\n".join([str(caught.value), *caught.value.helps])


def arrays(content: bytes, folder: Path) -> dict[str, NDArray[Any]]:
    """All numbers of a file with that content, which is put into `folder`."""
    path = folder / "net.weights"
    path.write_bytes(content)
    weights = open_weights(path)
    return {name: read_array(weights, name) for name in weights.tensors}


def damaged(content: bytes) -> Any:
    """Every truncation and every flipped bit of a file."""
    for size in range(len(content)):
        yield content[:size]
    for position in range(len(content)):
        for bit in range(8):
            flipped = bytearray(content)
            flipped[position] ^= 1 << bit
            yield bytes(flipped)


def same_numbers(found: dict[str, NDArray[Any]], expected: dict[str, NDArray[Any]]) -> None:
    """Fails unless both have the same names, in any order, shapes and numbers, these as float32."""
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert found[name].dtype == np.float32
        assert found[name].shape == array.shape
        np.testing.assert_array_equal(found[name], array.astype(np.float32))

"""Numbers of weights files: read as they are, the file first compared with what it should be."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from params_files import SOME, params_bytes
from torch_files import contiguous, zip_file

from retdsl.runtime.arrays import open_arrays, read_array
from retdsl.runtime.errors import RunError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "net.params"
    path.write_bytes(params_bytes(SOME))
    return path


def test_an_array_is_ours_to_change(file: Path) -> None:
    weights = open_arrays(file)
    array = read_array(weights, "arg:fc_bias")
    array[0] = 100
    np.testing.assert_array_equal(read_array(weights, "arg:fc_bias"), [1, 2])
    assert file.read_bytes() == params_bytes(SOME)


def test_the_hash_is_compared_before_anything_is_read(tmp_path: Path) -> None:
    path = tmp_path / "net.params"
    path.write_bytes(b"something else")
    meant = hashlib.sha256(params_bytes(SOME)).hexdigest()
    with pytest.raises(RunError, match="SHA-256 differs") as caught:
        open_arrays(path, meant)
    assert caught.value.items[0] == f"expected {meant}"
    path.write_bytes(params_bytes(SOME))
    assert open_arrays(path, meant.upper()).tensors.keys() == SOME.keys()


def test_what_is_wrong_with_a_file_is_said_with_its_place_and_its_cure(tmp_path: Path) -> None:
    path = tmp_path / "net.params"
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(RunError, match="Git LFS pointer") as caught:
        open_arrays(path)
    assert caught.value.where == str(path)
    assert any("git lfs pull" in help for help in caught.value.help)


@pytest.mark.parametrize("hashed", [False, True])
def test_checksums_are_verified(tmp_path: Path, hashed: bool) -> None:
    """With a hash, too: `train` takes that of the file that it finds."""
    content = zip_file(*contiguous({"x": np.arange(1000, dtype="f4")}))
    path = tmp_path / "net.pth"
    path.write_bytes(content)
    start = open_arrays(path).tensors["x"].offset
    path.write_bytes(content[: start + 5] + b"\x01" + content[start + 6 :])
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest() if hashed else None
    with pytest.raises(RunError, match="checksum of 'net/data/at x' differs"):
        open_arrays(path, sha256)


def test_a_file_that_shrinks_meanwhile(file: Path) -> None:
    weights = open_arrays(file)
    file.write_bytes(params_bytes(SOME)[:60])
    with pytest.raises(RunError, match="truncated"):
        read_array(weights, "aux:bn_moving_mean")

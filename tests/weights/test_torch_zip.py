"""PyTorch's zip files: read as PyTorch writes them; other archives, and damaged ones, refused in words."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from reading import GOLDEN, arrays, described, refusal, same_numbers
from test_safetensors import PLAIN
from torch_files import Call, Global, contiguous, pickled, storage, tensor, torch_file, zip_file, zip_of

from retdsl.weights.files import open_weights, verify_checksums
from retdsl.weights.model import BadWeights
from retdsl.weights.zip_parts import read_directory

SMALL = {"fc.weight": np.arange(6, dtype="f4").reshape(2, 3), "fc.bias": np.array([7, 8], "f4")}


@pytest.mark.parametrize("name", ["plain.pth", "plain_old.pth"])
def test_what_pytorch_writes(name: str, tmp_path: Path) -> None:
    same_numbers(arrays((GOLDEN / name).read_bytes(), tmp_path), PLAIN)


@pytest.mark.parametrize("name", ["views.pth", "views_old.pth"])
def test_tensors_that_share_a_storage(name: str, tmp_path: Path) -> None:
    base = np.arange(24).reshape(4, 6)
    expected = {
        "base": base,
        "transposed": base.T,
        "row": base[1],
        "every_other": base[:, ::2],
        "expanded": np.repeat(base[:1], 3, axis=0),
        "learned": base[2:],
    }
    same_numbers(arrays((GOLDEN / name).read_bytes(), tmp_path), expected)


def test_a_type_that_has_no_storage_of_its_own(tmp_path: Path) -> None:
    same_numbers(arrays((GOLDEN / "uint16.pth").read_bytes(), tmp_path), {"wide": np.arange(3)})


def test_written_by_hand_and_read(tmp_path: Path) -> None:
    same_numbers(arrays(zip_file(*contiguous(SMALL)), tmp_path), SMALL)


def test_every_flipped_bit_of_the_numbers_is_found(tmp_path: Path) -> None:
    content = (GOLDEN / "plain.pth").read_bytes()
    path = tmp_path / "net.pth"
    path.write_bytes(content)
    weights = open_weights(path)
    verify_checksums(weights)
    tensor = weights.tensors["conv.weight"]
    for position in range(tensor.offset, tensor.offset + 96):
        damaged = bytearray(content)
        damaged[position] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(BadWeights, match="checksum of 'plain/data/0' differs"):
            verify_checksums(open_weights(path))


def test_other_archives_are_told_apart() -> None:
    assert "unpack it, and name the file in it: 'a/net.pth'" in refusal(zip_of({"a/net.pth": b"x"}))
    assert "not one of PyTorch's" in refusal(zip_of({"arr_0.npy": b"x"}))
    assert "TorchScript" in refusal(zip_file(*contiguous(SMALL), **{"constants.pkl": b""}))
    two = {"a/data.pkl": pickled({}), "b/data.pkl": pickled({})}
    assert "not one of PyTorch's" in refusal(zip_of(two))


def test_packed_parts_are_refused() -> None:
    with zipfile.ZipFile(io.BytesIO(zip_file(*contiguous(SMALL)))) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert "compressed" in refusal(zip_of(parts, zipfile.ZIP_DEFLATED))


def test_big_endian_numbers_are_refused() -> None:
    assert "big-endian" in refusal(zip_file(*contiguous(SMALL), byteorder=b"big"))


def test_storages_that_do_not_match_their_description() -> None:
    x = {"x": tensor(storage("1", "float32", 4), (4,), (1,))}
    assert "'1' are missing" in refusal(zip_file(x, {}))
    assert "another size" in refusal(zip_file(x, {"1": np.zeros(3, "f4")}))
    assert "another size" in refusal(zip_file(x, {"1": np.zeros(5, "f4")}))
    assert "beyond its storage" in refusal(
        zip_file({"x": tensor(storage("1", "float32", 4), (5,), (1,))}, {"1": np.zeros(4, "f4")})
    )


@pytest.mark.parametrize("place", ["../../etc/passwd", "/etc/passwd", "..", ""])
def test_keys_are_no_paths(place: str) -> None:
    x = {"x": tensor(storage(place, "float32", 4), (4,), (1,))}
    assert "are missing" in refusal(zip_file(x, {}))


def test_a_pickle_that_carries_code() -> None:
    message = refusal(zip_file({"x": Call(Global("posix", "system"), ("touch /tmp/never",))}, {}))
    assert "'posix.system'" in message
    assert "nothing of it was run" in message


def test_two_descriptions_of_one_storage() -> None:
    saved = {
        "x": tensor(storage("1", "float32", 4), (4,), (1,)),
        "y": tensor(storage("1", "int32", 4), (4,), (1,)),
    }
    for content in (zip_file(saved, {"1": np.zeros(4, "f4")}), torch_file(saved, {"1": np.zeros(4, "f4")})):
        assert "in two ways" in refusal(content)


def test_an_archive_of_more_than_four_gigabytes_would_be_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Python writes the numbers of a large archive from a small one, if it is told that small is large."""
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 20)
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)
    content = zip_file(*contiguous(SMALL))
    assert b"PK\6\6" in content
    same_numbers(arrays(content, tmp_path), SMALL)


@pytest.mark.parametrize("name", ["plain.pth", "views.pth", "checkpoint.pth"])
def test_the_directory_is_as_python_reads_it(name: str) -> None:
    content = io.BytesIO((GOLDEN / name).read_bytes())
    ours = read_directory(content)
    with zipfile.ZipFile(content) as archive:
        theirs = {info.filename: (info.CRC, info.file_size, info.header_offset) for info in archive.infolist()}
    assert {part.name: (part.crc32, part.size, part.at) for part in ours.values()} == theirs


def test_parts_that_lie_over_one_another() -> None:
    """Of such an archive, the checksums would take longer than the file is large."""
    content = bytearray(zip_file(*contiguous({"x": np.zeros(1000, "f4")}), one=b"", two=b""))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        room = len(content) - sum(part.file_size for part in archive.infolist())
    for name in (b"net/one", b"net/two"):
        at = content.rindex(name) - 46
        content[at + 20 : at + 28] = struct.pack("<II", room * 2 // 3, room * 2 // 3)
        if name == b"net/one":
            assert described(bytes(content)).tensors
    assert "truncated or damaged" in refusal(bytes(content))
    assert "it is an empty zip archive" in refusal(zip_of({}))


def test_a_directory_that_claims_to_be_huge() -> None:
    end = b"PK\5\6" + bytes(6) + (1).to_bytes(2, "little") + (1 << 30).to_bytes(4, "little") + bytes(6)
    assert "16,777,216 are allowed" in refusal(b"PK\3\4" + bytes(100) + end)
    assert described(zip_file(*contiguous(SMALL))).format == "PyTorch"

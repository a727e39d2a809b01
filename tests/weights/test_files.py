"""Whatever lies where weights should be: told by its first bytes, at once, in words."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from pathlib import Path

import pytest
from params_files import SOME, params_bytes
from reading import refusal

from retdsl.weights.files import open_weights, sha256_of
from retdsl.weights.model import BadWeights


def tar() -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("net.pth"))
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 18826032\n", "`git lfs pull`"),
        (b"<!DOCTYPE html><title>404</title>", "web page"),
        (b"\xef\xbb\xbf\n  <HTML lang=en>", "web page"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "web page"),
        (gzip.compress(b"x", mtime=0), "gzip"),
        (tar(), "tar archive"),
        (b'{"nodes": []}', "NAME-0000.params"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "Keras"),
        (b"\x93NUMPY\x01\x00" + bytes(100), "no name"),
        (bytes(1000), "begins with zeros"),
        (b"Not Found", "no weights file of a format that is known"),
        (b"Entry not found", "no weights file of a format that is known"),
        (b"function{", "no weights file of a format that is known"),
    ],
)
def test_other_files_are_told_apart(content: bytes, words: str) -> None:
    assert words in refusal(content)


def said(path: Path) -> str:
    with pytest.raises(BadWeights) as caught:
        open_weights(path)
    with pytest.raises(BadWeights) as hashed:
        sha256_of(path)
    assert str(hashed.value) == str(caught.value)
    return str(caught.value)


def test_a_hash_is_that_of_sha256sum(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("two")
    assert sha256_of(tmp_path / "a") == "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3"


def test_what_is_no_file(tmp_path: Path) -> None:
    assert said(tmp_path) == "it is a folder"
    assert said(tmp_path / "missing.pth") == "it does not exist"
    assert said(Path("a\0b.pth")).startswith("it does not exist")
    assert "name too long" in said(tmp_path / ("x" * 1000))
    assert "pipe or a device" in said(Path("/dev/zero"))
    os.mkfifo(tmp_path / "pipe.pth")
    assert "pipe or a device" in said(tmp_path / "pipe.pth")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert "symbolic links" in said(tmp_path / "loop")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "net.params"
    path.write_bytes(params_bytes(SOME))
    path.chmod(0)
    assert said(path) == "permission denied"


def test_the_name_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    path.write_bytes(params_bytes(SOME))
    assert open_weights(path).format == "MXNet params"

"""Every kind of picture comes out as uint8 RGB; everything else is refused in its own words."""

from __future__ import annotations

import struct
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from retdsl.runtime.decode import Photograph, decode
from retdsl.runtime.errors import RunError


def scene(height: int = 96, width: int = 128) -> Photograph:
    """Colour gradients with some texture, brightest red at the left, green at the top."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    picture = np.stack([255 - x, 200 - y, 60 + 40 * np.sin(x / 5) * np.cos(y / 7)], axis=2)
    return np.asarray(np.clip(picture, 0, 255), np.uint8)


def encoded(photo: npt.NDArray[Any], extension: str, *options: int) -> bytes:
    done, data = cv2.imencode(extension, photo if photo.ndim == 2 else photo[:, :, ::-1], list(options))
    assert done
    return data.tobytes()


def reason(data: bytes) -> str:
    with pytest.raises(RunError) as caught:
        decode(data)
    return caught.value.message


@pytest.mark.parametrize("extension", [".png", ".bmp", ".tif"])
def test_lossless_pictures_come_out_as_they_were(extension: str) -> None:
    assert np.array_equal(decode(encoded(scene(), extension)), scene())


@pytest.mark.parametrize("extension", [".jpg", ".webp"])
def test_colours_are_red_green_blue(extension: str) -> None:
    photo = decode(encoded(scene(), extension))
    assert photo.dtype == np.uint8
    assert np.abs(photo.astype(int) - scene()).mean() < 4


def test_sixteen_bits_become_eight() -> None:
    assert np.array_equal(decode(encoded(scene().astype(np.uint16) * 257, ".png")), scene())
    assert np.array_equal(decode(encoded(scene().astype(np.uint16) * 257, ".tif")), scene())


def test_grey_becomes_three_equal_colours() -> None:
    grey = scene()[:, :, 0]
    assert np.array_equal(decode(encoded(np.ascontiguousarray(grey), ".png")), np.dstack([grey] * 3))
    assert np.array_equal(decode(encoded(grey.astype(np.uint16) * 257, ".png")), np.dstack([grey] * 3))


def test_transparency_is_dropped() -> None:
    done, data = cv2.imencode(".png", np.dstack([scene()[:, :, ::-1], np.full((96, 128), 255, np.uint8)]))
    assert done
    assert np.array_equal(decode(data.tobytes()), scene())


def test_exif_orientation_is_obeyed() -> None:
    plain = encoded(scene(), ".jpg")
    tiff = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)  # one entry: orientation 6
    exif = b"Exif\0\0" + tiff
    turned = decode(plain[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + plain[2:])
    assert np.array_equal(turned, np.rot90(decode(plain), -1))


@pytest.mark.parametrize(
    ("extension", "options"),
    [
        (".jpg", ()),
        (".jpg", (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)),
        (".jpg", (cv2.IMWRITE_JPEG_RST_INTERVAL, 4)),
        (".png", ()),
        (".bmp", ()),
        (".tif", ()),
        (".webp", ()),
    ],
)
def test_no_cut_goes_unnoticed(extension: str, options: tuple[int, ...]) -> None:
    data = encoded(scene(), extension, *options)
    for cut in (*range(3, len(data), max(1, len(data) // 40)), len(data) - 2, len(data) - 1):
        with pytest.raises(RunError):
            decode(data[:cut])


def test_a_cut_jpeg_is_said_to_be_cut() -> None:
    data = encoded(scene(), ".jpg")
    assert "cut short" in reason(data[: len(data) // 2])
    assert "cut short" in reason(data[:-1])


def test_a_thumbnail_does_not_hide_the_cut() -> None:
    data = encoded(scene(), ".jpg")
    thumbnail = encoded(scene(16, 16), ".jpg")
    carrier = data[:2] + b"\xff\xe2" + struct.pack(">H", len(thumbnail) + 2) + thumbnail + data[2:]
    assert decode(carrier).shape == (96, 128, 3)
    assert "cut short" in reason(carrier[:-2])


def test_bytes_after_the_end_do_no_harm() -> None:
    data = encoded(scene(), ".jpg")
    assert np.array_equal(decode(data + b"camera notes \xff\xda\x00\x10 more" * 9), decode(data))


@pytest.mark.parametrize("interval", [0, 4])
def test_a_jpeg_that_lost_data_before_its_end_is_damaged(interval: int) -> None:
    data = encoded(scene(), ".jpg", cv2.IMWRITE_JPEG_RST_INTERVAL, interval)
    assert "damaged" in reason(data[: len(data) * 2 // 3] + b"\xff\xd9")


@pytest.mark.parametrize("progressive", [0, 1])
def test_a_grey_border_is_no_damage(progressive: int) -> None:
    photo = scene()
    photo[60:] = 128
    assert decode(encoded(photo, ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, progressive)).shape == photo.shape


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the file is empty (0 bytes)"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "Git LFS pointer"),
        (b"a letter, not a picture\n", "this is text"),
        (b"<!DOCTYPE html><html>", "web page"),
        (bytes(1000), "nothing but zeros"),
        (bytes(128) + b"DICM" + bytes(100), "DICOM"),
        (b"\x01\x02\x03\xfe" * 30, "this is no JPEG, PNG"),
        (b"\xff\xd8\xff\xd9" + bytes(10), "cut short"),
        (b"\xff\xd8\xff\xe0\x00\x04ab\xff\xda" + bytes(30) + b"\xff\xd9", "damaged"),
    ],
)
def test_what_is_no_photograph_is_named(data: bytes, words: str) -> None:
    assert words in reason(data)

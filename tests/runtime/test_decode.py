"""Every kind of picture comes out as uint8 RGB; everything else is refused in its own words."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retdsl.runtime.decode import Photograph, decode
from retdsl.runtime.errors import RunError
from retdsl.runtime.picture_header import read_header


def scene(height: int = 96, width: int = 128) -> Photograph:
    """Colour gradients with some texture, brightest red at the left, green at the top."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    picture = np.stack([255 - x, 200 - y, 60 + 40 * np.sin(x / 5) * np.cos(y / 7)], axis=2)
    return np.asarray(np.clip(picture, 0, 255), np.uint8)


def encoded(photo: npt.NDArray[Any], extension: str, *options: int) -> bytes:
    done, data = cv2.imencode(extension, photo if photo.ndim == 2 else photo[:, :, ::-1], list(options))
    assert done
    return data.tobytes()


def saved(picture: Any, extension: str, **options: Any) -> bytes:
    """A picture of Pillow's as a file."""
    file = BytesIO()
    picture.save(file, extension, **options)
    return file.getvalue()


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


@pytest.mark.parametrize("brightest", [4095, 65535])
def test_a_tiff_may_say_what_its_brightest_value_is(brightest: int) -> None:
    values = (scene().astype(np.uint32) * brightest // 255).astype(np.uint16)
    tifffile = pytest.importorskip("tifffile")
    file = BytesIO()
    tifffile.imwrite(file, values, photometric="rgb", extratags=[(281, 3, 3, (brightest,) * 3, True)])
    assert np.abs(decode(file.getvalue()).astype(int) - scene()).max() <= 1


@pytest.mark.parametrize("extension", [".png", ".tif"])
def test_twelve_bits_that_nobody_scaled_are_not_shown_black(extension: str) -> None:
    assert "only 12 are used" in reason(encoded(scene().astype(np.uint16) * 16, extension))


@pytest.mark.parametrize(
    ("options", "values", "words"),
    [
        ({}, np.zeros((16, 16), np.float32), "floating-point values of 32 bits"),
        ({}, np.zeros((16, 16), np.int16), "signed values of 16 bits"),
        ({}, np.zeros((16, 16), np.uint32), "values of 32 bits"),
        ({"photometric": "miniswhite"}, np.zeros((16, 16), np.uint16), "of which 0 is white"),
        ({"photometric": "rgb", "planarconfig": "separate"}, np.zeros((3, 16, 16), np.uint16), "colour stored apart"),
    ],
)
def test_a_tiff_that_opencv_decodes_wrongly_is_refused(
    options: dict[str, Any], values: npt.NDArray[Any], words: str
) -> None:
    tifffile = pytest.importorskip("tifffile")
    file = BytesIO()
    tifffile.imwrite(file, values, **options)
    with pytest.raises(RunError, match="this kind of TIFF is not read") as caught:
        decode(file.getvalue())
    assert words in caught.value.items[0]


@pytest.mark.parametrize(("extension", "bits"), [(".png", 8), (".png", 16), (".tif", 8), (".tif", 16), (".webp", 8)])
def test_what_is_transparent_lies_on_black(extension: str, bits: int) -> None:
    alpha = np.full((96, 128), 255, np.uint8)
    alpha[:32], alpha[32:64] = 0, 51
    four = np.dstack([scene(), alpha]).astype(np.uint8 if bits == 8 else np.uint16) * (1 if bits == 8 else 257)
    if extension == ".tif":
        file = BytesIO()
        pytest.importorskip("tifffile").imwrite(file, four, photometric="rgb", extrasamples=["unassalpha"])
        data = file.getvalue()
    else:
        done, found = cv2.imencode(extension, np.ascontiguousarray(four[:, :, [2, 1, 0, 3]]))
        assert done
        data = found.tobytes()
    assert np.abs(decode(data) - scene() * (alpha[..., None] / 255)).max() <= 1


def test_a_palette() -> None:
    image = pytest.importorskip("PIL.Image")
    reduced = image.fromarray(scene()).quantize(64)
    for extension in ("PNG", "TIFF", "BMP"):
        assert np.array_equal(decode(saved(reduced, extension)), np.asarray(reduced.convert("RGB")))


@pytest.mark.parametrize("luminance", [False, True])
def test_four_inks(luminance: bool) -> None:
    """CMYK as Adobe's programs write it, in inks, or in luminance and colours (YCCK), against Pillow's reading."""
    image = pytest.importorskip("PIL.Image")
    data = saved(image.fromarray(scene()).convert("CMYK"), "JPEG", quality=98)
    if luminance:
        at = data.index(b"Adobe") + 11
        assert data[at] == 0
        data = data[:at] + b"\x02" + data[at + 1 :]
    theirs = np.asarray(image.open(BytesIO(data)).convert("RGB"))
    assert luminance or np.abs(theirs.astype(int) - scene()).mean() < 3
    assert np.abs(decode(data).astype(int) - theirs).mean() < 2


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("extension", ["JPEG", "PNG", "TIFF", "WebP"])
def test_photographs_are_turned_upright(extension: str, orientation: int) -> None:
    image, ops = pytest.importorskip("PIL.Image"), pytest.importorskip("PIL.ImageOps")
    exif = image.Exif()
    exif[0x112] = orientation
    data = saved(image.fromarray(scene()), extension, exif=exif, lossless=True)
    upright = np.asarray(ops.exif_transpose(image.open(BytesIO(data))).convert("RGB"))
    assert upright.shape == ((128, 96, 3) if orientation > 4 else (96, 128, 3))
    assert np.abs(decode(data).astype(int) - upright).max() <= 2


@pytest.mark.parametrize("extension", ["TIFF", "PNG", "WebP"])
def test_of_several_pictures_the_first(extension: str) -> None:
    image = pytest.importorskip("PIL.Image")
    other = image.fromarray(255 - scene())
    data = saved(image.fromarray(scene()), extension, save_all=True, append_images=[other], lossless=True)
    assert np.array_equal(decode(data), scene())


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


@pytest.mark.parametrize("extension", [".png", ".jpg", ".bmp", ".tif", ".webp"])
@pytest.mark.parametrize("size", [(1, 1), (7, 40), (40, 7)])
def test_what_is_too_small_shows_nothing(extension: str, size: tuple[int, int]) -> None:
    data = encoded(np.zeros((*size, 3), np.uint8), extension)
    assert reason(data) == "the photograph is smaller than 8 x 8 pixels"


def bomb(side: int = 30_000) -> bytes:
    """A PNG of some megabytes, whole and sound, with `side` x `side` black pixels."""
    rows, at_once = bytes(100 * (1 + 3 * side)), zlib.compressobj(9, wbits=-15)
    hundred = at_once.compress(rows) + at_once.flush(zlib.Z_FULL_FLUSH)  # which can be repeated
    checksum = struct.pack(">HH", side * (1 + 3 * side) % 65521, 1)  # Adler's, of so many zeros
    body = b"\x78\xda" + hundred * (side // 100) + b"\x03\x00" + checksum

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def test_a_small_bomb_is_a_photograph() -> None:
    assert decode(bomb(300)).shape == (300, 300, 3)


def test_a_bomb_is_refused_before_it_takes_memory(tmp_path: Path) -> None:
    (tmp_path / "bomb.png").write_bytes(bomb())
    program = f"""
import resource
from retdsl.runtime.decode import decode
from retdsl.runtime.errors import RunError
data = open({str(tmp_path / "bomb.png")!r}, "rb").read()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    decode(data)
except RunError as error:
    print(error.message, *error.items, sep=";")
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    message, megabytes = done.stdout.splitlines()
    assert message == "the photograph is larger than 200 million pixels;30000 x 30000 pixels"
    assert float(megabytes) < 30


@pytest.mark.parametrize("extension", [".png", ".jpg", ".bmp", ".tif", ".webp"])
def test_every_header_tells_its_size(extension: str) -> None:
    header = read_header(encoded(scene(), extension))
    assert header is not None
    assert (header.height, header.width) == (96, 128)


def swollen(extension: str) -> bytes:
    """A small picture whose header says 30 000 x 30 000 (as much as 16 383 x 16 383 in a WebP)."""
    data = bytearray(encoded(scene(), extension))
    match extension:
        case ".jpg":
            at = data.index(b"\xff\xc0")
            data[at + 5 : at + 9] = struct.pack(">HH", 30000, 30000)
        case ".bmp":
            data[18:26] = struct.pack("<ii", 30000, -30000)
        case ".webp":
            assert data[12:16] == b"VP8L"
            data[21:25] = struct.pack("<I", 0x0FFFFFFF)
        case ".tif":
            start = int.from_bytes(data[4:8], "little")
            for place in range(start + 2, start + 2 + 12 * int.from_bytes(data[start : start + 2], "little"), 12):
                if int.from_bytes(data[place : place + 2], "little") in (256, 257):
                    data[place + 2 : place + 12] = struct.pack("<HII", 4, 1, 30000)
    return bytes(data)


@pytest.mark.parametrize("extension", [".jpg", ".bmp", ".webp", ".tif"])
def test_a_header_that_asks_for_too_much(extension: str) -> None:
    assert reason(swollen(extension)) == "the photograph is larger than 200 million pixels"


@pytest.mark.parametrize("extension", [".png", ".jpg"])
def test_garbage_in_the_middle(extension: str) -> None:
    data = bytearray(encoded(scene(480, 640), extension))
    middle = len(data) // 2
    data[middle : middle + 2000] = np.random.RandomState(5).bytes(2000)
    assert reason(bytes(data)).startswith("the photograph is damaged")


def test_a_single_wrong_bit_of_a_png() -> None:
    data = bytearray(encoded(scene(), ".png"))
    data[len(data) // 2] ^= 4
    assert reason(bytes(data)) == "the photograph is damaged: a checksum of its PNG data is wrong"


@pytest.mark.parametrize(
    ("data", "name"),
    [(b"GIF89a" + bytes(40), "GIF"), (b"\0\0\0\x18ftypheic" + bytes(40), "HEIC"), (b"%PDF-1.7\n" + bytes(9), "PDF")],
)
def test_other_formats_are_named(data: bytes, name: str) -> None:
    assert reason(data) == f"this is a {name} file, which is not read"


@given(st.binary(max_size=200), st.sampled_from(["", *(".png", ".jpg", ".bmp", ".tif", ".webp")]), st.integers(0, 400))
def test_no_bytes_whatever_raise_anything_else(noise: bytes, extension: str, at: int) -> None:
    data = encoded(scene(16, 16), extension) if extension else b""
    data = data[:at] + noise + data[at + len(noise) :]
    try:
        photo = decode(data)
    except RunError:
        return
    assert photo.ndim == 3
    assert photo.dtype == np.uint8

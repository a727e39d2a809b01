"""What a picture says of itself before it is decoded: format, size, which way up, how its values are to be read.

Enters: the bytes of a file. Leaves: a `Header`, or None where the bytes are no picture of a format that is read here.
Guaranteed: nothing is raised for bytes of any kind, and no memory is taken that a header could ask for.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

JPEG_START, PNG_START = b"\xff\xd8", b"\x89PNG\r\n\x1a\n"

EXIF = b"Exif\0\0"
JPEG_APP1, JPEG_SCAN = 0xE1, 0xDA
JPEG_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""Markers of the segments that tell a JPEG's size; the three between are tables and a reserved one."""

WIDTH, HEIGHT, BITS, MEANING, ORIENTATION = 256, 257, 258, 262, 274
MOST, PLANES, EXTRA, SAMPLES = 281, 284, 338, 339
"""Tags of TIFF 6.0; EXIF is a TIFF without a picture."""

UNASSOCIATED = 2
"""What `EXTRA` says of transparency that colours are not multiplied with."""

WHITE_IS_ZERO, APART = 0, 2
"""What `MEANING` says of negatives, and `PLANES` of colours that are stored one after the other."""

KINDS_OF_NUMBERS = {2: "signed ", 3: "floating-point "}
"""What `SAMPLES` says of values that are no plain numbers."""


class Header(NamedTuple):
    """What a picture says of itself.

    format: "JPEG", "PNG", "TIFF", "BMP" or "WebP"; width, height: pixels as they are stored; orientation: EXIF's, 1 to
    8, where the picture has to be turned after decoding; alpha: whether it has transparency; bits: of each value; most:
    the brightest value, where the file says it; unusual: in words, what it has that OpenCV does not decode rightly.
    """

    format: str
    width: int
    height: int
    orientation: int = 1
    alpha: bool = False
    bits: int = 8
    most: int | None = None
    unusual: str = ""


def read_header(data: bytes) -> Header | None:
    """The header of a picture; None if it is of no format that is read here, or ends within its header."""
    try:
        if data.startswith(JPEG_START):
            return _jpeg(data)
        if data.startswith(PNG_START):
            return _png(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp(data)
        if data[:2] == b"BM":
            return _bmp(data)
        return _tiff(data)
    except (struct.error, IndexError):
        return None


def _jpeg(data: bytes) -> Header | None:
    orientation = 1
    for marker, at in jpeg_segments(data):
        body = at + 4
        if marker == JPEG_APP1 and data[body : body + len(EXIF)] == EXIF:
            (length,) = struct.unpack_from(">H", data, at + 2)
            orientation = _orientation(data[body + len(EXIF) : at + 2 + length])
        elif marker in JPEG_FRAMES:
            bits, height, width = struct.unpack_from(">BHH", data, body)
            unusual = "" if bits == 8 else f"{bits} bits a value"
            return Header("JPEG", width, height, orientation, bits=bits, unusual=unusual)
    return None


def jpeg_segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Marker and place of each segment of a JPEG, up to and with the first that starts a scan."""
    at = len(JPEG_START)
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:  # markers that stand alone
            at += 2
        else:
            yield marker, at
            if marker == JPEG_SCAN:
                return
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")


def _png(data: bytes) -> Header | None:
    if data[12:16] != b"IHDR":
        return None
    width, height, bits, colour = struct.unpack_from(">IIBB", data, 16)
    orientation, alpha = 1, colour in (4, 6)
    for kind, start, length in png_chunks(data):
        if kind == b"eXIf":
            orientation = _orientation(data[start : start + length])
        alpha = alpha or kind == b"tRNS"
    return Header("PNG", width, height, orientation, alpha, bits)


def png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and length of each chunk of a PNG, up to and with its end."""
    at = len(PNG_START)
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        yield kind, at + 8, length
        if kind == b"IEND":
            return
        at += 12 + length


def _webp(data: bytes) -> Header | None:
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = (1 + int.from_bytes(data[at : at + 3], "little") for at in (24, 27))
        return Header("WebP", width, height, _webp_orientation(data), bool(data[20] & 0x10))
    if kind == b"VP8L" and data[20] == 0x2F:
        (packed,) = struct.unpack_from("<I", data, 21)
        return Header("WebP", 1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF), alpha=bool(packed >> 28 & 1))
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 26)
        return Header("WebP", width & 0x3FFF, height & 0x3FFF)
    return None


def _webp_orientation(data: bytes) -> int:
    at = 12
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        if kind == b"EXIF":
            return _orientation(data[at + 8 : at + 8 + length].removeprefix(EXIF))
        at += 8 + length + length % 2
    return 1


def _bmp(data: bytes) -> Header | None:
    (size,) = struct.unpack_from("<I", data, 14)
    if size == 12:
        return Header("BMP", *struct.unpack_from("<HH", data, 18))
    width, height = struct.unpack_from("<ii", data, 18)
    return Header("BMP", width, abs(height)) if size >= 40 else None


def _tiff(data: bytes) -> Header | None:
    """Its first page. OpenCV turns TIFFs itself, and lays those of 8 bits on black."""
    tags = _tiff_tags(data)
    if tags is None or WIDTH not in tags or HEIGHT not in tags:
        return None
    bits = tags.get(BITS, 1)
    alpha = bits == 16 and tags.get(EXTRA) == UNASSOCIATED
    return Header("TIFF", tags[WIDTH], tags[HEIGHT], 1, alpha, bits, tags.get(MOST), _unusual(tags, bits))


def _unusual(tags: dict[int, int], bits: int) -> str:
    if bits not in (8, 16) or tags.get(SAMPLES, 1) != 1:
        return f"{KINDS_OF_NUMBERS.get(tags.get(SAMPLES, 1), '')}values of {bits} bits"
    if bits == 16 and tags.get(PLANES) == APART:
        return "values of 16 bits, each colour stored apart"
    if bits == 16 and tags.get(MEANING) == WHITE_IS_ZERO:
        return "values of 16 bits, of which 0 is white"
    return ""


def _orientation(exif: bytes) -> int:
    """1 where it says nothing, or no sense."""
    try:
        found = (_tiff_tags(exif) or {}).get(ORIENTATION, 1)
    except struct.error:
        return 1
    return found if 1 <= found <= 8 else 1


def _tiff_tags(data: bytes) -> dict[int, int] | None:
    """The first value of every tag of the first page that is a whole number; None if this is no TIFF."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None:
        return None
    (version,) = struct.unpack_from(f"{order}H", data, 2)
    if version == 42:
        offset, count_form, entry_form, step = 4, "H", "HHI", 12
    elif version == 43:  # BigTIFF
        offset, count_form, entry_form, step = 8, "Q", "HHQ", 20
    else:
        return None
    pointer = "I" if version == 42 else "Q"
    (page,) = struct.unpack_from(order + pointer, data, offset)
    (count,) = struct.unpack_from(order + count_form, data, page)
    start = page + struct.calcsize(order + count_form)
    tags: dict[int, int] = {}
    for at in range(start, min(start + count * step, len(data) - step + 1), step):
        tag, kind, number = struct.unpack_from(order + entry_form, data, at)
        form = {1: "B", 3: "H", 4: "I", 16: "Q"}.get(kind)
        if form is None or number == 0:
            continue
        place = at + step - struct.calcsize(order + pointer)
        if number * struct.calcsize(form) > struct.calcsize(pointer):
            (place,) = struct.unpack_from(order + pointer, data, place)
        (tags[tag],) = struct.unpack_from(order + form, data, place)
    return tags

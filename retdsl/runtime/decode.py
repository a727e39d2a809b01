"""A file's bytes become a photograph, or a plain word on why they cannot.

Enters: bytes: JPEG, PNG, TIFF, BMP or WebP, 8 or 16 bits, colour or grey. Leaves: uint8 RGB `[H, W, 3]`,
turned upright as its EXIF orientation says.
Guaranteed: a file that was cut short is refused. OpenCV alone does not promise that: up to 4.9 it fills what is missing
of a JPEG with grey and says nothing.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from retdsl.runtime.errors import RunError
from retdsl.weights.other_files import LFS_POINTER

Photograph: TypeAlias = npt.NDArray[np.uint8]
"""uint8 RGB `[H, W, 3]`."""

JPEG_START, JPEG_SCAN, JPEG_END = b"\xff\xd8", 0xDA, b"\xff\xd9"
PNG_START, PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
UNDRAWN = 128
"""The grey that libjpeg leaves where a JPEG holds no data."""

REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
"""By how much a JPEG can be shrunk while it is decoded, and what OpenCV calls it."""


def decode(data: bytes, shrink: int = 1) -> Photograph:
    """The photograph in a file's bytes. Raises RunError saying what the bytes are instead.

    shrink: of `REDUCED`, for JPEGs alone: height and width are divided by it, and rounded up.
    """
    if reason := _ends_early(data):
        raise RunError(reason)
    photo = _decode(data, shrink)
    if photo is None:
        raise _refusal(data)
    if _partly_undrawn(data, photo, shrink):
        raise RunError("the photograph is damaged: part of its data is missing")
    return photo


def _decode(data: bytes, shrink: int) -> Photograph | None:
    if not data:
        return None
    _silence_opencv()
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), REDUCED[shrink])
    except cv2.error:  # larger than OpenCV allows
        return None
    return None if picture is None else np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)


def _silence_opencv() -> None:
    """OpenCV writes its own opinion of a broken file to stderr; ours is enough."""
    opencv: Any = cv2
    logging = opencv if hasattr(opencv, "setLogLevel") else opencv.utils.logging  # where 4.13 has moved it
    logging.setLogLevel(0)


def _ends_early(data: bytes) -> str | None:
    """What is missing at the end of a JPEG, PNG or WebP; None if nothing, or if it is another kind of file."""
    if data.startswith(JPEG_START) and not _jpeg_is_whole(data):
        return "the photograph is cut short: its JPEG data has no end"
    if data.startswith(PNG_START) and PNG_END not in data:
        return "the photograph is cut short: its PNG data has no end"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP" and len(data) < int.from_bytes(data[4:8], "little") + 8:
        return "the photograph is cut short: its WebP data has no end"
    return None


def _jpeg_is_whole(data: bytes) -> bool:
    """Whether an end marker follows the first scan. Walks the segments there, for a thumbnail has an end of its own."""
    at = len(JPEG_START)
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == JPEG_SCAN:
            break
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:  # markers that stand alone
            at += 2
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return JPEG_END in data[at:]


def _partly_undrawn(data: bytes, photo: Photograph, shrink: int) -> bool:
    """Whether a JPEG with an end marker nevertheless lacks data before it.

    What is missing shows as a corner in libjpeg's grey. A grey corner may also be meant. So more data is put before the
    end: a whole photograph takes no notice of it, one that lacks data draws it.
    """
    block = 8 // shrink
    ends = slice(-block, None), slice(block)
    corners = [photo[rows, columns] for rows in ends for columns in ends]  # EXIF may have turned the last one
    if not data.startswith(JPEG_START) or not any(bool((corner == UNDRAWN).all()) for corner in corners):
        return False
    end = data.rindex(JPEG_END)
    longer = _decode(data[:end] + bytes(4096) + JPEG_END, shrink)
    return longer is not None and not np.array_equal(longer, photo)


def _refusal(data: bytes) -> RunError:
    """What the bytes are, since they are no photograph."""
    start = data[:512]
    if not data:
        return RunError("the file is empty (0 bytes)")
    if start.startswith(LFS_POINTER):
        return RunError("this is a Git LFS pointer, not the photograph itself", help="fetch the files: `git lfs pull`")
    if start[128:132] == b"DICM":
        return RunError("this is a DICOM file, which is not read", help="export DICOM files as PNG or JPEG")
    if start.lstrip()[:1] == b"<":
        return RunError("this is a web page or XML, not a photograph")
    if not start.strip(b"\0"):
        return RunError("the file holds nothing but zeros")
    if start.startswith((JPEG_START, PNG_START)):
        return RunError("the photograph is damaged and cannot be decoded")
    if all(byte >= 32 or byte in b"\t\n\r\f" for byte in start):
        return RunError("this is text, not a photograph")
    return RunError("cannot be decoded as JPEG, PNG, TIFF, BMP or WebP")

"""A file's bytes become a photograph, or a plain word on why they cannot.

Enters: bytes: JPEG, PNG, TIFF, BMP, WebP or DICOM; colour, grey, palette or CMYK; 8 or 16 bits; with or without
transparency. Leaves: uint8 RGB `[H, W, 3]`, turned upright as its EXIF orientation says.
Guaranteed: a file that was cut short is refused, and so is one whose header asks for more pixels than `MOST_PIXELS`,
before memory is taken for them.

Of 16 bits, the full range becomes that of 8, or what the file itself names as its brightest value. What is transparent
lies on black, as the retina's surround does. Of several pages, frames or pictures in one file, the first is taken.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from retdsl.runtime.dicom import dicom_photograph, is_dicom
from retdsl.runtime.errors import RunError
from retdsl.runtime.picture_header import JPEG_START, PNG_START, Header, read_header
from retdsl.runtime.picture_size import require_size
from retdsl.runtime.soundness import JPEG_END, what_is_wrong
from retdsl.weights.other_files import LFS_POINTER

Photograph: TypeAlias = npt.NDArray[np.uint8]
"""uint8 RGB `[H, W, 3]`."""

UNDRAWN = 128
"""The grey that libjpeg leaves where a JPEG holds no data."""

REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
"""By how much a JPEG can be shrunk while it is decoded, and what OpenCV calls it."""

WHITE = 255
FULL_RANGE = 65535

TWELVE_BITS = 4095
"""No photograph with 16 bits a value is as dark as this throughout; one with 12 bits that nobody scaled is."""

TURNS = {3: cv2.ROTATE_180, 6: cv2.ROTATE_90_CLOCKWISE, 8: cv2.ROTATE_90_COUNTERCLOCKWISE}
MIRRORED = {2: 1, 4: 3, 5: 6, 7: 8}
"""EXIF orientations that are another one, mirrored from left to right afterwards."""

OTHERS = (
    (0, b"GIF8", "GIF"),
    (4, b"ftypheic", "HEIC"),
    (4, b"ftypheix", "HEIC"),
    (4, b"ftypmif1", "HEIC"),
    (4, b"ftypavif", "AVIF"),
    (0, b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"8BPS", "Photoshop"),
    (0, b"%PDF", "PDF"),
    (0, b"PK\x03\x04", "ZIP"),
)
"""Where other kinds of files have their signature, and what they are called."""


def decode(data: bytes, shrink: int = 1) -> Photograph:
    """The photograph in a file's bytes. Raises RunError saying what the bytes are instead.

    shrink: of `REDUCED`, for JPEGs alone: height and width are divided by it, and rounded up.
    """
    if is_dicom(data):
        return dicom_photograph(data, decode)
    if reason := what_is_wrong(data):
        raise RunError(reason)
    header = read_header(data)
    if header is None:
        raise _refusal(data)
    _require_readable(header)
    photo = _decode(data, header, shrink)
    if photo is None:
        raise RunError("the photograph is damaged and cannot be decoded")
    if header.format == "JPEG" and _partly_undrawn(data, photo, header, shrink):
        raise RunError("the photograph is damaged: part of its data is missing")
    return photo


def _require_readable(header: Header) -> None:
    """Raises RunError for what is no photograph, or not decoded rightly everywhere."""
    require_size(header.width, header.height)
    if header.unusual:
        help = "save it as JPEG or PNG, or as TIFF of 8 bits a value"
        raise RunError(f"this kind of {header.format} is not read", items=(header.unusual,), help=help)


def _decode(data: bytes, header: Header, shrink: int) -> Photograph | None:
    """The picture upright, in 8 bits, on black; None if it cannot be decoded. Raises RunError."""
    _silence_opencv()
    picture: npt.NDArray[Any] | None
    flags = REDUCED[shrink] | (cv2.IMREAD_ANYDEPTH if header.bits == 16 else 0) | cv2.IMREAD_IGNORE_ORIENTATION
    if header.alpha:
        flags = cv2.IMREAD_UNCHANGED
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        return None
    return None if picture is None else _upright(_on_black(_eight_bits(picture, header)), header.orientation)


def _eight_bits(picture: npt.NDArray[Any], header: Header) -> npt.NDArray[np.uint8]:
    """uint8 or uint16 of any channels, scaled so that the brightest value of its range is white."""
    if picture.dtype == np.uint8:
        return picture
    if picture.dtype != np.uint16:
        raise RunError("the photograph's values are not whole numbers of 8 or 16 bits")
    most = header.most or FULL_RANGE
    if most == FULL_RANGE and picture[..., :3].max() <= TWELVE_BITS:
        raise RunError(
            f"of 16 bits a value, only 12 are used: none is above {TWELVE_BITS}",
            help="scale such photographs to the full range; as they are, they would be all but black",
        )
    return np.asarray(cv2.convertScaleAbs(picture, alpha=WHITE / most), np.uint8)


def _on_black(picture: npt.NDArray[np.uint8]) -> Photograph:
    """Grey, BGR or BGR with alpha as RGB."""
    if picture.ndim == 2:
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB), np.uint8)
    if picture.shape[2] == 4:
        opaque = cv2.cvtColor(picture[..., 3], cv2.COLOR_GRAY2BGR)
        picture = np.asarray(cv2.multiply(picture[..., :3], opaque, scale=1 / WHITE), np.uint8)
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)


def _upright(photo: Photograph, orientation: int) -> Photograph:
    """The photograph turned as EXIF orients it."""
    turned = MIRRORED.get(orientation, orientation)
    if turned in TURNS:
        photo = np.asarray(cv2.rotate(photo, TURNS[turned]), np.uint8)
    return np.asarray(cv2.flip(photo, 1), np.uint8) if orientation in MIRRORED else photo


def _silence_opencv() -> None:
    """OpenCV writes its own opinion of a broken file to stderr; ours is enough."""
    opencv: Any = cv2
    logging = opencv if hasattr(opencv, "setLogLevel") else opencv.utils.logging  # where 4.13 has moved it
    logging.setLogLevel(0)


def _partly_undrawn(data: bytes, photo: Photograph, header: Header, shrink: int) -> bool:
    """Whether a JPEG with an end marker nevertheless lacks data before it.

    What is missing shows as a corner in libjpeg's grey. A grey corner may also be meant. So more data is put before the
    end: a whole photograph takes no notice of it, one that lacks data draws it.
    """
    block = 8 // shrink
    ends = slice(-block, None), slice(block)
    corners = [photo[rows, columns] for rows in ends for columns in ends]  # EXIF may have turned the last one
    if not any(bool((corner == UNDRAWN).all()) for corner in corners):
        return False
    end = data.rindex(JPEG_END)
    longer = _decode(data[:end] + bytes(4096) + JPEG_END, header, shrink)
    return longer is not None and not np.array_equal(longer, photo)


def _refusal(data: bytes) -> RunError:
    """What the bytes are, since they are no photograph."""
    start = data[:512]
    if not data:
        return RunError("the file is empty (0 bytes)")
    if start.startswith(LFS_POINTER):
        return RunError("this is a Git LFS pointer, not the photograph itself", help="fetch the files: `git lfs pull`")
    if start.lstrip()[:1] == b"<":
        return RunError("this is a web page or XML, not a photograph")
    if not start.strip(b"\0"):
        return RunError("the file holds nothing but zeros")
    if start.startswith((JPEG_START, PNG_START)):
        return RunError("the photograph is damaged and cannot be decoded")
    for place, signature, name in OTHERS:
        if start[place:].startswith(signature):
            return RunError(f"this is a {name} file, which is not read", help="save photographs as JPEG, PNG or TIFF")
    if all(byte >= 32 or byte in b"\t\n\r\f" for byte in start):
        return RunError("this is text, not a photograph")
    return RunError("this is no JPEG, PNG, TIFF, BMP, WebP or DICOM file")

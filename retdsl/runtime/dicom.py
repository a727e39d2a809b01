"""A photograph in a DICOM file, as fundus cameras export them.

Enters: the bytes of a DICOM file, and what decodes pictures. Leaves: uint8 RGB `[H, W, 3]`, of the first frame.
Guaranteed: a value has the brightness that the file gives it: by its window where it has one (PS3.3 C.11.2), else by
the bits it says are used; `MONOCHROME1` is turned into light on black.

It takes pydicom, which the extra `dicom` brings. JPEG within DICOM is decoded by OpenCV, what is not compressed or
compressed by runs of equal bytes by pydicom; for JPEG 2000 and JPEG-LS pydicom needs a decoder of its own beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from retdsl.runtime.errors import RunError
from retdsl.runtime.picture_size import require_size

Picture = npt.NDArray[np.uint8]

WITH_JPEG = frozenset(f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 57, 70))
"""Transfer syntaxes whose frames are JPEG files: baseline, extended and lossless."""

JFIF, ADOBE = b"\xff\xe0", b"\xff\xee\x00\x0eAdobe"
"""How the segments of a JPEG start that tell what its values are."""

ADOBE_RGB = ADOBE + b"\x00\x64" + bytes(5)
"""The segment of a JPEG that says that its three values are red, green and blue. Without any, decoders take them for
luminance and two colours."""

WHITE = np.uint8(255)

INSTALL = "pip install 'retdsl[dicom]'"


def is_dicom(data: bytes) -> bool:
    """Whether these are the bytes of a DICOM file."""
    return data[128:132] == b"DICM"


def dicom_photograph(data: bytes, decode: Callable[[bytes], Picture]) -> Picture:
    """The photograph in a DICOM file. decode: of the bytes of a JPEG file. Raises RunError."""
    pydicom = _pydicom()
    try:
        dataset = pydicom.dcmread(BytesIO(data))
        what = str(dataset.get("Modality", ""))
        if "PixelData" not in dataset:
            raise RunError("this DICOM file holds no photograph", items=(f"its modality is {what}",) if what else ())
        require_size(int(dataset.Columns), int(dataset.Rows))
        values = _values(dataset, decode)
        return _shown(dataset, values)
    except RunError:
        raise
    except Exception as error:  # pydicom raises whatever a broken file leads it to
        raise RunError(
            "the DICOM file is damaged", items=(f"{type(error).__name__}: {error}".splitlines()[0],)
        ) from None


def _pydicom() -> Any:
    try:
        import pydicom
        import pydicom.config
    except ModuleNotFoundError:
        raise RunError(
            "DICOM files need pydicom, which is not installed", help=f"`{INSTALL}`, or pydicom alone"
        ) from None
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE  # it would warn of harmless slips
    return pydicom


def _values(dataset: Any, decode: Callable[[bytes], Picture]) -> npt.NDArray[Any]:
    """The values of the first frame, `[H, W]` or RGB `[H, W, 3]`, or of a palette's places."""
    syntax = dataset.file_meta.TransferSyntaxUID
    if str(syntax) in WITH_JPEG:
        return _jpeg(dataset, decode)
    from pydicom.pixels import pixel_array

    try:
        return np.asarray(pixel_array(dataset, index=0))
    except (RuntimeError, NotImplementedError):
        raise RunError(
            "the photograph in this DICOM file is compressed in a way that is not read",
            items=(syntax.name,),
            help="`pip install pylibjpeg pylibjpeg-openjpeg pylibjpeg-libjpeg`, or export it as JPEG or PNG",
        ) from None


def _jpeg(dataset: Any, decode: Callable[[bytes], Picture]) -> npt.NDArray[Any]:
    from pydicom.encaps import get_frame

    frames = int(dataset.get("NumberOfFrames", 1) or 1)
    data = get_frame(dataset.PixelData, 0, number_of_frames=frames)
    if dataset.PhotometricInterpretation == "RGB" and data[2:4] != JFIF and ADOBE not in data[:4096]:
        data = data[:2] + ADOBE_RGB + data[2:]
    photo = decode(data)
    return photo if dataset.SamplesPerPixel == 3 else photo[..., 0]


def _shown(dataset: Any, values: npt.NDArray[Any]) -> Picture:
    """The values as they are to be looked at."""
    meaning = str(dataset.PhotometricInterpretation)
    if meaning == "PALETTE COLOR":
        from pydicom.pixels import apply_color_lut

        values = apply_color_lut(values, dataset)[..., :3]
        return _scaled(values, 0, np.iinfo(values.dtype).max)
    if values.ndim == 3:
        return _scaled(values, 0, 2 ** int(dataset.BitsStored) - 1)
    grey = _grey(dataset, values)
    return np.asarray(cv2.cvtColor(WHITE - grey if meaning == "MONOCHROME1" else grey, cv2.COLOR_GRAY2RGB), np.uint8)


def _grey(dataset: Any, values: npt.NDArray[Any]) -> Picture:
    """Grey values through the window that the file gives first, else over the range of the bits it uses."""
    slope, intercept = float(dataset.get("RescaleSlope", 1)), float(dataset.get("RescaleIntercept", 0))
    centre, width = _first(dataset, "WindowCenter"), _first(dataset, "WindowWidth")
    if centre is None or width is None:
        bits = int(dataset.BitsStored)
        lowest = -(2 ** (bits - 1)) if dataset.PixelRepresentation else 0
        return _scaled(values, lowest, lowest + 2**bits - 1)
    told = values * slope + intercept
    match str(dataset.get("VOILUTFunction", "LINEAR")):
        case "SIGMOID":
            shown = 1 / (1 + np.exp(-4 * (told - centre) / width))
        case "LINEAR_EXACT":
            shown = (told - centre) / width + 0.5
        case _:
            shown = (told - (centre - 0.5)) / max(width - 1, 1e-6) + 0.5
    return _scaled(shown, 0, 1)


def _first(dataset: Any, name: str) -> float | None:
    """The first value of an element that may have several, or be empty or absent."""
    found = dataset.get(name)
    if found is None or found == "":
        return None
    return float(found if isinstance(found, int | float | str) else found[0])


def _scaled(values: npt.NDArray[Any], black: float, white: float) -> Picture:
    if values.dtype == np.uint8 and (black, white) == (0, 255):
        return np.asarray(values, np.uint8)
    shares = np.clip((values.astype(np.float32) - black) / (white - black), 0, 1)
    return np.asarray(np.rint(shares * float(WHITE)), np.uint8)

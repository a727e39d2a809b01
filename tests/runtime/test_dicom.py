"""Photographs in DICOM files come out as pydicom itself reads them, or as the file says that they are to be shown."""

from __future__ import annotations

import builtins
from io import BytesIO
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from retdsl.runtime.decode import decode
from retdsl.runtime.errors import RunError

pydicom = pytest.importorskip("pydicom")

EXPLICIT, JPEG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.50"
OPHTHALMIC_8_BIT = "1.2.840.10008.5.1.4.1.1.77.1.5.1"


def file(values: npt.NDArray[Any] | list[bytes], meaning: str, syntax: str = EXPLICIT, **elements: Any) -> bytes:
    """A DICOM file: of these values, or of these frames of JPEG, whose height and width `elements` must tell."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.encaps import encapsulate
    from pydicom.uid import UID

    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = UID(syntax), UID(OPHTHALMIC_8_BIT)
    meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    dataset = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.Modality = UID(OPHTHALMIC_8_BIT), UID("1.2.3"), "OP"
    dataset.PhotometricInterpretation = meaning
    dataset.SamplesPerPixel = 1 if meaning.startswith("MONO") else 3
    dataset.PixelRepresentation = 0
    if isinstance(values, list):
        dataset.PixelData, bits = encapsulate(values), 8
        dataset["PixelData"].VR = "OB"
    else:
        dataset.Rows, dataset.Columns = values.shape[:2]
        dataset.PixelData, bits = values.tobytes(), 8 * values.dtype.itemsize
        dataset["PixelData"].VR = "OB" if bits == 8 else "OW"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, bits, bits - 1
    if dataset.SamplesPerPixel == 3:
        dataset.PlanarConfiguration = 0
    for name, value in elements.items():
        setattr(dataset, name, value)
    out = BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def scene(height: int = 48, width: int = 64) -> npt.NDArray[np.uint8]:
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([255 - 2 * x, 200 - 3 * y, 60 + x // 2], axis=2).astype(np.uint8)


def reason(data: bytes) -> RunError:
    with pytest.raises(RunError) as caught:
        decode(data)
    return caught.value


def test_plain_colours() -> None:
    assert np.array_equal(decode(file(scene(), "RGB")), scene())


def test_colours_stored_apart() -> None:
    planes = np.ascontiguousarray(np.moveaxis(scene(), 2, 0))
    data = file(planes, "RGB", PlanarConfiguration=1, Rows=48, Columns=64)
    assert np.array_equal(decode(data), scene())


def test_luminance_and_colours() -> None:
    stored = cv2.cvtColor(scene(), cv2.COLOR_RGB2YCrCb)[..., [0, 2, 1]]
    assert np.abs(decode(file(stored, "YBR_FULL")).astype(int) - scene()).max() <= 2


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_grey_by_the_bits_it_uses(bits: int) -> None:
    values = np.linspace(0, 2**bits - 1, 48 * 64).reshape(48, 64).astype(np.uint8 if bits == 8 else np.uint16)
    shown = decode(file(values, "MONOCHROME2", BitsStored=bits, HighBit=bits - 1))
    assert np.array_equal(shown, np.repeat(np.rint(values * (255 / (2**bits - 1)))[..., None], 3, 2))
    inverse = decode(file(values, "MONOCHROME1", BitsStored=bits, HighBit=bits - 1))
    assert np.array_equal(inverse, 255 - shown)


@pytest.mark.parametrize("function", [None, "LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_the_window_is_that_of_pydicom(function: str | None) -> None:
    from pydicom.pixels import apply_modality_lut, apply_windowing

    values = np.arange(48 * 64, dtype=np.uint16).reshape(48, 64)
    told = {"WindowCenter": [900, 40], "WindowWidth": [1200, 80], "RescaleSlope": 2, "RescaleIntercept": -100}
    told |= {} if function is None else {"VOILUTFunction": function}
    data = file(values, "MONOCHROME2", BitsStored=12, HighBit=11, **told)
    dataset = pydicom.dcmread(BytesIO(data))
    theirs = apply_windowing(apply_modality_lut(values, dataset), dataset)
    lowest, highest = -100, 4095 * 2 - 100  # what `apply_windowing` maps the window to
    wanted = np.rint((theirs - lowest) / (highest - lowest) * 255)
    assert np.abs(decode(data)[..., 0] - wanted).max() <= 1


@pytest.mark.parametrize("meaning", ["YBR_FULL_422", "RGB"])
def test_jpeg_within(meaning: str) -> None:
    """Without any word on its values a JPEG is luminance and colours; DICOM may say otherwise."""
    options = [cv2.IMWRITE_JPEG_QUALITY, 100, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    data = cv2.imencode(".jpg", scene()[..., ::-1], options)[1].tobytes()
    bare = data[:2] + data[4 + int.from_bytes(data[4:6], "big") :]  # without the segment of JFIF
    assert b"JFIF" not in bare
    shown = decode(file([bare, bare], meaning, JPEG, Rows=48, Columns=64, NumberOfFrames=2)).astype(int)
    as_stored = cv2.cvtColor(scene(), cv2.COLOR_RGB2YCrCb)[..., [0, 2, 1]]
    assert np.abs(shown - (scene() if meaning == "YBR_FULL_422" else as_stored)).max() <= 3


def test_of_several_frames_the_first() -> None:
    frames = np.stack([scene(), 255 - scene()])
    data = file(frames, "RGB", Rows=48, Columns=64, NumberOfFrames=2)
    assert np.array_equal(decode(data), scene())


@pytest.mark.parametrize(
    "name",
    [
        "SC_jpeg_no_color_transform.dcm",
        "SC_rgb_dcmtk_+eb+cr.dcm",
        "SC_rgb_dcmtk_+eb+cy+s4.dcm",
        "SC_rgb_rle.dcm",
        "SC_rgb_jpeg.dcm",
        "SC_ybr_full_422_uncompressed.dcm",
        "ExplVR_BigEnd.dcm",
        "examples_ybr_color.dcm",
    ],
)
def test_the_examples_of_pydicom(name: str) -> None:
    from pydicom.data import get_testdata_file
    from pydicom.pixels import pixel_array

    pytest.importorskip("PIL", reason="pydicom decodes JPEG with Pillow")
    path = get_testdata_file(name, download=False)
    if path is None:
        pytest.skip(f"this pydicom has no {name}")
    with open(path, "rb") as found:
        shown = decode(found.read())
    assert np.array_equal(shown, pixel_array(pydicom.dcmread(path), index=0))


def test_lossless_jpeg() -> None:
    from pydicom.data import get_testdata_file

    lossless, runs = (get_testdata_file(f"SC_rgb_{name}.dcm", download=False) for name in ("jpeg_gdcm", "rle"))
    if lossless is None or runs is None:
        pytest.skip("this pydicom has not both files")
    with open(lossless, "rb") as one, open(runs, "rb") as other:
        assert np.array_equal(decode(one.read()), decode(other.read()))


def test_what_holds_no_photograph() -> None:
    from pydicom import dcmread

    dataset = dcmread(BytesIO(file(scene(), "RGB", Modality="SR")))
    del dataset.PixelData
    out = BytesIO()
    dataset.save_as(out)
    error = reason(out.getvalue())
    assert error.message == "this DICOM file holds no photograph"
    assert error.items == ("its modality is SR",)


def test_what_is_not_read() -> None:
    other = reason(file([b"\xff\x4f\xff\x51" + bytes(40)], "RGB", "1.2.840.10008.1.2.4.80", Rows=48, Columns=64))
    assert "compressed in a way that is not read" in other.message
    assert other.items == ("JPEG-LS Lossless Image Compression",)
    assert "larger than 200 million pixels" in reason(file(scene(), "RGB", Rows=30000, Columns=30000)).message


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_file_that_was_cut_short(share: float) -> None:
    data = file(scene(), "RGB")
    assert reason(data[: int(len(data) * share)]).message in (
        "the DICOM file is damaged",
        "this DICOM file holds no photograph",
    )


def test_without_pydicom(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any, **more: Any) -> Any:
        if name.startswith("pydicom"):
            raise ModuleNotFoundError(name)
        return real(name, *arguments, **more)

    data = file(scene(), "RGB")
    monkeypatch.setattr(builtins, "__import__", without)
    error = reason(data)
    assert error.message == "DICOM files need pydicom, which is not installed"
    assert error.help == ("`pip install 'retdsl[dicom]'`, or pydicom alone",)

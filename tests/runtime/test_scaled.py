"""Photographs shrunk while they are decoded: when, how far, and how little it changes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from retdsl.runtime import scaled
from retdsl.runtime.decode import Photograph, decode
from retdsl.runtime.errors import RunError
from retdsl.runtime.prepare import Step, crop_circle, prepare_photograph, resize
from retdsl.runtime.scaled import jpeg_size, prepare_bytes

FUNDUS = Path(__file__).resolve().parents[3] / "shared" / "fundus" / "images"


def jpeg(height: int, width: int, *, disc: float = 1.0, grey: bool = False, kind: str = ".jpg") -> bytes:
    """An eye: a bright disc, as high as this share of the picture, with waves on it."""
    y, x = np.mgrid[:height, :width]
    waves = 120 + 40 * np.sin(x / 37)[..., None] * np.cos(y / 53)[..., None] * np.array([1, 0.7, 0.4])
    inside = (x - width / 2) ** 2 + (y - height / 2) ** 2 < (disc * height / 2) ** 2
    photo = (waves * inside[..., None]).astype(np.uint8)
    return cv2.imencode(kind, photo[..., 1] if grey else photo)[1].tobytes()


def oriented(data: bytes, orientation: int) -> bytes:
    """A JPEG with an EXIF orientation."""
    tiff = b"II*\0\x08\0\0\0" + b"\x01\0\x12\x01\x03\0\x01\0\0\0" + bytes([orientation, 0, 0, 0]) + bytes(4)
    exif = b"Exif\0\0" + tiff
    return data[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + data[2:]


class Watched:
    """The shrinks that were asked of the decoder."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.shrinks: list[int] = []
        patch.setattr(scaled, "decode", self)

    def __call__(self, data: bytes, shrink: int = 1) -> Photograph:
        self.shrinks.append(shrink)
        return decode(data, shrink)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(monkeypatch)


@pytest.mark.parametrize(
    ("height", "width", "steps", "shrinks"),
    [
        (800, 1200, (resize(100, 100),), [8]),
        (800, 1200, (resize(101, 100),), [4]),
        (800, 1200, (resize(100, 151),), [4]),
        (800, 1200, (resize(400, 400),), [2]),
        (800, 1200, (resize(401, 400),), [1]),
        (800, 1200, (crop_circle(), resize(64, 64)), [8]),
        (800, 1200, (resize(600, 600), resize(64, 64)), [1]),  # the first one counts
        (800, 1200, (), [1]),
        (800, 1200, (lambda photo: photo, resize(64, 64)), [1]),
    ],
)
def test_how_far_a_jpeg_is_shrunk(
    height: int, width: int, steps: Sequence[Step], shrinks: list[int], watched: Watched
) -> None:
    prepared = prepare_bytes(jpeg(height, width), steps)
    assert watched.shrinks == shrinks
    assert prepared.shape == prepare_photograph(decode(jpeg(height, width)), steps).shape


def test_a_small_retina_in_a_large_photograph_is_decoded_larger(watched: Watched) -> None:
    data, steps = jpeg(1600, 2400, disc=0.35), (crop_circle(), resize(190, 190))
    prepared = prepare_bytes(data, steps)
    assert watched.shrinks == [8, 2]
    assert np.abs(prepared.astype(int) - prepare_photograph(decode(data), steps)).mean() < 2


@pytest.mark.parametrize("kind", [".png", ".bmp", ".tiff", ".webp"])
def test_other_formats_are_decoded_in_full(kind: str, watched: Watched) -> None:
    prepare_bytes(jpeg(400, 600, kind=kind), (resize(32, 32),))
    assert watched.shrinks == [1]


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_is_turned_upright_as_in_full(orientation: int, grey: bool, watched: Watched) -> None:
    data, steps = oriented(jpeg(800, 1200, grey=grey), orientation), (resize(64, 32),)
    prepared = prepare_bytes(data, steps)
    assert watched.shrinks[-1] > 1
    assert np.abs(prepared.astype(int) - prepare_photograph(decode(data), steps)).mean() < 1


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("ended", [False, True])
def test_what_is_cut_short_is_refused_with_the_same_words(keep: float, ended: bool) -> None:
    data = jpeg(800, 1200)
    short = data[: int(len(data) * keep)] + (b"\xff\xd9" if ended else b"")
    with pytest.raises(RunError) as in_full:
        decode(short)
    with pytest.raises(RunError) as shrunk:
        prepare_bytes(short, (resize(64, 64),))
    assert str(shrunk.value) == str(in_full.value)


def test_the_size_stands_in_the_header() -> None:
    assert jpeg_size(jpeg(123, 457)) == (123, 457)
    assert jpeg_size(oriented(jpeg(123, 457, grey=True), 6)) == (123, 457)
    progressive = cv2.imencode(".jpg", np.zeros((9, 17, 3), np.uint8), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    assert jpeg_size(progressive) == (9, 17)
    assert jpeg_size(jpeg(20, 30, kind=".png")) is None
    for end in range(200):
        assert jpeg_size(jpeg(20, 30)[:end]) in (None, (20, 30))


@pytest.mark.skipif(not FUNDUS.is_dir(), reason="../shared/fundus is not here")
def test_real_photographs_hardly_differ() -> None:
    differences = []
    for path in sorted(FUNDUS.glob("*.jpeg"))[::60]:
        square = cv2.resize(cv2.imread(str(path)), (2000, 2000), interpolation=cv2.INTER_CUBIC)
        large = cv2.copyMakeBorder(square, 0, 0, 500, 500, cv2.BORDER_CONSTANT)
        data = cv2.imencode(".jpg", large, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
        steps = (crop_circle(), resize(224, 224))
        in_full = prepare_photograph(decode(data), steps)
        differences.append(np.abs(prepare_bytes(data, steps).astype(int) - in_full).mean())
    assert np.mean(differences) < 2

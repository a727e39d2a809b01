"""What is measured of a photograph: that it orders photographs as a person would, whatever the camera."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from retdsl.runtime.decode import Photograph, decode
from retdsl.runtime.measures import NO_FIELD, Measures, measure
from retdsl.runtime.sources import Wanted
from retdsl.runtime.synthetic import synthetic_fundus

FUNDUS = Path(__file__).resolve().parents[3] / "shared" / "fundus"
BLURS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
"""Standard deviations in pixels of a photograph that is 400 pixels wide."""


def painted(size: int = 400, which: int = 0) -> Photograph:
    source = synthetic_fundus(24, ratio=(1, 1), size=size)
    sample = source.samples(Path(), Wanted(("healthy", "infected")))[which]
    return np.asarray(source.read(Path(), sample), np.uint8)


def blurred(photo: Photograph, sigma: float) -> Photograph:
    return photo if sigma == 0 else np.asarray(cv2.GaussianBlur(photo, (0, 0), sigma), np.uint8)


def test_the_more_blurred_the_less_sharp_painted() -> None:
    for which in range(4):
        sharpness = [measure(blurred(painted(which=which), sigma)).sharpness for sigma in BLURS]
        assert sharpness == sorted(sharpness, reverse=True), which


@pytest.mark.skipif(not FUNDUS.is_dir(), reason="needs ../shared/fundus")
def test_the_more_blurred_the_less_sharp_real() -> None:
    files = sorted((FUNDUS / "images").iterdir())[::90]
    ordered = 0
    for file in files:
        photo = decode(file.read_bytes())
        sharpness = [measure(blurred(photo, sigma)).sharpness for sigma in BLURS]
        ordered += sharpness == sorted(sharpness, reverse=True)
    assert ordered == len(files) == 11


def test_a_larger_photograph_of_the_same_eye_measures_alike() -> None:
    photo = painted(800)
    half = np.asarray(cv2.resize(photo, (400, 400), interpolation=cv2.INTER_AREA), np.uint8)
    one, other = measure(photo), measure(half)
    assert one.sharpness == pytest.approx(other.sharpness, rel=0.1)
    assert one[1:] == pytest.approx(other[1:], abs=0.02)


def test_a_wide_black_surround_changes_the_field_alone() -> None:
    photo = painted()
    wide = np.zeros((600, 1000, 3), np.uint8)
    wide[100:500, 300:700] = photo
    one, other = measure(photo), measure(wide)
    assert other.field == pytest.approx(one.field * 400 * 400 / (600 * 1000), rel=0.02)
    rest = [at for at, name in enumerate(Measures._fields) if name != "field"]
    assert [other[at] for at in rest] == pytest.approx([one[at] for at in rest], abs=0.02)


def test_light() -> None:
    photo = painted()
    dim, glaring = (np.clip(photo * factor, 0, 255).astype(np.uint8) for factor in (0.5, 3.0))
    assert measure(dim).brightness == pytest.approx(measure(photo).brightness / 2, abs=0.01)
    assert measure(glaring).clipped_bright > 0.2 > 0.02 > measure(photo).clipped_bright
    black = photo.copy()
    black[:, :200] = 1
    half = measure(black)
    assert half.roundness < 0.7 < measure(photo).roundness


def test_haze_lowers_contrast() -> None:
    photo = painted()
    hazy = (photo * 0.4 + 100).astype(np.uint8)
    assert measure(hazy).contrast < 0.6 * measure(photo).contrast


@pytest.mark.parametrize(
    "photo", [np.zeros((50, 70, 3), np.uint8), np.zeros((1, 1, 3), np.uint8), np.full((1, 500, 3), 200, np.uint8)]
)
def test_no_field(photo: Photograph) -> None:
    assert str(measure(photo)) == str(NO_FIELD)  # NaN is not equal to itself


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (40, 300)])
def test_whatever_is_bright_is_measured(size: tuple[int, int]) -> None:
    assert np.isfinite(measure(np.full((*size, 3), 200, np.uint8))).all()

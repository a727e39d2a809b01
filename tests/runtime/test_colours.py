"""Steps that change colours, against their formulas in floating point and scikit-image's colour spaces."""

from __future__ import annotations

import colorsys

import numpy as np
import numpy.typing as npt
import pytest
from skimage import color, data
from test_warps import Always

from retdsl.runtime.augmentation import OnImages
from retdsl.runtime.colours import brightness, contrast, hue, hue_matrix, saturation
from retdsl.runtime.decode import Photograph

PHOTO: Photograph = np.ascontiguousarray(data.astronaut()[::8, ::8])
GREEN: Photograph = np.ascontiguousarray(PHOTO[:, :, 1:2])
TRANSFORMED = 0.8
"""OpenCV multiplies colours by a matrix of 1024ths, which may round to the farther one of two whole numbers."""

Values = npt.NDArray[np.float64]


def rounded(values: Values) -> Values:
    return np.clip(values, 0, 255)


def grey(photo: Photograph) -> Values:
    """Brightness [H, W, 1], by scikit-image."""
    return np.asarray(color.rgb2yiq(photo)[:, :, :1] * 255)


@pytest.mark.parametrize("share", [0, 0.3, 0.5, 1])
@pytest.mark.parametrize("amount", [0.2, 1])
@pytest.mark.parametrize("photo", [PHOTO, GREEN], ids=["colours", "green"])
def test_formulas(photo: Photograph, amount: float, share: float) -> None:
    factor = 1.0 - amount + 2 * amount * share
    mean = grey(PHOTO).mean() if photo is PHOTO else GREEN.mean()
    expected: list[tuple[OnImages, Values]] = [
        (brightness(amount=amount), factor * photo),
        (contrast(amount=amount), mean + factor * (photo - mean)),
        (saturation(amount=amount), grey(PHOTO) + factor * (photo - grey(PHOTO)) if photo is PHOTO else photo * 1.0),
    ]
    for step, values in expected:
        most = TRANSFORMED if isinstance(step, saturation) else 0.51
        assert np.abs(step.apply(photo, Always(share)) - rounded(values)).max() <= most, step


@pytest.mark.parametrize("degrees", [-170, -40, 5, 90])
def test_hue_turns_the_colours_of_yiq_and_keeps_their_brightness(degrees: float) -> None:
    i, q = np.moveaxis(color.rgb2yiq(PHOTO), 2, 0)[1:]
    angle = np.arctan2(q, i) + np.radians(degrees)
    size = np.hypot(i, q)
    turned = np.stack([grey(PHOTO)[:, :, 0] / 255, size * np.cos(angle), size * np.sin(angle)], axis=2)
    made = hue(degrees=abs(degrees)).apply(PHOTO, Always(float(degrees > 0)))
    assert np.abs(made - rounded(color.yiq2rgb(turned) * 255)).max() < TRANSFORMED


def test_a_third_of_the_circle_takes_red_towards_green_or_blue() -> None:
    red = np.array([200, 60, 60]) / 255
    ways = [colorsys.rgb_to_hsv(*np.clip(hue_matrix(degrees) @ red, 0, 1))[0] for degrees in (120, -120)]
    assert sorted(ways) == pytest.approx([1 / 3, 2 / 3], abs=0.08)


def test_greys_keep_their_colour() -> None:
    greys: Photograph = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)
    assert np.array_equal(hue(degrees=180).apply(greys, Always(0.9)), greys)
    assert np.array_equal(saturation(amount=1).apply(greys, Always(0.1)), greys)


def test_without_colours_nothing_is_done_to_them() -> None:
    assert np.array_equal(hue(degrees=90).apply(GREEN, Always(1)), GREEN)


def test_without_saturation_all_is_grey() -> None:
    made = saturation(amount=1).apply(PHOTO, Always(0))
    assert np.abs(made - grey(PHOTO)).max() < TRANSFORMED

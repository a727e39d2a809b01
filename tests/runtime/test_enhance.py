"""clahe, subtract_local_average and green_channel, against scipy, scikit-image, and what Graham's report says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from skimage import color, data, exposure
from test_prepare import fundus

from retdsl.runtime.decode import Photograph
from retdsl.runtime.enhance import GREY, clahe, green_channel, subtract_local_average
from retdsl.runtime.prepare import Step, resize

PHOTO: Photograph = np.ascontiguousarray(data.retina()[::4, ::4])
GREEN: Photograph = np.ascontiguousarray(PHOTO[:, :, 1:2])


@pytest.mark.parametrize("step", [clahe(), clahe(clip_limit=40, tiles=1), subtract_local_average(), green_channel()])
@pytest.mark.parametrize("shape", [(1, 1, 3), (7, 5, 3), (64, 48, 3), (40, 40, 1)])
def test_bytes_in_bytes_out(step: Step, shape: tuple[int, int, int]) -> None:
    if isinstance(step, green_channel) and shape[2] == 1:
        return
    photo = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    before = photo.copy()
    made = step(photo)
    assert made.shape == shape
    assert made.dtype == np.uint8
    assert np.array_equal(photo, before)
    assert np.array_equal(step(photo), made)


class TestClahe:
    """clahe."""

    def test_lightness_changes_and_colour_does_not(self) -> None:
        before, after = (color.rgb2lab(photo) for photo in (PHOTO, clahe()(PHOTO)))
        inside = (before[:, :, 0] > 20) & (after[:, :, 0] < 90)
        assert np.abs(before - after)[inside][:, 0].mean() > 3
        assert np.median(np.abs(before - after)[inside][:, 1:]) < 2

    def test_it_is_close_to_another_library(self) -> None:
        green = GREEN[:352, :352]
        ours = clahe(clip_limit=4, tiles=8)(green)[:, :, 0].astype(float)
        others = exposure.equalize_adapthist(green[:, :, 0], kernel_size=44, clip_limit=4 / 256, nbins=256) * 255
        assert np.corrcoef(ours.ravel(), others.ravel())[0, 1] > 0.97

    def test_without_limit_and_tiles_it_equalises_the_histogram(self) -> None:
        green = GREEN[100:228, 100:228]
        ours = clahe(clip_limit=100, tiles=1)(green)[:, :, 0]
        counts = np.bincount(green.ravel(), minlength=256)
        assert counts.max() < 100 * green.size / 256  # nothing to clip
        expected = np.cumsum(counts)[green[:, :, 0]] * 255 / green.size
        assert np.abs(ours - expected).max() <= 0.51

    def test_the_limit_holds_back_noise(self) -> None:
        flat = np.random.default_rng(0).normal(100, 2, (128, 128, 1)).round().astype(np.uint8)
        spread = [clahe(clip_limit=limit)(flat).std() for limit in (1, 2, 10)]
        assert spread == sorted(spread)
        assert spread[0] < 6 < spread[2]


class TestLocalAverage:
    """subtract_local_average."""

    def test_grahams_formula_within_the_disc(self) -> None:
        photo = fundus(240, 240, (119.5, 119.5), 110)
        made = subtract_local_average(sigma=1 / 30)(photo)
        average = ndimage.gaussian_filter(photo.astype(float), (110 / 30, 110 / 30, 0), mode="mirror", truncate=3)
        y, x = np.mgrid[:240, :240] - 119.5
        inside = np.hypot(x, y) < 0.88 * 110
        expected = np.clip(4.0 * photo - 4 * average + 128.0, 0, 255)
        # The average is rounded before it is multiplied, so that 4 times half a step is what can differ.
        assert np.abs(made - expected)[inside].max() < 5
        assert np.abs(made - expected)[inside].mean() < 1.2

    def test_outside_the_disc_is_grey(self) -> None:
        made = subtract_local_average(mask=0.5)(fundus(300, 400, (220, 150), 100))
        y, x = np.mgrid[:300, :400]
        distance = np.hypot(y - 150, x - 220)
        assert (made[distance > 54] == GREY).all()
        assert (made[distance < 46] != GREY).any()

    def test_slow_changes_of_light_go_and_small_spots_stay(self) -> None:
        y, x = np.mgrid[:200, :200]
        photo = np.repeat((60 + 0.5 * x)[:, :, None], 3, axis=2).astype(np.uint8)
        photo[100, 100] += 20
        made = subtract_local_average()(photo)
        inside = np.hypot(y - 100, x - 100) < 70
        inside[90:111, 90:111] = False
        assert np.abs(made[inside].astype(int) - GREY).max() <= 6
        assert made[100, 100, 0] > GREY + 60

    def test_strength(self) -> None:
        weak, strong = (subtract_local_average(strength=k)(PHOTO).astype(int) - GREY for k in (2, 4))
        unclipped = (np.abs(strong) < 120) & (weak != 0)
        assert np.abs(strong[unclipped] - 2 * weak[unclipped]).max() <= 2

    def test_black_stays_without_anything(self) -> None:
        assert (subtract_local_average()(np.zeros((50, 60, 3), np.uint8)) == GREY).all()


def test_green() -> None:
    assert np.array_equal(green_channel(channels=1)(PHOTO), GREEN)
    assert np.array_equal(green_channel()(PHOTO), np.repeat(GREEN, 3, axis=2))


@pytest.mark.parametrize("step", [subtract_local_average(), green_channel()])
def test_steps_that_are_free_of_scale_say_the_same_of_a_smaller_photograph(step: Step) -> None:
    """Whether the photograph is made smaller before or after makes a fiftieth of what the step does. (Of clahe, which
    is not free of scale, it makes a fifth.)
    """
    assert step.scale_free
    assert not clahe().scale_free
    large: Photograph = np.ascontiguousarray(data.retina()[:1408, :1408])
    small = resize(352, 352)(large)
    before, after = step(small).astype(float), resize(352, 352)(step(large)).astype(float)
    assert np.abs(before - after).mean() < 0.02 * np.abs(before - small).mean()

"""Noise, blur, re-compression and holes, against their definitions, scipy and Pillow."""

from __future__ import annotations

import io

import numpy as np
import pytest
from scipy import ndimage, stats
from skimage import data
from test_warps import Always

from retdsl.runtime.decode import Photograph
from retdsl.runtime.defects import OFFSETS, blur, cutout, gaussian_noise, jpeg, noise_bank
from retdsl.runtime.randomness import Chance

PHOTO: Photograph = np.ascontiguousarray(data.astronaut()[100:228, 100:260])


def noise(key: int, sigma: float = 0.04, size: int = 100) -> np.ndarray:
    """What is added to a grey image."""
    grey: Photograph = np.full((size, size, 3), 128, np.uint8)
    return gaussian_noise(sigma=sigma).apply(grey, Chance(key)).astype(int) - 128


class TestNoise:
    """gaussian_noise."""

    @pytest.mark.parametrize("sigma", [0.005, 0.02, 0.1])
    def test_it_is_normal_with_its_sigma(self, sigma: float) -> None:
        drawn = np.concatenate([noise(key, sigma).ravel() for key in range(20)])
        assert drawn.mean() == pytest.approx(0, abs=5 * 255 * sigma / drawn.size**0.5)
        # Rounding adds the variance of a uniform number, 1/12.
        assert drawn.std() == pytest.approx(((255 * sigma) ** 2 + 1 / 12) ** 0.5, rel=0.01)
        assert stats.skew(drawn) == pytest.approx(0, abs=0.02)
        assert stats.kurtosis(drawn) == pytest.approx(0, abs=0.06)

    def test_every_value_is_a_normal_number_rounded(self) -> None:
        drawn = np.concatenate([noise(key).ravel() for key in range(20)])
        for value in range(-20, 21):
            expected = np.diff(stats.norm.cdf([value - 0.5, value + 0.5], scale=255 * 0.04))[0]
            assert (drawn == value).mean() == pytest.approx(expected, abs=0.002)

    def test_images_pixels_and_channels_have_nothing_to_do_with_one_another(self) -> None:
        first, second = noise(1), noise(2)
        assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.02
        assert abs(np.corrcoef(first[:, 1:].ravel(), first[:, :-1].ravel())[0, 1]) < 0.02
        assert abs(np.corrcoef(first[1:].ravel(), first[:-1].ravel())[0, 1]) < 0.02
        assert abs(np.corrcoef(first[:, :, 0].ravel(), first[:, :, 2].ravel())[0, 1]) < 0.02

    def test_a_pixel_sees_normal_numbers_from_image_to_image(self) -> None:
        drawn = np.array([noise(key, size=4)[1, 2, 0] for key in range(3000)])
        assert drawn.mean() == pytest.approx(0, abs=0.8)
        assert drawn.std() == pytest.approx(255 * 0.04, rel=0.05)
        assert abs(np.corrcoef(drawn[1:], drawn[:-1])[0, 1]) < 0.06

    def test_the_sum_is_clipped(self) -> None:
        white: Photograph = np.full((50, 50, 3), 255, np.uint8)
        noisy = gaussian_noise(sigma=0.5).apply(white, Chance(1))
        assert (noisy == 255).mean() == pytest.approx(0.5, abs=0.02)
        black: Photograph = np.zeros((50, 50, 3), np.uint8)
        assert (gaussian_noise(sigma=0.5).apply(black, Chance(1)) == 0).mean() == pytest.approx(0.5, abs=0.02)
        beyond = gaussian_noise(sigma=1).apply(white // 2, Chance(2))
        assert set(np.unique(beyond)) >= {0, 255}

    def test_the_bank_is_the_same_in_every_process_and_for_every_size(self) -> None:
        above, below = noise_bank(0.02, 1000)
        assert len(above) == len(below) == OFFSETS + 1000
        assert not (above.astype(bool) & below.astype(bool)).any()
        longer = noise_bank(0.02, 3000)
        assert np.array_equal(longer[0][: len(above)], above)
        assert (above[:8] - below[:8].astype(int)).tolist() == [0, -2, 2, -3, -8, -4, 2, 5]


class TestBlur:
    """blur."""

    @pytest.mark.parametrize("sigma", [0.3, 1, 2.5])
    def test_it_is_a_gaussians_mean(self, sigma: float) -> None:
        made = blur(sigma=sigma).apply(PHOTO, Always(1))
        expected = ndimage.gaussian_filter(PHOTO.astype(float), (sigma, sigma, 0), mode="mirror", truncate=3)
        assert np.abs(made - expected).max() < 2.5
        assert np.abs(made - expected).mean() < 0.5

    def test_no_blur_changes_nothing(self) -> None:
        assert np.array_equal(blur(sigma=1).apply(PHOTO, Always(0)), PHOTO)


class TestJpeg:
    """jpeg."""

    @pytest.mark.parametrize("quality", [10, 50, 90])
    def test_it_is_what_a_jpeg_file_holds(self, quality: int) -> None:
        from PIL import Image

        file = io.BytesIO()
        Image.fromarray(PHOTO).save(file, "jpeg", quality=quality)
        expected = np.asarray(Image.open(file)).astype(float)
        made = jpeg(quality=quality).apply(PHOTO, Always(0))
        assert np.abs(made - expected).mean() < 1
        assert np.abs(made.astype(float) - PHOTO).mean() > np.abs(made - expected).mean()

    def test_quality_is_drawn_up_to_100(self) -> None:
        made = [jpeg(quality=20).apply(PHOTO, Always(at)).astype(int) for at in (0, 0.5, 0.999)]
        errors = [np.abs(one - PHOTO).mean() for one in made]
        assert errors == sorted(errors, reverse=True)
        assert np.array_equal(made[2], jpeg(quality=100).apply(PHOTO, Always(0)))

    def test_green_alone(self) -> None:
        green = np.ascontiguousarray(PHOTO[:, :, 1:2])
        assert np.abs(jpeg(quality=95).apply(green, Always(0)).astype(int) - green).mean() < 2


class TestCutout:
    """cutout."""

    def test_one_square_is_black_and_the_rest_as_it_was(self) -> None:
        photo: Photograph = np.full((40, 60, 3), 7, np.uint8)
        holed = cutout(size=0.25).apply(photo, Always(0.5))
        expected = photo.copy()
        expected[15:25, 25:35] = 0
        assert np.array_equal(holed, expected)
        assert photo.all()

    def test_a_part_may_lie_outside(self) -> None:
        photo: Photograph = np.full((40, 60, 3), 7, np.uint8)
        corner = cutout(size=0.5).apply(photo, Always(0))
        assert not corner[:10, :10].any()
        assert (corner == 0).sum() == 10 * 10 * 3

    def test_places_are_drawn_evenly(self) -> None:
        photo: Photograph = np.ones((32, 32, 1), np.uint8)
        covered = np.mean([cutout(size=0.25).apply(photo, Chance(key)) == 0 for key in range(3000)], axis=0)
        assert covered[8:-8, 8:-8] == pytest.approx(64 / 1024, abs=0.02)
        assert covered[0, 0, 0] == pytest.approx(16 / 1024, abs=0.01)

    def test_all_sizes(self) -> None:
        photo: Photograph = np.ones((9, 9, 3), np.uint8)
        assert np.array_equal(cutout(size=0).apply(photo, Chance(1)), photo)
        many = cutout(size=0.1, holes=64).apply(photo, Chance(1))
        assert 20 * 3 < (many == 0).sum() < 64 * 3

"""Prepare steps on painted fundus photographs."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from retdsl.runtime.decode import Photograph, decode
from retdsl.runtime.prepare import crop_circle, mask_circle, pad, resize

FUNDUS = Path(__file__).resolve().parents[3] / "shared" / "fundus"


def fundus(height: int, width: int, centre: tuple[float, float], radius: float, noise: float = 3.0) -> Photograph:
    """A disc on noisy black, a little darker towards its edge."""
    y, x = np.mgrid[0:height, 0:width]
    distance = np.hypot(x - centre[0], y - centre[1]) / radius
    disc = np.where(distance < 1, 1 - 0.4 * distance**2, 0)[:, :, None] * (200, 110, 60)
    disc += np.abs(np.random.default_rng(0).normal(0, noise, (height, width, 1)))
    return np.clip(disc, 0, 255).astype(np.uint8)


def disc_box(photo: Photograph) -> tuple[int, int, int, int]:
    rows = np.flatnonzero((photo[:, :, 0] > 60).any(axis=1))
    columns = np.flatnonzero((photo[:, :, 0] > 60).any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])


class TestCropCircle:
    """crop_circle."""

    def test_the_whole_disc_fills_the_square(self) -> None:
        cropped = crop_circle()(fundus(600, 900, (500, 290), 250))
        assert cropped.shape[0] == cropped.shape[1]
        assert cropped.shape[0] == pytest.approx(500, abs=10)
        x0, y0, x1, y1 = disc_box(cropped)
        assert max(x0, y0) <= 8
        assert min(x1, y1) >= cropped.shape[0] - 9

    def test_a_field_cut_at_top_and_bottom_is_not_stretched(self) -> None:
        cropped = crop_circle()(fundus(400, 900, (450, 200), 300))
        assert cropped.shape[0] == cropped.shape[1] == pytest.approx(600, abs=12)
        x0, y0, x1, y1 = disc_box(cropped)
        assert x1 - x0 == pytest.approx(600, abs=12)
        assert y1 - y0 == pytest.approx(400, abs=12)
        assert y0 == pytest.approx(100, abs=8)
        assert not cropped[:80].any()

    def test_a_field_without_surround_stays_whole(self) -> None:
        photo = np.full((200, 200, 3), 120, np.uint8)
        assert np.array_equal(crop_circle()(photo), photo)

    def test_labels_and_dust_do_not_widen_the_field(self) -> None:
        photo = fundus(600, 900, (450, 300), 250)
        cv2.putText(photo, "OD 1977", (5, 40), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (255, 255, 255), 2)
        photo[np.random.default_rng(1).integers(0, 600, 60), np.random.default_rng(2).integers(0, 900, 60)] = 255
        assert crop_circle()(photo).shape[0] == pytest.approx(500, abs=12)

    @pytest.mark.parametrize("shape", [(1, 1, 3), (5, 3, 3), (40, 60, 3), (300, 500, 3)])
    def test_a_black_picture_stays_as_it_is(self, shape: tuple[int, int, int]) -> None:
        black = np.zeros(shape, np.uint8)
        assert crop_circle()(black) is black

    def test_a_speck_is_no_field(self) -> None:
        photo = np.zeros((300, 400, 3), np.uint8)
        photo[100:120, 100:130] = 200
        assert crop_circle()(photo) is photo

    def test_the_threshold_decides_what_is_black(self) -> None:
        photo = fundus(300, 400, (200, 150), 100)
        photo[:, :200] = np.maximum(photo[:, :200], 30)
        assert crop_circle(threshold=0.2)(photo).shape[0] < 210 < crop_circle(threshold=0.05)(photo).shape[0]

    def test_the_photograph_is_not_written_to(self) -> None:
        photo = fundus(300, 400, (200, 150), 100)
        photo.setflags(write=False)
        crop_circle()(photo)

    def test_real_photographs_keep_their_retina(self) -> None:
        paths = sorted(FUNDUS.glob("images/*.jpeg"))[::40]
        if not paths:
            pytest.skip(f"the photographs are not at {FUNDUS}")
        for path in paths:
            photo = decode(path.read_bytes())
            cropped = crop_circle()(photo)
            assert cropped.shape[0] == cropped.shape[1]
            assert cropped.shape[0] >= 0.85 * photo.shape[1], path.name
            assert cropped.astype(int).sum() > 0.98 * photo[photo.max(axis=2) > 20].sum(), path.name


class TestMaskCircle:
    """mask_circle."""

    PHOTO = fundus(300, 400, (220, 150), 100)

    def test_what_is_beyond_is_black_and_the_rest_as_it_was(self) -> None:
        masked = mask_circle(radius=0.6)(self.PHOTO)
        y, x = np.mgrid[:300, :400]
        distance = np.hypot(x - 220, y - 150)
        assert not masked[distance > 63].any()
        assert np.array_equal(masked[distance < 57], self.PHOTO[distance < 57])

    @pytest.mark.parametrize("radius", [0.1, 0.5, 0.8, 1.0])
    def test_inside_and_outside_together_are_the_photograph(self, radius: float) -> None:
        inside, outside = (mask_circle(radius, keep)(self.PHOTO) for keep in ("inside", "outside"))
        assert not (inside & outside).any()
        assert np.array_equal(inside | outside, self.PHOTO)

    def test_the_circle_is_that_of_the_field_before_it_was_cut(self) -> None:
        whole, cut = fundus(300, 300, (150, 150), 120), fundus(300, 300, (150, 150), 120)
        cut[:60] = cut[240:] = 0
        masked = mask_circle(radius=0.5)(cut)
        difference = (masked != mask_circle(radius=0.5)(whole)).any(axis=2)
        assert difference.mean() < 0.01

    def test_without_a_field_the_inscribed_disc_counts(self) -> None:
        dark = np.full((100, 100, 3), 5, np.uint8)
        lit = mask_circle(radius=1.0)(dark).any(axis=2)
        assert lit.mean() == pytest.approx(np.pi / 4, abs=0.02)

    def test_the_photograph_itself_stays(self) -> None:
        before = self.PHOTO.copy()
        mask_circle()(self.PHOTO)
        assert np.array_equal(before, self.PHOTO)


class TestResize:
    """resize."""

    def test_size(self) -> None:
        assert resize(height=30, width=50)(fundus(100, 100, (50, 50), 40)).shape == (30, 50, 3)
        assert resize(height=300, width=150)(fundus(100, 100, (50, 50), 40)).shape == (300, 150, 3)

    def test_shrinking_averages(self) -> None:
        stripes = np.zeros((64, 64, 3), np.uint8)
        stripes[:, ::2] = 200
        assert (resize(16, 16)(stripes) == 100).all()

    def test_the_right_size_is_left_alone(self) -> None:
        photo = fundus(30, 50, (20, 20), 10)
        assert resize(30, 50)(photo) is photo


class TestPad:
    """pad."""

    PHOTO = np.random.default_rng(0).integers(1, 256, (5, 8, 3), dtype=np.uint8)

    def test_to_a_square_with_the_photograph_in_the_middle(self) -> None:
        square = pad()(self.PHOTO)
        assert square.shape == (8, 8, 3)
        assert np.array_equal(square[1:6], self.PHOTO)
        assert not square[0].any()
        assert not square[6:].any()
        upright = np.ascontiguousarray(self.PHOTO.transpose(1, 0, 2))
        assert np.array_equal(pad()(upright), square.transpose(1, 0, 2))

    def test_to_a_size(self) -> None:
        padded = pad(9, 12)(self.PHOTO)
        assert padded.shape == (9, 12, 3)
        assert np.array_equal(padded[2:7, 2:10], self.PHOTO)
        assert padded.astype(int).sum() == self.PHOTO.astype(int).sum()

    def test_the_edge_drawn_out(self) -> None:
        padded = pad(fill="edge")(self.PHOTO)
        assert (padded[0] == self.PHOTO[0]).all()
        assert (padded[6:] == self.PHOTO[-1]).all()

    def test_what_fits_stays_as_it_is(self) -> None:
        assert pad(5, 8)(self.PHOTO) is self.PHOTO
        assert pad(4, 8)(self.PHOTO) is self.PHOTO
        assert pad()(self.PHOTO[:, :5]).shape == (5, 5, 3)

    def test_one_channel(self) -> None:
        assert pad()(self.PHOTO[:, :, :1]).shape == (8, 8, 1)
        assert resize(3, 4)(self.PHOTO[:, :, :1]).shape == (3, 4, 1)
        assert crop_circle()(np.ascontiguousarray(fundus(60, 90, (50, 29), 25)[:, :, :1])).shape[2] == 1

    def test_a_square_is_free_of_scale_and_a_size_is_not(self) -> None:
        assert pad().scale_free
        assert not pad(9, 12).scale_free
        assert crop_circle().scale_free
        assert resize(3, 4).scale_free

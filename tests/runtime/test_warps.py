"""Steps that move pixels, against NumPy's slices and scipy's interpolation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage
from skimage import data

from retdsl.runtime.decode import Photograph
from retdsl.runtime.randomness import Chance
from retdsl.runtime.warps import Warp, flip_horizontal, flip_vertical, rotate, rotate180, translate, warped, zoom

IMAGE: Photograph = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)
SMOOTH: Photograph = np.ascontiguousarray(data.astronaut()[40:160, 100:260])
"""A photograph of 120 x 160: between neighbours there is little to choose."""


class Always:
    """Chance that always gives the same share of a range."""

    def __init__(self, share: float) -> None:
        self.share = share

    def random(self) -> float:
        return self.share

    def uniform(self, low: float, high: float) -> float:
        return low + (high - low) * self.share

    def integers(self, count: int) -> int:
        return int(count * self.share)


def by_scipy(photo: Photograph, matrix: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The same warp: for every pixel that comes out, where it is read; scipy counts (y, x) and has black around."""
    back = np.linalg.inv(matrix)
    swapped = back[[1, 0]][:, [1, 0]]
    planes = [
        ndimage.affine_transform(photo[:, :, c].astype(float), swapped, back[[1, 0], 2], order=1, mode="grid-constant")
        for c in range(3)
    ]
    return np.stack(planes, axis=2)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (rotate180(p=1), IMAGE[::-1, ::-1]),
        (flip_horizontal(p=1), IMAGE[:, ::-1]),
        (flip_vertical(p=1), IMAGE[::-1]),
        (rotate(degrees=0), IMAGE),
        (zoom(amount=0), IMAGE),
        (translate(amount=0), IMAGE),
    ],
)
def test_turns_and_mirrors_move_whole_pixels(step: Warp, expected: Photograph) -> None:
    assert np.array_equal(step.apply(IMAGE, Chance(1)), expected)


def test_mirrors_one_after_the_other_are_mirrors() -> None:
    matrix = np.eye(3)
    expected = IMAGE
    for step, slices in [
        (flip_horizontal(), np.s_[:, ::-1]),
        (flip_vertical(), np.s_[::-1]),
        (rotate180(), np.s_[::-1, ::-1]),
        (flip_vertical(), np.s_[::-1]),
    ]:
        matrix = step.matrix(6, 9, Chance(1)) @ matrix
        expected = expected[slices]
        assert np.array_equal(warped(IMAGE, matrix), expected)


@pytest.mark.parametrize(
    ("step", "share"),
    [
        (rotate(degrees=30), 1),
        (rotate(degrees=180), 0.25),
        (rotate(degrees=12.3), 0),
        (zoom(amount=0.3), 1),
        (zoom(amount=0.3), 0),
        (translate(amount=0.1), 1),
        (translate(amount=0.07), 0.1),
    ],
)
def test_what_lies_between_pixels_is_interpolated_and_outside_is_black(step: Warp, share: float) -> None:
    made = step.apply(SMOOTH, Always(share))
    expected = by_scipy(SMOOTH, step.matrix(120, 160, Always(share)))
    difference = np.abs(made - expected)
    # OpenCV reads at 32nds of a pixel, which is most beside the sharpest edges.
    assert difference.mean() < 0.5
    assert np.quantile(difference, 0.999) < 12


def test_a_quarter_turn_turns_a_square_exactly() -> None:
    square = IMAGE[:, :6]
    turned = rotate(degrees=90).apply(np.ascontiguousarray(square), Always(1))
    assert np.array_equal(turned, np.rot90(square, -1))  # a positive angle is clockwise, as y counts downwards


def test_whole_pixels_are_shifted_as_they_are() -> None:
    shifted = translate(amount=1 / 3).apply(IMAGE, Always(1))
    assert np.array_equal(shifted[2:, 3:], IMAGE[:-2, :-3])
    assert not shifted[:2].any()
    assert not shifted[:, :3].any()


def test_zoom_is_symmetrical_and_about_the_centre() -> None:
    matrices = [zoom(amount=0.25).matrix(101, 201, Always(share)) for share in (0, 0.5, 1)]
    assert [matrix[0, 0] for matrix in matrices] == pytest.approx([0.8, 1, 1.25])
    for matrix in matrices:
        np.testing.assert_allclose(matrix @ (100, 50, 1), (100, 50, 1))
    np.testing.assert_allclose(matrices[0] @ matrices[2], np.eye(3), atol=1e-12)


@pytest.mark.parametrize(
    ("step", "at", "low", "high"),
    [
        (translate(amount=0.1), (0, 2), -20, 20),
        (translate(amount=0.1), (1, 2), -10, 10),
        (zoom(amount=0.5), (0, 0), 2 / 3, 1.5),
        (rotate(degrees=30), (1, 0), -0.5, 0.5),
    ],
)
def test_amounts_fill_their_range(step: Warp, at: tuple[int, int], low: float, high: float) -> None:
    drawn = [step.matrix(100, 200, Chance(number))[at] for number in range(2000)]
    assert low <= min(drawn) < low + (high - low) / 100
    assert high >= max(drawn) > high - (high - low) / 100
    below = sum(one < (1 if isinstance(step, zoom) else 0) for one in drawn)
    assert below / 2000 == pytest.approx(0.5, abs=0.05)

"""Augmentation steps, and what their random numbers depend on."""

from __future__ import annotations

import numpy as np
import pytest

from retdsl.runtime.augment import Augmentation, augment, flip_horizontal, flip_vertical, gaussian_noise, rotate180
from retdsl.runtime.network_input import FloatImage
from retdsl.runtime.randomness import generator

IMAGE = np.random.default_rng(0).random((6, 8, 3), dtype=np.float32)


def seen(*steps: Augmentation, seed: int = 1, epoch: int = 2, name: str = "a.jpeg", occurrence: int = 0) -> FloatImage:
    return augment(IMAGE.copy(), steps, seed=seed, epoch=epoch, name=name, occurrence=occurrence)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (rotate180(p=1), IMAGE[::-1, ::-1]),
        (flip_horizontal(p=1), IMAGE[:, ::-1]),
        (flip_vertical(p=1), IMAGE[::-1]),
    ],
)
def test_turns_and_mirrors(step: Augmentation, expected: FloatImage) -> None:
    assert np.array_equal(seen(step), expected)


def test_noise_has_its_sigma_and_stays_within_bounds() -> None:
    grey = np.full((200, 200, 3), 0.5, np.float32)
    noisy = gaussian_noise(sigma=0.1).apply(grey.copy(), generator(1))
    assert noisy.dtype == np.float32
    assert noisy.mean() == pytest.approx(0.5, abs=0.002)
    assert noisy.std() == pytest.approx(0.1, abs=0.002)
    white = gaussian_noise(sigma=0.5).apply(np.ones_like(grey), generator(1))
    assert white.max() == 1
    assert 0 <= white.min() < 0.1


def test_p_is_how_often_a_step_acts() -> None:
    acted = sum(not np.array_equal(seen(rotate180(p=0.3), name=str(number)), IMAGE) for number in range(2000))
    assert acted == pytest.approx(600, abs=70)
    assert np.array_equal(seen(rotate180(p=0), gaussian_noise(p=0)), IMAGE)


def test_the_same_key_gives_the_same_pixels() -> None:
    steps = (gaussian_noise(), rotate180())
    assert np.array_equal(seen(*steps), seen(*steps))


@pytest.mark.parametrize("other", [{"seed": 9}, {"epoch": 3}, {"name": "b.jpeg"}, {"occurrence": 1}])
def test_every_part_of_the_key_gives_other_pixels(other: dict[str, int]) -> None:
    assert not np.array_equal(seen(gaussian_noise()), seen(gaussian_noise(), **other))  # type: ignore[arg-type]


def test_two_equal_steps_draw_different_numbers() -> None:
    once, twice = seen(gaussian_noise(0.01)) - IMAGE, seen(gaussian_noise(0.01), gaussian_noise(0.01)) - IMAGE
    assert not np.allclose(2 * once, twice, atol=1e-3)

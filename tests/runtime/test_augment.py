"""Chains of augmentation: what acts on what, how often, and what their random numbers depend on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retdsl.runtime.augment import Augmenter
from retdsl.runtime.augmentation import Augmentation, one_of
from retdsl.runtime.colours import brightness, contrast, hue, saturation
from retdsl.runtime.decode import Photograph
from retdsl.runtime.defects import blur, cutout, gaussian_noise, jpeg
from retdsl.runtime.mixing import mixup
from retdsl.runtime.randomness import Chance
from retdsl.runtime.warps import flip_horizontal, flip_vertical, rotate, rotate180, translate, zoom

CLASSES = ("healthy", "infected")
IMAGE: Photograph = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)
IMAGE.setflags(write=False)

STEPS: tuple[Augmentation, ...] = (
    gaussian_noise(sigma=0.1),
    rotate180(),
    flip_horizontal(),
    flip_vertical(),
    rotate(degrees=30),
    zoom(amount=0.3),
    translate(amount=0.2),
    brightness(),
    contrast(),
    saturation(),
    hue(degrees=40),
    blur(sigma=2),
    jpeg(quality=20),
    cutout(size=0.4, holes=2),
    one_of([blur(), jpeg(), rotate180()], weights=(1, 2, 3), p=0.7, on=("infected",)),
)


def seen(*steps: Augmentation, photo: Photograph = IMAGE, seed: int = 1, **turn: Any) -> Photograph:
    turn = {"epoch": 2, "name": "a.jpeg", "label": 1, "occurrence": 0, **turn}
    return Augmenter(steps, CLASSES, seed)(photo, **turn)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
@pytest.mark.parametrize("shape", [(12, 16, 3), (12, 16, 1), (1, 1, 3), (1, 1, 1), (5, 2, 3)])
def test_every_step_keeps_size_channels_and_bytes(step: Augmentation, shape: tuple[int, ...]) -> None:
    photo = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    photo.setflags(write=False)
    for occurrence in range(5):
        made = seen(step, photo=photo, occurrence=occurrence)
        assert made.shape == shape
        assert made.dtype == np.uint8
        assert made.flags.c_contiguous


def test_p_is_how_often_a_step_acts() -> None:
    acted = sum(not np.array_equal(seen(rotate180(p=0.3), name=str(number)), IMAGE) for number in range(2000))
    assert acted == pytest.approx(600, abs=70)
    assert np.array_equal(seen(rotate180(p=0), gaussian_noise(p=0)), IMAGE)


def test_on_names_the_classes_that_a_step_acts_on() -> None:
    step = rotate180(p=1, on=("infected",))
    assert np.array_equal(seen(step, label=1), IMAGE[::-1, ::-1])
    assert np.array_equal(seen(step, label=0), IMAGE)
    both = rotate180(p=1, on=CLASSES)
    assert np.array_equal(seen(both, label=0), seen(both, label=1))


def test_the_steps_of_a_chain_act_one_after_the_other() -> None:
    chain = seen(rotate180(p=1), cutout(size=1, holes=1), flip_vertical(p=1))
    assert np.array_equal(chain[::-1], seen(rotate180(p=1), cutout(size=1, holes=1)))
    assert np.array_equal(seen(rotate180(p=1), mixup()), IMAGE[::-1, ::-1])  # which is left to the batch


def what(step: one_of, number: int, label: int = 1) -> str:
    """Which of the three things that can be told apart was done to an image."""
    made = seen(step, name=str(number), label=label)
    ways = {"rotated": IMAGE[::-1, ::-1], "left": IMAGE[:, ::-1], "none": IMAGE}
    return next(name for name, expected in ways.items() if np.array_equal(made, expected))


def test_one_of_does_one_step_in_the_shares_of_its_weights() -> None:
    step = one_of([rotate180(p=1), flip_horizontal(p=1)], weights=(3, 1), p=0.8)
    done = [what(step, number) for number in range(2000)]
    shares = [done.count(name) / 2000 for name in ("rotated", "left", "none")]
    assert shares == pytest.approx([0.6, 0.2, 0.2], abs=0.04)
    alike = [what(one_of([rotate180(p=1), flip_horizontal(p=1)]), number) for number in range(2000)]
    assert alike.count("rotated") / 2000 == pytest.approx(0.5, abs=0.04)


def test_what_one_of_draws_acts_by_its_own_p_and_on() -> None:
    step = one_of([rotate180(p=0.5), flip_horizontal(p=1, on=("healthy",))])
    done = [what(step, number) for number in range(1000)]
    assert "left" not in done
    assert done.count("rotated") / 1000 == pytest.approx(0.25, abs=0.05)
    assert "left" in [what(step, number, label=0) for number in range(20)]
    nested = one_of([one_of([rotate180(p=1), flip_horizontal(p=1)]), rotate180(p=0)])
    done = [what(nested, number) for number in range(1000)]
    assert done.count("none") / 1000 == pytest.approx(0.5, abs=0.05)


def test_moves_are_read_between_pixels_once() -> None:
    """There and back again nothing is lost, as it would be if each step read between pixels."""
    there = np.array([[1, 0, 0.5], [0, 1, 0.25], [0, 0, 1]])

    class Moved(translate):
        def matrix(self, height: int, width: int, random: object) -> Any:  # noqa: ARG002
            return there if self.amount > 0 else np.linalg.inv(there)

    assert np.array_equal(seen(Moved(amount=0.1), Moved(amount=0.0)), IMAGE)
    assert not np.array_equal(seen(Moved(amount=0.1), brightness(amount=0), Moved(amount=0.0)), IMAGE)


def test_the_same_key_gives_the_same_pixels() -> None:
    assert np.array_equal(seen(*STEPS), seen(*STEPS))


@pytest.mark.parametrize("other", [{"seed": 9}, {"epoch": 3}, {"name": "b.jpeg"}, {"occurrence": 1}])
def test_every_part_of_the_key_gives_other_pixels(other: dict[str, Any]) -> None:
    assert not np.array_equal(seen(gaussian_noise()), seen(gaussian_noise(), **other))


def test_two_equal_steps_draw_different_numbers() -> None:
    grey: Photograph = np.full((50, 50, 3), 128, np.uint8)
    once = seen(gaussian_noise(0.05), photo=grey).astype(int) - grey
    twice = seen(gaussian_noise(0.05), gaussian_noise(0.05), photo=grey).astype(int) - grey
    assert twice.std() / once.std() == pytest.approx(2**0.5, abs=0.05)


@settings(max_examples=30, deadline=None)
@given(
    chain=st.lists(st.sampled_from(STEPS), max_size=5),
    turns=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), min_size=1, max_size=20),
    threads=st.integers(1, 8),
    random=st.randoms(use_true_random=False),
)
def test_any_threads_in_any_order_make_the_same_images(
    chain: list[Augmentation], turns: list[tuple[int, int]], threads: int, random: Any
) -> None:
    augmenter = Augmenter(chain, CLASSES, 7)

    def made(turn: tuple[int, int]) -> bytes:
        image, occurrence = turn
        return augmenter(IMAGE, epoch=1, name=str(image), label=image % 2, occurrence=occurrence).tobytes()

    alone = {turn: made(turn) for turn in turns}
    shuffled = random.sample(turns, len(turns))
    with ThreadPoolExecutor(threads) as pool:
        assert list(pool.map(made, shuffled)) == [alone[turn] for turn in shuffled]


class TestChance:
    """Chance."""

    def test_numbers_are_uniform_and_uncorrelated(self) -> None:
        chance = Chance("x", 1)
        numbers = np.array([chance.random() for _ in range(20_000)])
        assert numbers.min() >= 0
        assert numbers.max() < 1
        counts = np.histogram(numbers, 20, (0, 1))[0]
        assert ((counts - 1000) ** 2 / 1000).sum() < 44  # chi square of 19 degrees, one in a thousand
        assert abs(np.corrcoef(numbers[:-1], numbers[1:])[0, 1]) < 0.03

    def test_first_numbers_of_near_keys_have_nothing_to_do_with_one_another(self) -> None:
        firsts = np.array([Chance("x", key).random() for key in range(5000)])
        assert firsts.mean() == pytest.approx(0.5, abs=0.02)
        assert abs(np.corrcoef(firsts[:-1], firsts[1:])[0, 1]) < 0.05

    def test_keys_are_told_apart(self) -> None:
        keys: list[tuple[int | str, ...]] = [(1, 2), (12,), ("1", 2), ("1, 2",), (1, "2"), (), ("",), (0,), (-1,)]
        streams = {tuple(Chance(*key).random() for _ in range(3)) for key in keys}
        assert len(streams) == len(keys)
        assert Chance(np.int64(3)).random() == Chance(3).random()

    def test_ranges(self) -> None:
        chance = Chance("ranges")
        assert {chance.integers(3) for _ in range(100)} == {0, 1, 2}
        numbers = [chance.uniform(-2, 3) for _ in range(1000)]
        assert -2 <= min(numbers) < -1.9
        assert 2.9 < max(numbers) < 3

    def test_it_is_the_same_everywhere(self) -> None:
        chance = Chance("augment", 7, 1, "images/0001_left.jpeg", 0, 2)
        assert [chance.random(), chance.random()] == [0.49962176824100546, 0.32750890027876767]

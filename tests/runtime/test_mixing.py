"""mixup and cutmix: images and targets agree, and hang on nothing but their keys and their batch."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from retdsl.runtime.mixing import Mixer, Mixing, cutmix, mixup
from retdsl.runtime.randomness import generator

CLASSES = ("healthy", "infected", "doubtful")
Floats = npt.NDArray[np.float32]


def batch(count: int, size: int = 8) -> tuple[Floats, Floats, list[tuple[str, int]]]:
    """Images whose every pixel is their number, their labels, their turns."""
    images = np.broadcast_to(np.arange(count, dtype=np.float32)[:, None, None, None], (count, 3, size, size)).copy()
    return images, (np.arange(count) % 3).astype(np.float32), [(f"{k}.png", 0) for k in range(count)]


def mixed(*steps: Mixing, count: int = 12, size: int = 8, seed: int = 1, epoch: int = 1) -> tuple[Floats, Floats]:
    images, labels, turns = batch(count, size)
    return images, Mixer(steps, CLASSES, seed)(images, labels, turns, epoch)


def shares_of(image: Floats, count: int) -> Floats:
    """How much of each image of the batch is in one whose pixels are all from images of one number."""
    numbers, pixels = np.unique(image, return_counts=True)
    found = np.zeros(count)
    found[numbers.astype(int)] = pixels / image.size
    return found.astype(np.float32)


def test_a_chain_without_mixing_has_nothing_to_do() -> None:
    assert not Mixer((), CLASSES, 1)
    assert Mixer((mixup(),), CLASSES, 1)


def test_mixup_is_the_same_share_of_both_images_and_both_targets() -> None:
    count = 12
    images = (
        np.eye(count, dtype=np.float32)[:, None, None, :].repeat(3, axis=1).copy()
    )  # each lights a pixel of its own
    _, labels, turns = batch(count)
    targets = Mixer((mixup(alpha=1),), CLASSES, 1)(images, labels, turns, 1)
    of = images[:, 0, 0]  # how much of each image is in each
    assert ((of > 0).sum(axis=1) == 2).all()
    np.testing.assert_allclose(of.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(targets, of @ np.eye(3)[labels.astype(int)], atol=1e-6)
    assert targets.dtype == np.float32
    assert len(np.unique(of.diagonal())) == count  # a share for each image
    assert len({int(row.argmax()) for row in of - np.diag(of.diagonal())}) > count / 3  # partners of all sorts


def test_cutmix_pastes_one_rectangle_in_place_and_counts_its_pixels() -> None:
    count, size = 12, 16
    images, targets = mixed(cutmix(), count=count, size=size)
    labels = batch(count)[1]
    for at, (image, target) in enumerate(zip(images, targets, strict=True)):
        share = shares_of(image, count)
        np.testing.assert_allclose(target, share @ np.eye(3)[labels.astype(int)], atol=1e-6)
        foreign = image[0] != at
        assert (image == image[0]).all()  # the same in all channels
        rows, columns = foreign.any(axis=1), foreign.any(axis=0)
        assert foreign.sum() == rows.sum() * columns.sum()
        assert len(np.unique(image[0][foreign])) <= 1


def test_shares_are_drawn_from_beta() -> None:
    image, partner = np.ones((1, 4, 4), np.float32), np.zeros((1, 4, 4), np.float32)
    for alpha in (0.2, 1, 4):
        shares = [mixup(alpha=alpha).mix(image.copy(), partner, generator("t", k)) for k in range(1500)]
        assert stats.kstest(shares, stats.beta(alpha, alpha).cdf).pvalue > 0.001
    large = np.ones((1, 200, 200), np.float32)
    shares = [cutmix(alpha=1).mix(large.copy(), np.zeros_like(large), generator("t", k)) for k in range(300)]
    assert np.mean(shares) == pytest.approx(1 - mean_area_pasted(), abs=0.05)


def mean_area_pasted() -> float:
    """Of rectangles whose area is even from 0 to 1, without what lies outside the image: by simulation."""
    random = np.random.default_rng(0)
    side = np.sqrt(1 - random.random(100_000))
    inside = 1.0
    for centre in random.random((2, 100_000)):
        inside = inside * (np.minimum(centre + side / 2, 1) - np.maximum(centre - side / 2, 0))
    return float(inside.mean())


def test_on_names_the_classes_that_are_mixed() -> None:
    images, targets = mixed(mixup(alpha=1, on=("infected",)))
    originals, labels, _ = batch(12)
    others = labels != 1
    assert np.array_equal(images[others], originals[others])
    assert np.array_equal(targets[others], np.eye(3, dtype=np.float32)[labels[others].astype(int)])
    assert (images[~others] != originals[~others]).any(axis=(1, 2, 3)).all()
    assert (targets[~others][:, 1] > 0).all()
    assert targets[~others][:, [0, 2]].sum() > 0  # partners are of any class


def test_p_is_how_often() -> None:
    images, _ = mixed(mixup(alpha=1, p=0.3), count=1000, size=2)
    assert (images != batch(1000, 2)[0]).any(axis=(1, 2, 3)).mean() == pytest.approx(0.3, abs=0.05)


def test_an_image_alone_stays_as_it_is() -> None:
    images, targets = mixed(mixup(), cutmix(), count=1)
    assert not images.any()
    assert targets.tolist() == [[1, 0, 0]]


def test_targets_that_are_soft_already_are_mixed() -> None:
    images, _, turns = batch(6)
    soft = np.random.default_rng(0).dirichlet((1, 1, 1), 6).astype(np.float32)
    given = soft.copy()
    targets = Mixer((mixup(alpha=1),), CLASSES, 1)(images, soft, turns, 1)
    np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-6)
    assert np.array_equal(soft, given)
    assert not np.allclose(targets, given)


def test_one_step_after_the_other_mixes_what_the_one_before_made() -> None:
    images, targets = mixed(cutmix(), cutmix(), count=30, size=16)
    labels = batch(30)[1]
    for image, target in zip(images, targets, strict=True):
        np.testing.assert_allclose(target.sum(), 1, atol=1e-5)
        assert set(np.flatnonzero(shares_of(image, 30) @ np.eye(3)[labels.astype(int)])) <= set(np.flatnonzero(target))
    assert max(len(np.unique(image)) for image in images) > 2


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 9), st.integers(0, 3), st.integers(1, 4))
def test_the_same_keys_and_batch_give_the_same(count: int, seed: int, epoch: int) -> None:
    steps = (mixup(alpha=1, p=0.7), cutmix(p=0.5, on=("healthy",)))
    first, second = (mixed(*steps, count=count, seed=seed, epoch=epoch) for _ in range(2))
    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])
    np.testing.assert_allclose(first[1].sum(axis=1), 1, atol=1e-5)


def test_every_part_of_the_key_matters() -> None:
    first = mixed(mixup(alpha=1))[0]
    assert not np.array_equal(first, mixed(mixup(alpha=1), seed=2)[0])
    assert not np.array_equal(first, mixed(mixup(alpha=1), epoch=2)[0])

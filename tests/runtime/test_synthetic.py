"""Painted photographs: how many of each class, whose eyes, and what can be seen on them."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from retdsl.runtime.errors import RunError
from retdsl.runtime.fundus_anatomy import draw_distractors, draw_lesions, draw_patient, grow_vessels
from retdsl.runtime.sample import Sample
from retdsl.runtime.sources import Wanted
from retdsl.runtime.synthetic import synthetic_fundus

ROOT = Path("nowhere")
CLASSES = ("healthy", "infected")
DISC = np.array([0.64, -0.06])


def counts(source: synthetic_fundus) -> tuple[int, int]:
    labels = [sample.label for sample in source.samples(ROOT, Wanted(CLASSES))]
    return labels.count(0), labels.count(1)


def photograph(index: int, label: int = 0, *, seed: int = 0, size: int = 128) -> NDArray[np.uint8]:
    source = synthetic_fundus(n=12, seed=seed, size=size)
    return source.read(ROOT, Sample(f"synthetic/{index:05d}", label, "anybody"))


# ---- the collection


@pytest.mark.parametrize(
    ("n", "ratio", "expected"),
    [
        (203, (200, 3), (200, 3)),
        (600, (200, 3), (591, 9)),
        (2030, (200, 3), (2000, 30)),
        (64, (1, 1), (32, 32)),
        (65, (1, 1), (32, 33)),
        (100, (1, 2), (33, 67)),
        (60, (200, 3), (57, 3)),  # one would do for the ratio, but a split needs three patients
        (12, (1, 99), (6, 6)),
    ],
)
def test_classes_are_in_the_ratio(n: int, ratio: tuple[int, int], expected: tuple[int, int]) -> None:
    assert counts(synthetic_fundus(n, ratio=ratio)) == expected


@given(n=st.integers(12, 400), healthy=st.integers(1, 300), infected=st.integers(1, 300), seed=st.integers(0, 9))
def test_every_class_has_three_patients(n: int, healthy: int, infected: int, seed: int) -> None:
    samples = synthetic_fundus(n, ratio=(healthy, infected), seed=seed).samples(ROOT, Wanted(CLASSES))
    eyes = defaultdict(list)
    for sample in samples:
        eyes[sample.patient].append(sample.label)
    assert sum(max(labels) for labels in eyes.values()) >= 3
    assert sum(1 - max(labels) for labels in eyes.values()) >= 3
    wanted = n * infected / (healthy + infected)
    found = sum(sample.label for sample in samples)
    assert abs(found - wanted) <= 0.5 or found in (3, n - 6)


def test_patients_have_two_eyes_and_one_or_both_infected() -> None:
    samples = synthetic_fundus(2000, ratio=(3, 1)).samples(ROOT, Wanted(CLASSES))
    assert [sample.image for sample in samples[:2]] == ["synthetic/00000", "synthetic/00001"]
    assert len({sample.image for sample in samples}) == 2000
    eyes = defaultdict(list)
    for sample in samples:
        eyes[sample.patient].append(sample.label)
    assert {len(labels) for labels in eyes.values()} == {2}
    kinds = [tuple(labels) for labels in eyes.values()]
    one, both = kinds.count((1, 0)) + kinds.count((0, 1)), kinds.count((1, 1))
    assert both / (one + both) == pytest.approx(0.6, abs=0.01)
    assert kinds.count((1, 0)) == pytest.approx(one / 2, abs=0.15 * one)


def test_another_seed_infects_other_eyes() -> None:
    assert synthetic_fundus(100, ratio=(3, 1)).samples(ROOT, Wanted(CLASSES)) != synthetic_fundus(
        100, ratio=(3, 1), seed=1
    ).samples(ROOT, Wanted(CLASSES))


@pytest.mark.parametrize("classes", [(), ("healthy",), ("none", "mild", "severe")])
def test_other_than_two_classes_are_refused(classes: tuple[str, ...]) -> None:
    with pytest.raises(RunError, match=f"two classes, not {len(classes)}") as caught:
        synthetic_fundus(100).samples(ROOT, Wanted(classes))
    assert "classes = [healthy, infected]" in str(caught.value)


def test_all_senseless_options_are_told_at_once() -> None:
    with pytest.raises(RunError) as caught:
        synthetic_fundus(11, ratio=(200, 0), size=8).samples(ROOT, Wanted(CLASSES))
    text = str(caught.value)
    assert "n = 11" in text
    assert "200 : 0" in text
    assert "size = 8" in text
    assert "help: synthetic_fundus(n = 600" in text


def test_a_foreign_name_is_refused() -> None:
    with pytest.raises(RunError, match=r"images/1\.jpeg"):
        synthetic_fundus(12).read(ROOT, Sample("images/1.jpeg", 0, "1"))


# ---- a photograph


def test_a_photograph_depends_on_seed_and_index_alone() -> None:
    few, many = synthetic_fundus(12, size=96), synthetic_fundus(900, ratio=(1, 1), size=96)
    names = [Sample(f"synthetic/{k:05d}", k % 3 == 0, "anybody") for k in range(6)]
    forward = [few.read(ROOT, name) for name in names]
    backward = [many.read(ROOT, name) for name in reversed(names)][::-1]
    for one, other in zip(forward, backward, strict=True):
        np.testing.assert_array_equal(one, other)
    assert len({picture.tobytes() for picture in forward}) == 6
    assert not np.array_equal(photograph(3), photograph(3, seed=1))


@pytest.mark.parametrize("size", [64, 101, 256])
def test_a_round_field_on_a_black_surround(size: int) -> None:
    corner = size // 16
    for index in range(20):
        picture = photograph(index, index % 2, size=size)
        assert picture.dtype == np.uint8
        assert picture.shape == (size, size, 3)
        for part in (picture[:corner, :corner], picture[:corner, -corner:], picture[-corner:, :corner]):
            assert part.mean() < 3
        assert picture.any(axis=-1).mean() > 0.6


def test_the_retina_is_red() -> None:
    red, green, blue = np.mean([photograph(index).mean(axis=(0, 1)) for index in range(40)], axis=0)
    assert red > 1.3 * green > 1.3 * blue


def test_the_disc_lies_to_the_nose() -> None:
    right, left = (np.mean([photograph(i) for i in range(first, 80, 2)], axis=0)[..., 1] for first in (0, 1))
    for mean_eye, side in ((right, 1), (left, -1)):
        _, column = np.unravel_index(cv2.GaussianBlur(mean_eye, (0, 0), 2).argmax(), mean_eye.shape)
        assert 0.35 < side * (column / 64 - 1) < 0.7
    assert np.abs(right - left[:, ::-1]).mean() < 0.6 * np.abs(right - left).mean()


def test_eyes_of_a_patient_are_alike() -> None:
    colours = np.array([photograph(index, size=64).reshape(-1, 3).mean(axis=0) for index in range(120)])
    hues = colours / colours.sum(axis=1, keepdims=True)
    same = np.abs(hues[0::2] - hues[1::2]).sum(axis=1).mean()
    other = np.abs(hues[0::2] - np.roll(hues[1::2], 1, axis=0)).sum(axis=1).mean()
    assert same < 0.5 * other


def test_the_same_eye_infected_differs_by_its_lesions_only() -> None:
    darker, paler, yellower = [], [], []
    for index in range(60):
        healthy, infected = (photograph(index, label, size=224).astype(int) for label in (0, 1))
        change = infected - healthy
        assert np.median(np.abs(change)) <= 3
        assert (np.abs(change).max(axis=-1) > 25).mean() < 0.15
        darker.append((change[..., 1] < -20).sum())
        paler.append(((change[..., 2] > 25) & (change[..., 2] > change[..., 1])).sum())
        yellower.append(((change[..., 1] > 30) & (change[..., 1] > change[..., 2] + 15)).sum())
    assert np.median(darker) > 20  # pixels: microaneurysms and haemorrhages, in nearly every infected eye
    assert np.quantile(paler, 0.7) > 20  # cotton-wool spots, in many
    assert np.quantile(yellower, 0.7) > 20  # exudates, in many


def test_brightness_does_not_tell_the_class() -> None:
    means = np.array([[photograph(index, label, size=64).mean() for label in (0, 1)] for index in range(60)])
    assert abs(np.diff(means, axis=1).mean()) < 0.1 * means[:, 0].std()


# ---- anatomy


def test_lesions_grow_with_severity_and_spare_the_disc() -> None:
    def total(severity: float) -> int:
        found = [draw_lesions(np.random.default_rng(k), severity, DISC) for k in range(50)]
        assert all(len(lesions.blood) for lesions in found)
        centres = np.concatenate([np.concatenate([f.blood.centre, f.exudates.centre]) for f in found])
        assert np.hypot(*(centres - DISC).T).min() > 0.12
        return sum(len(f.blood) + len(f.exudates) + len(f.cotton) for f in found)

    assert total(1.0) > 3 * total(0.0)


def test_few_healthy_eyes_have_a_distractor_and_none_bleeds() -> None:
    found = [draw_distractors(np.random.default_rng(k), DISC) for k in range(400)]
    assert not any(len(lesions.blood) for lesions in found)
    assert 0.05 < np.mean([len(lesions.exudates) + len(lesions.cotton) > 0 for lesions in found]) < 0.2


def test_vessels_leave_the_disc_and_thin_out() -> None:
    rng = np.random.default_rng(0)
    trunks, _, branches, twigs = grow_vessels(rng, draw_patient(rng), DISC)
    assert np.hypot(*(trunks.points[:, 0] - DISC).T).max() < 0.12
    assert (np.diff(trunks.width, axis=1) < 0).all()
    assert trunks.width.max() > branches.width.max() > twigs.width.max()
    veins = trunks.vein
    assert trunks.width[veins].mean() > trunks.width[~veins].mean()
    assert trunks.points[trunks.half < 0][..., 1].mean() < DISC[1] < trunks.points[trunks.half > 0][..., 1].mean()

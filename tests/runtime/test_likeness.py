"""Near copies are found, different eyes are not taken for copies, and what shows nothing is like nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from retdsl.runtime.decode import Photograph, decode
from retdsl.runtime.enhance import green_channel
from retdsl.runtime.likeness import CONFIRMED, WAYS, fingerprint, fingerprints, likeness, near_copies
from retdsl.runtime.prepare import resize
from retdsl.runtime.sources import Wanted
from retdsl.runtime.synthetic import synthetic_fundus

FUNDUS = Path(__file__).resolve().parents[3] / "shared" / "fundus"
EYES = 40


@pytest.fixture(scope="module")
def eyes() -> list[Photograph]:
    source = synthetic_fundus(EYES, (3, 1), seed=3, size=160)
    samples = source.samples(Path(), Wanted(("healthy", "infected")))
    return [np.asarray(source.read(Path(), sample)) for sample in samples]


def prepared(photo: Photograph) -> Photograph:
    return resize(128, 128)(np.ascontiguousarray(photo))


def encoded(photo: Photograph, quality: int) -> Photograph:
    done, data = cv2.imencode(".jpg", photo[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return decode(data.tobytes())


def scaled(photo: Photograph, share: float) -> Photograph:
    size = photo.shape[1::-1]
    small = cv2.resize(photo, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, size))


def brighter(photo: Photograph, factor: float) -> Photograph:
    return np.asarray(cv2.convertScaleAbs(photo, alpha=factor))


def cut(photo: Photograph, share: float) -> Photograph:
    margin = round(photo.shape[0] * share / 2)
    return photo[margin:-margin, margin:-margin]


COPIES: dict[str, Callable[[Photograph], Photograph]] = {
    "encoded anew": lambda photo: encoded(photo, 50),
    "scaled": lambda photo: scaled(photo, 0.6),
    "brighter": lambda photo: brighter(photo, 1.1),
    "darker": lambda photo: brighter(photo, 0.9),
    "cut": lambda photo: cut(photo, 0.03),
    "turned": lambda photo: photo[::-1, ::-1],
    "mirrored": lambda photo: photo[:, ::-1],
    "upside down": lambda photo: photo[::-1],
    "all at once": lambda photo: encoded(brighter(cut(photo, 0.02), 1.1)[:, ::-1], 60),
}


@pytest.mark.parametrize("how", COPIES)
def test_copies_are_found_and_nothing_else(eyes: list[Photograph], how: str) -> None:
    both = [prepared(photo) for photo in (*eyes, *map(COPIES[how], eyes))]
    found = near_copies(both.__getitem__, [(range(EYES), range(EYES, 2 * EYES))], threads=2)
    assert [(pair.first, pair.second) for pair in found] == [(at, EYES + at) for at in range(EYES)]
    assert all(CONFIRMED <= pair.alike <= 1 + 1e-6 for pair in found)
    ways = {"turned": "turned by 180 degrees", "mirrored": "mirrored", "upside down": "upside down"}
    expected = "mirrored" if how == "all at once" else ways.get(how, "")
    assert {WAYS[pair.way] for pair in found} == {expected}


def test_one_channel_shows_copies_too(eyes: list[Photograph]) -> None:
    both = [green_channel(channels=1)(prepared(photo)) for photo in (*eyes, *map(COPIES["mirrored"], eyes))]
    found = near_copies(both.__getitem__, [(range(EYES), range(EYES, 2 * EYES))])
    assert [(pair.first, pair.second) for pair in found] == [(at, EYES + at) for at in range(EYES)]


def test_different_eyes_are_not_alike(eyes: list[Photograph]) -> None:
    both = [prepared(photo) for photo in eyes]
    half = EYES // 2
    assert near_copies(both.__getitem__, [(range(half), range(half, EYES))]) == []
    assert likeness(both[0], both[1], 0) < CONFIRMED
    assert likeness(both[0], both[0], 0) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("colours", [(7, 7), (7, 90), (0, 255)])
def test_photographs_that_show_nothing_are_like_nothing(colours: tuple[int, int]) -> None:
    random = np.random.default_rng(3)
    flat = [np.full((32, 32, 3), colour, np.uint8) for colour in colours]
    noisy = [np.clip(photo + random.normal(0, 1, photo.shape), 0, 255).astype(np.uint8) for photo in flat]
    for one, other in (flat, noisy, [encoded(photo, 50) for photo in noisy]):
        assert near_copies([one, other].__getitem__, [([0], [1])]) == []
    assert not fingerprint(flat[0]).any()


def test_fingerprints_hang_on_the_photograph_alone(eyes: list[Photograph]) -> None:
    one, several = (fingerprints(eyes.__getitem__, range(10), threads) for threads in (1, 3))
    assert np.array_equal(one, several)
    assert np.allclose(np.linalg.norm(one, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("size", [8, 16, 31, 32, 48, 64])
def test_small_photographs_must_be_more_alike(eyes: list[Photograph], size: int) -> None:
    both = [resize(size, size)(photo) for photo in (*eyes, *(encoded(eye, 50)[:, ::-1] for eye in eyes))]
    found = near_copies(both.__getitem__, [(range(EYES), range(EYES, 2 * EYES))])
    assert all(pair.second == EYES + pair.first and pair.alike >= (0.8 if size < 64 else 0.6) for pair in found)
    assert (len(found) == 0) if size < 32 else (len(found) > EYES * 0.9)


def test_nothing_to_compare() -> None:
    assert near_copies([].__getitem__, [([], [])]) == []


def test_blocks_meet_without_a_gap(eyes: list[Photograph], monkeypatch: pytest.MonkeyPatch) -> None:
    both = [prepared(photo) for photo in (*eyes, *map(COPIES["mirrored"], eyes))]
    group = (range(EYES), range(EYES, 2 * EYES))
    whole = near_copies(both.__getitem__, [group])
    monkeypatch.setattr("retdsl.runtime.likeness._ROWS", 7)
    monkeypatch.setattr("retdsl.runtime.likeness._COLUMNS", 11)
    assert sorted(near_copies(both.__getitem__, [group])) == sorted(whole)


@pytest.mark.slow
def test_real_eyes_are_not_taken_for_one_another() -> None:
    if not FUNDUS.exists():
        pytest.skip(f"the photographs are not at {FUNDUS}")
    files = sorted((FUNDUS / "images").iterdir())
    photographs = [resize(224, 224)(decode(file.read_bytes())) for file in files]
    everything = range(len(files))
    found = near_copies(photographs.__getitem__, [(everything, everything)], threads=2)
    pairs = {(files[a].name, files[b].name) for a, b, _, _ in found}
    assert pairs == {("10363_left.jpeg", "10363_right.jpeg")}, "one eye, photographed or filed twice"


def test_photographs_of_one_channel_are_compared_as_those_of_three(eyes: list[Photograph]) -> None:
    green = [np.ascontiguousarray(prepared(eye)[:, :, 1:2]) for eye in eyes[:6]]
    shown = [np.repeat(eye, 3, axis=2) for eye in green]
    for one, three in zip(green, shown, strict=True):
        np.testing.assert_array_equal(fingerprint(one), fingerprint(three))
    copies = [*green, np.ascontiguousarray(green[0][:, ::-1])]
    found = near_copies(copies.__getitem__, [(range(6), [6])])
    assert [(pair.first, pair.second, WAYS[pair.way]) for pair in found] == [(0, 6, "mirrored")]

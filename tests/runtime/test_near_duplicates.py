"""Which photographs are taken for one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from retdsl.runtime.decode import Photograph
from retdsl.runtime.near_duplicates import SIDE, fingerprint, near_duplicates
from retdsl.runtime.sources import Wanted
from retdsl.runtime.synthetic import synthetic_fundus


def painted(count: int) -> list[Photograph]:
    source = synthetic_fundus(count, ratio=(1, 1))
    samples = source.samples(Path(), Wanted(("healthy", "infected")))
    return [np.asarray(source.read(Path(), sample), np.uint8) for sample in samples]


def saved_anew(photo: Photograph) -> Photograph:
    _, file = cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, 60])
    return np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR), np.uint8)


CHANGES: dict[str, Callable[[Photograph], Photograph]] = {
    "a copy": lambda photo: photo.copy(),
    "saved anew": saved_anew,
    "smaller": lambda photo: np.asarray(cv2.resize(photo, (180, 180), interpolation=cv2.INTER_AREA), np.uint8),
    "larger": lambda photo: np.asarray(cv2.resize(photo, (500, 500)), np.uint8),
    "brighter": lambda photo: np.clip(photo * 1.1 + 5, 0, 255).astype(np.uint8),
    "with a margin": lambda photo: np.asarray(cv2.copyMakeBorder(photo, 20, 20, 60, 60, cv2.BORDER_CONSTANT), np.uint8),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_found(change: str) -> None:
    photos = painted(12)
    prints = np.stack(
        [fingerprint(photo) for photo in (*photos, CHANGES[change](photos[7]), CHANGES[change](photos[2]))]
    )
    assert near_duplicates(prints) == [(2, 13), (7, 12)]


def test_different_eyes_are_different() -> None:
    assert near_duplicates(np.stack([fingerprint(photo) for photo in painted(60)])) == []


def test_what_has_no_pattern_is_like_nothing() -> None:
    flat = np.stack([np.full((SIDE, SIDE), level, np.uint8) for level in (0, 0, 7, 255)])
    assert near_duplicates(flat) == []
    assert near_duplicates(np.zeros((0, SIDE, SIDE), np.uint8)) == []


def test_three_that_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retdsl.runtime.near_duplicates.ROWS", 3)  # pairs lie in different blocks
    one, other = (fingerprint(photo) for photo in painted(12)[:2])
    assert near_duplicates(np.stack([one, other, one, other, other, one])) == [(0, 2, 5), (1, 3, 4)]

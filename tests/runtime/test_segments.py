"""Files of arrays: what a segment takes it gives back, and a record of nothing is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from retdsl.runtime.segments import Segment, digest_of


def test_a_segment_gives_back_what_it_took(tmp_path: Path) -> None:
    photos = [
        np.random.default_rng(i).integers(0, 256, (i + 1, 2 * i + 1, 1 + 2 * (i % 2)), dtype=np.uint8) for i in range(9)
    ]
    segment = Segment.create(tmp_path)
    for number, photo in enumerate(photos):
        segment.add(bytes([number]) * 32, photo, digest_of(photo))
    assert segment.path is not None
    for opened in (segment, Segment.open(segment.path)):
        for number, photo in enumerate(photos):
            place = opened.images[bytes([number]) * 32]
            assert np.array_equal(opened.read(place), photo)
            assert np.array_equal(opened.read(place, sound=True), photo)


def test_a_record_of_nothing_is_none(tmp_path: Path) -> None:
    segment = Segment.create(tmp_path)
    segment.add(bytes(32), np.zeros((2, 2, 3), np.uint8), bytes(16))
    segment.add(bytes([1]) * 32, np.zeros((0, 2, 3), np.uint8), bytes(16))
    assert segment.path is not None
    assert list(Segment.open(segment.path).images) == [bytes(32)]

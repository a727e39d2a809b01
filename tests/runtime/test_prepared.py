"""The store of prepared photographs, and the first pass over them."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from threading import Lock

import cv2
import numpy as np
import pytest

from retdsl.runtime.decode import Photograph
from retdsl.runtime.errors import RunError
from retdsl.runtime.image_cache import ImageCache
from retdsl.runtime.prepared import PreparedImages
from retdsl.runtime.sample import Sample


class FakePhotographs:
    """A data set of `n` numbered photographs that counts readings; those in `broken` cannot be read."""

    def __init__(self, n: int, broken: tuple[int, ...] = (), odd: tuple[int, ...] = ()) -> None:
        self.samples = tuple(Sample(f"eye_{index}.png", 0, str(index)) for index in range(n))
        self.broken, self.odd = broken, odd
        self.readings: Counter[int] = Counter()
        self.lock = Lock()

    def stamp(self, index: int) -> str:
        return str(index)

    def fetch(self, index: int) -> bytes:
        with self.lock:
            self.readings[index] += 1
        if index in self.broken:
            raise RunError("the file is empty (0 bytes)", help="mend it")
        return bytes([index])

    def prepare(self, fetched: bytes | Photograph) -> Photograph:
        index = int(fetched[0])
        return np.full((4, 5 if index in self.odd else 4, 3), index, np.uint8)


class TestPreparedImages:
    """PreparedImages."""

    def test_what_is_told_of_each(self) -> None:
        found = PreparedImages(FakePhotographs(3)).load_all().looked
        assert [found[index].sha256 for index in range(3)] == [sha256(bytes([i])).hexdigest() for i in range(3)]
        assert len({looked.pixels for looked in found.values()}) == 3

    @pytest.mark.parametrize("threads", [1, 4])
    def test_every_photograph_is_read_once(self, threads: int) -> None:
        photographs = FakePhotographs(20)
        images = PreparedImages(photographs, threads=threads)
        calls: list[tuple[int, int]] = []
        images.load_all(lambda done, total: calls.append((done, total)))
        assert calls == [(done, 20) for done in range(1, 21)]
        assert all((images[index] == index).all() for index in range(20))
        assert set(photographs.readings.values()) == {1}

    def test_without_any_room_each_is_read_anew(self) -> None:
        photographs = FakePhotographs(10)
        images = PreparedImages(photographs, cache=ImageCache(spare=False))
        images.load_all()
        for _ in range(3):
            assert all((images[index] == index).all() for index in range(10))
        assert set(photographs.readings.values()) == {4}

    def test_all_unreadable_ones_are_named(self) -> None:
        photographs = FakePhotographs(30, broken=(3, 17, 21))
        found = PreparedImages(photographs).load_all()
        assert sorted({*found.looked, *found.refused}) == list(range(30))
        assert sorted(found.refused) == [3, 17, 21]

    def test_only_some(self) -> None:
        photographs = FakePhotographs(30, broken=(3,))
        PreparedImages(photographs).load_all(indices=[5, 6])
        assert sorted(photographs.readings) == [5, 6]

    def test_unlike_sizes_are_refused(self) -> None:
        with pytest.raises(RunError, match="differ in size") as caught:
            PreparedImages(FakePhotographs(5, odd=(2,))).load_all()
        assert caught.value.items == ("4 x 4: 4", "4 x 5: 1")

    def test_an_interrupt_ends_loading(self) -> None:
        def interrupt(_done: int, _total: int) -> None:
            raise KeyboardInterrupt

        photographs = FakePhotographs(500)
        before = cv2.getNumThreads()
        with pytest.raises(KeyboardInterrupt):
            PreparedImages(photographs).load_all(interrupt)
        assert cv2.getNumThreads() == before

    def test_what_is_kept_cannot_be_written_to(self) -> None:
        images = PreparedImages(FakePhotographs(1))
        with pytest.raises(ValueError, match="read-only"):
            images[0][:] = 9

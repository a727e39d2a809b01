"""A store of prepared photographs, and the first pass over all of them.

Enters: a data set, a cache. Leaves: prepared photographs, uint8 `[H, W, C]`, and what the first pass found.
Guaranteed: what cannot be read is gathered, never raised one by one; memory does not grow with the photographs, which
lie in the cache's files; what is given out is what preparation gave, whatever became of those files since.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import cv2
import numpy as np

from retdsl.runtime.ahead import ahead
from retdsl.runtime.decode import Photograph
from retdsl.runtime.errors import RunError
from retdsl.runtime.image_cache import ImageCache
from retdsl.runtime.sample import Sample
from retdsl.runtime.segments import Place, digest_of
from retdsl.runtime.sources import sha256_of_photograph

LEAVE_ALONE = "photographs must stay as they are while a run learns from them"

WAITING = 64
"""How many photographs may be ready before one that takes long."""


class Photographs(Protocol):
    """What the store needs of a data set."""

    @property
    def samples(self) -> tuple[Sample, ...]: ...

    def stamp(self, index: int) -> str: ...

    def fetch(self, index: int) -> bytes | Photograph: ...

    def prepare(self, fetched: bytes | Photograph) -> Photograph: ...


class Looked(NamedTuple):
    """What the first pass found in a photograph.

    sha256: of the bytes of its file, or of its pixels where it never was one, as hexadecimal digits; pixels: a digest
    of the prepared photograph: two have the same only if all their prepared pixels are the same.
    """

    sha256: str
    pixels: bytes


@dataclass(frozen=True, slots=True)
class FirstPass:
    """What every photograph that could be read looks like, and why the others could not be, by their index.

    prepared: how many had to be; unread: how many did not even have to be read, since nothing has changed.
    """

    looked: dict[int, Looked]
    refused: dict[int, RunError]
    prepared: int = 0
    unread: int = 0


@dataclass(frozen=True, slots=True)
class _Found:
    """What became of one photograph."""

    index: int
    looked: Looked | None = None
    shape: tuple[int, ...] = ()
    refused: RunError | None = None
    prepared: bool = False
    unread: bool = False


class PreparedImages:
    """Prepared photographs by their index in the data set.

    threads: how many prepare at once; cache: where they lie, for this process alone if none is given; what it has no
    room for is read anew each time. May be used from several threads.

    damaged: how many were found changed in the cache, and have been prepared anew.
    """

    def __init__(self, dataset: Photographs, threads: int = 2, cache: ImageCache | None = None) -> None:
        self._dataset = dataset
        self._threads = max(1, threads)
        self.cache = ImageCache() if cache is None else cache
        self._keys: list[bytes | None] = [None] * len(dataset.samples)
        self._places: list[Place | None] = [None] * len(dataset.samples)
        self._sound = np.zeros(len(dataset.samples), np.bool_)
        self.damaged = 0

    def __getitem__(self, index: int) -> Photograph:
        """The prepared photograph, uint8 `[H, W, C]`; not to be written to.

        Raises RunError if it cannot be read, or is not the one that the first pass has seen.
        """
        place = self._places[index]
        if place is None:
            return self._read_anew(index)
        photo = place.segment.read(place, sound=bool(self._sound[index]))
        if photo is None:
            self.damaged += 1
            self._forget(index, place)
            return self._read_anew(index)
        self._sound[index] = True
        photo.setflags(write=False)
        return photo

    def load_all(
        self,
        progress: Callable[[int, int], None] | None = None,
        indices: Sequence[int] | None = None,
        *,
        verify: bool = False,
    ) -> FirstPass:
        """Looks at every photograph (or those of `indices`) once, and prepares and keeps those that are not cached.

        progress: called from this thread with how many are done and how many there are. verify: reads and prepares all
        of them, whatever is cached, for whoever wants proof.

        Raises RunError if the prepared photographs differ in size.
        """
        wanted = range(len(self._dataset.samples)) if indices is None else indices
        refused: dict[int, RunError] = {}
        looked: dict[int, Looked] = {}
        sizes: Counter[tuple[int, ...]] = Counter()
        prepared = unread = 0

        def look(index: int) -> _Found:
            return self._look_at(index, verify)

        with single_threaded_opencv(), closing(ahead(look, wanted, self._threads, "prepare", WAITING)) as results:
            for done, found in enumerate(results, start=1):
                if found.refused is not None:
                    refused[found.index] = found.refused
                elif found.looked is not None:
                    looked[found.index] = found.looked
                    sizes[found.shape] += 1
                prepared += found.prepared
                unread += found.unread
                if progress is not None:
                    progress(done, len(wanted))
        _require_one_size(sizes)
        return FirstPass(looked, refused, prepared, unread)

    def _look_at(self, index: int, verify: bool) -> _Found:
        try:
            stamp = self._dataset.stamp(index)  # before reading: what changes meanwhile has another one afterwards
            key = None if verify else self.cache.known(stamp)
            place = None if key is None else self.cache.find(key)
            if key is not None and place is not None:
                return self._found(index, key, place, unread=True)
            fetched = self._dataset.fetch(index)
            key = bytes.fromhex(sha256_of_photograph(fetched))
            place = None if verify else self.cache.find(key)
            if place is not None:
                self.cache.note(stamp, key)
                return self._found(index, key, place)
            photo = self._dataset.prepare(fetched)
        except RunError as error:
            return _Found(index, refused=error)
        digest = digest_of(photo)
        known = self.cache.find(key)
        if known is None or known.digest != digest:
            known = self.cache.keep(key, photo, digest)
        if known is not None:
            self.cache.note(stamp, key)
        self._keys[index], self._places[index] = key, known
        return _Found(index, Looked(key.hex(), digest), photo.shape, prepared=True)

    def _found(self, index: int, key: bytes, place: Place, *, unread: bool = False) -> _Found:
        self._keys[index], self._places[index] = key, place
        return _Found(index, Looked(key.hex(), place.digest), place.shape, unread=unread)

    def _forget(self, index: int, place: Place) -> None:
        self._places[index] = None
        self._sound[index] = False
        key = self._keys[index]
        if key is not None:
            self.cache.forget(key, place)

    def _read_anew(self, index: int) -> Photograph:
        image, seen = self._dataset.samples[index].image, self._keys[index]
        try:
            fetched = self._dataset.fetch(index)
        except RunError as error:
            if seen is None:
                raise
            raise RunError(f"{image} could be read at first, and cannot be any more: {error.message}") from None
        key = bytes.fromhex(sha256_of_photograph(fetched))
        if seen not in (None, key):
            raise RunError(f"{image} is not what it was when it was first read", help=LEAVE_ALONE)
        photo = self._dataset.prepare(fetched)
        self._keys[index] = key
        self._places[index] = self.cache.keep(key, photo, digest_of(photo))
        photo.setflags(write=False)
        return photo


def _require_one_size(sizes: Counter[tuple[int, ...]]) -> None:
    if len(sizes) > 1:
        items = [f"{height} x {width}: {count}" for (height, width, _), count in sizes.most_common()]
        raise RunError("prepared photographs differ in size", items=items, help="prepare them with `resize`")


@contextmanager
def single_threaded_opencv() -> Iterator[None]:
    """Our own threads work beside one another; OpenCV's would only get in their way."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)

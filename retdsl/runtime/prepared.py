"""A store of prepared photographs, and the first pass over all of them.

Enters: a data set. Leaves: prepared photographs, uint8 `[H, W, 3]`, and what the first pass found.
Guaranteed: what cannot be read is gathered, never raised one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from threading import Lock
from typing import NamedTuple, Protocol

import cv2
import numpy as np

from retdsl.runtime.decode import Photograph
from retdsl.runtime.errors import RunError
from retdsl.runtime.sample import Sample
from retdsl.runtime.sources import digest_of

LEAVE_ALONE = "photographs must stay as they are while a run learns from them"


class Photographs(Protocol):
    """What the store needs of a data set."""

    @property
    def samples(self) -> tuple[Sample, ...]: ...

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
    """What every photograph that could be read looks like, and why the others could not be, by their index."""

    looked: dict[int, Looked]
    refused: dict[int, RunError]


class PreparedImages:
    """Prepared photographs by their index in the data set, kept in memory as far as it goes.

    threads: how many decode at once; memory: bytes that may be kept, 2 GiB by default (some 14 000 photographs of
    224 x 224); what does not fit is read anew each time. May be used from several threads.
    """

    def __init__(self, dataset: Photographs, threads: int = 2, memory: int = 2 * 2**30) -> None:
        self._dataset = dataset
        self._threads = max(1, threads)
        self._room = memory
        self._kept: dict[int, Photograph] = {}
        self._seen: dict[int, str] = {}
        self._lock = Lock()

    def __getitem__(self, index: int) -> Photograph:
        """The prepared photograph, uint8 `[H, W, 3]`; not to be written to.

        Raises RunError if it cannot be read, or is another one than the first pass saw.
        """
        kept = self._kept.get(index)
        return self._read(index) if kept is None else kept

    def load_all(
        self, progress: Callable[[int, int], None] | None = None, indices: Sequence[int] | None = None
    ) -> FirstPass:
        """Decodes every photograph (or those of `indices`) once and keeps what fits.

        progress: called from this thread with how many are done and how many there are. Raises RunError if the prepared
        photographs differ in size.
        """
        wanted = range(len(self._dataset.samples)) if indices is None else indices
        refused: dict[int, RunError] = {}
        sizes: Counter[tuple[int, ...]] = Counter()
        looked: dict[int, Looked] = {}
        with _single_threaded_opencv(), _workers(self._threads) as pool:
            index_of = {pool.submit(self._look_at, index): index for index in wanted}
            for done, future in enumerate(as_completed(index_of), start=1):
                try:
                    shape, looked[index_of[future]] = future.result()
                    sizes[shape] += 1
                except RunError as error:
                    refused[index_of[future]] = error
                if progress is not None:
                    progress(done, len(wanted))
        _require_one_size(sizes)
        return FirstPass(looked, refused)

    def _look_at(self, index: int) -> tuple[tuple[int, ...], Looked]:
        fetched = self._dataset.fetch(index)
        photo = self._keep(index, self._dataset.prepare(fetched))
        pixels = blake2b(np.ascontiguousarray(photo).data, digest_size=16).digest()
        self._seen[index] = digest_of(fetched)
        return photo.shape, Looked(self._seen[index], pixels)

    def _read(self, index: int) -> Photograph:
        image = self._dataset.samples[index].image
        try:
            fetched = self._dataset.fetch(index)
        except RunError as error:
            if index not in self._seen:
                raise
            raise RunError(f"{image} could be read at first, and cannot be any more: {error.message}") from None
        if self._seen.get(index, same := digest_of(fetched)) != same:
            raise RunError(f"{image} is not what it was when it was first read", help=LEAVE_ALONE)
        return self._keep(index, self._dataset.prepare(fetched))

    def _keep(self, index: int, photo: Photograph) -> Photograph:
        with self._lock:
            if index not in self._kept and photo.nbytes <= self._room:
                photo.setflags(write=False)
                self._kept[index] = photo
                self._room -= photo.nbytes
        return photo


def _require_one_size(sizes: Counter[tuple[int, ...]]) -> None:
    if len(sizes) > 1:
        items = [f"{height} x {width}: {count}" for (height, width, _), count in sizes.most_common()]
        raise RunError("prepared photographs differ in size", items=items, help="prepare them with `resize`")


@contextmanager
def _single_threaded_opencv() -> Iterator[None]:
    """Our own threads work beside one another; OpenCV's would only get in their way."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


@contextmanager
def _workers(threads: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that on an exception (Ctrl-C too) drop what waits and finish only what they are at."""
    pool = ThreadPoolExecutor(threads, thread_name_prefix="prepare")
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)

"""Photographs become the network's input: prepare steps, the last step `normalize`, and a store of prepared images.

Enters: photographs, uint8 RGB `[H, W, 3]`. Leaves: prepared photographs, uint8 RGB of the size that the last `resize`
gives, and float32 `[3, H, W]` arrays for the network.
Guaranteed: a prepare step never changes its argument, and the same photograph always gives the same array.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from threading import Lock
from typing import Protocol, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from retdsl.runtime.decode import Photograph
from retdsl.runtime.errors import RunError
from retdsl.runtime.sample import Sample

FloatImage: TypeAlias = npt.NDArray[np.float32]
Step: TypeAlias = Callable[[Photograph], Photograph]

FIELD_VIEW = 256
"""The longer side, in pixels, of the small copy on which the bright field is sought: averaging removes noise."""

SMALLEST_FIELD = 0.05
"""A bright region under this share of the picture is no retina: a label, a reflex, or a photograph that failed."""


@dataclass(frozen=True, slots=True)
class crop_circle:
    """Crops a fundus photograph to the square around the retina's round field.

    threshold: what is no brighter than this share of full white, in its brightest colour, counts as black surround.
    Where the camera cut the field at the top and bottom, the square reaches beyond the picture and is filled with
    black, so that the later `resize` does not stretch the retina. A picture without a field (all black) stays as it is.
    """

    threshold: float = 0.06

    def __call__(self, photo: Photograph) -> Photograph:
        field = bright_field(photo, self.threshold)
        return photo if field is None else _square_around(photo, *field)


@dataclass(frozen=True, slots=True)
class resize:
    """Scales a photograph to `height` x `width` pixels, antialiased where it shrinks; proportions are not kept."""

    height: int
    width: int

    def __call__(self, photo: Photograph) -> Photograph:
        if photo.shape[:2] == (self.height, self.width):
            return photo
        shrinks = self.height * self.width < photo.shape[0] * photo.shape[1]
        method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(photo, (self.width, self.height), interpolation=method), np.uint8)


@dataclass(frozen=True, slots=True)
class normalize:
    """The last step: x in [0, 1] becomes (x * scale - mean) / std, a value of `mean` and `std` per colour (R, G, B).

    mean_image: in place of `mean` the file with a value for each pixel; when a run starts, its numbers `[3, H, W]`
    become the mean (see `mean_image`).
    """

    mean: tuple[float, float, float] | FloatImage | None = None
    mean_image: str | None = None
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    scale: float = 1.0


PLAIN = normalize(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
"""What is done when a study asks for no `normalize`: x stays in [0, 1]."""


def to_unit(photo: Photograph) -> FloatImage:
    """uint8 `[H, W, 3]` as float32 `[H, W, 3]` in [0, 1]."""
    return np.multiply(photo, np.float32(1 / 255), dtype=np.float32)


def to_network(image: FloatImage, last: normalize | None, out: FloatImage | None = None) -> FloatImage:
    """float32 `[H, W, 3]` in [0, 1] as the network's input `[3, H, W]`, written into `out` if that is given."""
    last = last or PLAIN
    height, width, colours = image.shape
    if out is None:
        out = np.empty((colours, height, width), np.float32)
    for colour in range(colours):
        factor = np.float32(last.scale / last.std[colour])
        mean = 0.0 if last.mean is None else last.mean[colour]
        shift = np.float32(-mean / last.std[colour])
        np.multiply(image[:, :, colour], factor, out=out[colour])
        out[colour] += shift
    return out


def prepare_photograph(photo: Photograph, steps: Sequence[Step]) -> Photograph:
    """The photograph after all prepare steps."""
    for step in steps:
        photo = step(photo)
    return photo


def bright_field(photo: Photograph, threshold: float) -> tuple[int, int, int, int] | None:
    """The bounding box (left, top, width, height) in pixels of the largest bright region; None if all is dark.

    threshold: as in `crop_circle`. Good to one pixel of a copy of `FIELD_VIEW` pixels.
    """
    height, width = photo.shape[:2]
    scale = max(1.0, max(height, width) / FIELD_VIEW)
    small_width, small_height = max(1, round(width / scale)), max(1, round(height / scale))
    small = cv2.resize(photo, (small_width, small_height), interpolation=cv2.INTER_AREA)
    brightest = cv2.medianBlur(np.ascontiguousarray(small.max(axis=2)), 5)
    mask = (brightest > threshold * 255).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    regions = stats[1:]  # the first is the background
    if not len(regions):
        return None
    left, top, wide, high, area = (int(number) for number in regions[regions[:, cv2.CC_STAT_AREA].argmax()])
    if area < SMALLEST_FIELD * mask.size:
        return None
    across, down = width / small_width, height / small_height
    x0, x1 = round(left * across), round((left + wide) * across)
    y0, y1 = round(top * down), round((top + high) * down)
    return x0, y0, x1 - x0, y1 - y0


def _square_around(photo: Photograph, left: int, top: int, width: int, height: int) -> Photograph:
    """The square with the box's centre and its longer side, black where it reaches beyond the picture."""
    side = max(width, height)
    left -= (side - width) // 2
    top -= (side - height) // 2
    square = np.zeros((side, side, 3), np.uint8)
    inside = photo[max(top, 0) : top + side, max(left, 0) : left + side]
    y, x = max(-top, 0), max(-left, 0)
    square[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
    return square


class Photographs(Protocol):
    """What the store below needs of a data set."""

    @property
    def samples(self) -> tuple[Sample, ...]: ...

    def read(self, index: int) -> Photograph: ...


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
        self._lock = Lock()

    def __getitem__(self, index: int) -> Photograph:
        """The prepared photograph, uint8 `[H, W, 3]`; not to be written to. Raises RunError if it cannot be read."""
        kept = self._kept.get(index)
        return self._read(index) if kept is None else kept

    def load_all(
        self, progress: Callable[[int, int], None] | None = None, indices: Sequence[int] | None = None
    ) -> dict[int, bytes]:
        """Decodes every photograph (or those of `indices`) once and keeps what fits; returns a digest of each.

        progress: called from this thread with how many are done and how many there are. Raises one RunError that names
        every photograph that cannot be read, or one if the prepared photographs differ in size. Two photographs have
        the same digest only if all their prepared pixels are the same.
        """
        wanted = range(len(self._dataset.samples)) if indices is None else indices
        refused: dict[int, RunError] = {}
        sizes: dict[int, tuple[int, ...]] = {}
        digests: dict[int, bytes] = {}
        with _single_threaded_opencv(), _workers(self._threads) as pool:
            index_of = {pool.submit(self._look_at, index): index for index in wanted}
            for done, future in enumerate(as_completed(index_of), start=1):
                try:
                    sizes[index_of[future]], digests[index_of[future]] = future.result()
                except RunError as error:
                    refused[index_of[future]] = error
                if progress is not None:
                    progress(done, len(wanted))
        self._report_refused(refused, len(wanted))
        self._report_sizes(sizes)
        return digests

    def _read(self, index: int) -> Photograph:
        photo = self._dataset.read(index)
        with self._lock:
            if index not in self._kept and photo.nbytes <= self._room:
                photo.setflags(write=False)
                self._kept[index] = photo
                self._room -= photo.nbytes
        return photo

    def _look_at(self, index: int) -> tuple[tuple[int, ...], bytes]:
        photo = self._read(index)
        return photo.shape, blake2b(np.ascontiguousarray(photo).data, digest_size=16).digest()

    def _report_refused(self, refused: dict[int, RunError], total: int) -> None:
        if not refused:
            return
        items = [f"{self._dataset.samples[index].image}: {refused[index].message}" for index in sorted(refused)]
        help = dict.fromkeys(text for error in refused.values() for text in error.help)
        count = "a photograph" if len(refused) == 1 else f"{len(refused)} photographs"
        raise RunError(f"{count} of {total} cannot be read", items=items, help=tuple(help))

    def _report_sizes(self, sizes: dict[int, tuple[int, ...]]) -> None:
        counts = Counter(sizes.values())
        if len(counts) <= 1:
            return
        items = [f"{height} x {width}: {count}" for (height, width, _), count in counts.most_common()]
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

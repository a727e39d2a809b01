"""Files that hold what the caches keep: arrays of bytes, of prepared photographs or of features.

A segment is two files: NAME.pixels, arrays one behind the other, and NAME.index, a record for each, with its place, its
shape and the digest of its bytes. Records of a second kind, notes, say which key a stamp stood for.

Enters: arrays under keys of 32 bytes. Leaves: the same arrays, or None. Guaranteed: a segment grows at its
end alone, by one process; a record is written once its array is, with a check of its own, so whatever interrupts a
writer, what is before counts, and what is behind does not; an array is compared with its digest when first used.
Files are written and read by calls that fail, never through a mapping: that would kill the process where there is no
room, where a sector is bad, or where somebody has cut a file short.
"""

from __future__ import annotations

import os
from contextlib import suppress
from errno import EIO
from hashlib import blake2b
from math import prod
from pathlib import Path
from struct import Struct
from tempfile import TemporaryFile
from threading import Lock
from typing import NamedTuple, TypeAlias
from uuid import uuid4
from weakref import finalize

import numpy as np
from numpy.typing import NDArray

Kept: TypeAlias = NDArray[np.uint8]
"""A prepared photograph [H, W, C], or the features of one [1, 1, n]."""

MAGIC = b"retdsl01"
IMAGE, NOTE = 1, 2
_HEAD = Struct("<8sIIIIQ32s32s")  # magic, kind, height, width, channels, offset, key, value
_DIGEST = 16
RECORD = _HEAD.size + _DIGEST
"""Bytes of a record; the last are the check of the others."""

ALIGNED = 64
"""Bytes that arrays start at multiples of."""

INDEX, PIXELS = ".index", ".pixels"


class Place(NamedTuple):
    """Where an array lies. digest: of its bytes (`digest_of`)."""

    segment: Segment
    offset: int
    shape: tuple[int, ...]
    digest: bytes

    @property
    def size(self) -> int:
        """Bytes."""
        return prod(self.shape)


def digest_of(values: Kept) -> bytes:
    """16 bytes that are the same only for the same values."""
    return blake2b(np.ascontiguousarray(values).data, digest_size=_DIGEST).digest()


class Segment:
    """One segment, opened for reading, or being written. May be used from several threads.

    images, notes: what its index says, by key; written: when its last array was, as found when it was opened, in
    nanoseconds since 1970.
    """

    def __init__(self, path: Path | None, pixels: int, index: int | None) -> None:
        """path: of the index, None for files without a name; pixels, index: open files, index only to write."""
        self.path = path
        self.images: dict[bytes, Place] = {}
        self.notes: dict[bytes, bytes] = {}
        self.written = 0
        self._pixels, self._index = pixels, index
        self._end = 0
        self._filled = 0
        self._lock = Lock()
        for file in (pixels, index):
            if file is not None:
                finalize(self, os.close, file)

    @classmethod
    def open(cls, path: Path) -> Segment:
        """The segment of an index file, as far as it is sound. Raises OSError."""
        segment = cls(path, os.open(path.with_suffix(PIXELS), os.O_RDONLY), None)
        segment._read_index(path.read_bytes())
        return segment

    @classmethod
    def create(cls, folder: Path) -> Segment:
        """A new segment in a folder that is there. Raises OSError."""
        path = folder / f"{uuid4().hex}{INDEX}"
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
        pixels = os.open(path.with_suffix(PIXELS), flags, 0o644)
        try:
            return cls(path, pixels, os.open(path, flags, 0o644))
        except OSError:
            os.close(pixels)
            with suppress(OSError):
                path.with_suffix(PIXELS).unlink()
            raise

    @classmethod
    def nameless(cls, folder: Path) -> Segment:
        """A new segment that goes with the process. Raises OSError."""
        with TemporaryFile(dir=folder) as pixels, TemporaryFile(dir=folder) as index:
            return cls(None, os.dup(pixels.fileno()), os.dup(index.fileno()))

    def add(self, key: bytes, values: Kept, digest: bytes) -> None:
        """Keeps an array. Raises OSError where there is no room; the segment is then as it was."""
        data = np.ascontiguousarray(values).reshape(-1).data
        with self._lock:
            if os.fstat(self._pixels).st_size < self._filled:
                # Behind a gap that reads as zeros, what was found sound before would seem to be whole.
                raise OSError(EIO, "it was cut short meanwhile")
            offset = self._end
            self._end += -(-len(data) // ALIGNED) * ALIGNED
        _write(self._pixels, data, offset)
        with self._lock:
            self._filled = max(self._filled, offset + len(data))
            self._append(_HEAD.pack(MAGIC, IMAGE, *values.shape, offset, key, digest))
            self.images[key] = Place(self, offset, values.shape, digest)

    def note(self, stamp: bytes, key: bytes) -> None:
        """Notes which key a stamp of 32 bytes stands for. Raises OSError where there is no room."""
        with self._lock:
            self._append(_HEAD.pack(MAGIC, NOTE, 0, 0, 0, 0, stamp, key))
            self.notes[stamp] = key

    def read(self, place: Place, *, sound: bool = False) -> Kept | None:
        """An array, read from the disk and compared with its digest; None if it is no longer what was kept.

        sound: it was found so before, and is not compared once more: only what is cut off is noticed.
        """
        values = np.empty(place.shape, np.uint8)
        try:
            read = os.preadv(self._pixels, [values.data], place.offset)
        except OSError:
            return None
        return values if read == values.nbytes and (sound or digest_of(values) == place.digest) else None

    def used(self) -> None:
        """Tells whoever looks for what was not used for long."""
        if self.path is not None:
            with suppress(OSError):
                os.utime(self.path)

    def _append(self, head: bytes) -> None:
        assert self._index is not None, "opened to be read"
        end = os.lseek(self._index, 0, os.SEEK_END)
        try:
            _write(self._index, memoryview(head + _check_of(head)), end)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._index, end)
            raise

    def _read_index(self, records: bytes) -> None:
        pixels = os.fstat(self._pixels)
        self.written, size = pixels.st_mtime_ns, pixels.st_size
        for start in range(0, len(records) - RECORD + 1, RECORD):
            head, check = records[start : start + _HEAD.size], records[start + _HEAD.size : start + RECORD]
            if not head.startswith(MAGIC) or _check_of(head) != check:
                continue
            _, kind, *shape, offset, key, value = _HEAD.unpack(head)
            if kind == NOTE:
                self.notes[key] = value
                continue
            place = Place(self, offset, tuple(shape), value[:_DIGEST])
            if kind == IMAGE and 0 < place.size <= size - offset:
                self.images[key] = place


def _check_of(head: bytes) -> bytes:
    return blake2b(head, digest_size=_DIGEST).digest()


def _write(file: int, data: memoryview, offset: int) -> None:
    while len(data):
        written = os.pwrite(file, data, offset)
        data, offset = data[written:], offset + written

"""What runs keep for later ones, on the user's disk: prepared photographs, features and fingerprints of them.

Under the user's folder lies one folder for each kind, in it one for each way to make what is kept, and there segments
(see `segments`):

    images/KEY/chain.txt                     how they were made, for people
    images/KEY/NAME.index, NAME.pixels       what one process has made so

KEY stands for all that the values depend on besides what each was made from. Each process writes a segment of its own
and reads those of all, so that two at once cannot disturb one another. A segment that was not used for longest goes
first when there are too many bytes, of whatever kind.

Enters: arrays of bytes under keys of 32 bytes. Leaves: the same arrays. Guaranteed: nothing here ends a run: where the
cache cannot be written, `trouble` says why, and a file that nobody else sees takes its place.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from threading import Lock
from typing import ClassVar, NamedTuple

from retdsl.runtime.errors import RunError
from retdsl.runtime.segments import ALIGNED, INDEX, PIXELS, RECORD, Kept, Place, Segment
from retdsl.weights.store import user_folder

LIMIT_VARIABLE = "RETDSL_CACHE_LIMIT"
"""What the cache may take: bytes, or a number with K, M, G or T; 0 switches it off."""

LIMIT = 20 * 2**30
"""Bytes that the cache may take unless the variable says otherwise."""

MOST_SEGMENTS = 100
"""Of one chain: each takes two open files."""

CHAIN = "chain.txt"

FOLDERS = ("images", "features", "fingerprints")
"""Under the user's folder, one for each kind."""

GROWS_BY = 64 * 2**20
"""Bytes that a process writes before it looks again whether they are too many; less if the limit is small."""

_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def cache_limit() -> int:
    """The bytes that the user allows. Raises RunError if what the variable says means nothing."""
    said = os.environ.get(LIMIT_VARIABLE, "").strip()
    if not said:
        return LIMIT
    found = re.fullmatch(r"(\d{1,15}(?:\.\d{1,6})?) ?([KMGT]?)B?", said, re.ASCII | re.IGNORECASE)
    if found is None:
        help = "write a number of bytes such as 20G, or 0 to switch the cache off"
        raise RunError(f"`{said}` is no number of bytes", where=LIMIT_VARIABLE, help=help)
    return int(float(found[1]) * _UNITS[found[2].upper()])


class Cache:
    """What is kept of one chain. May be used from several threads. Each kind of it is a class below this one.

    chain: how what is kept was made, for people; None where that cannot be told, and it cannot be known again; lasts:
    False to leave the user's cache alone; limit: bytes that all of it may take; spare: whether what cannot be cached is
    kept for this process alone.

    trouble: why something could not be kept, for people.
    """

    FOLDER: ClassVar[str]
    """Its name under the user's folder."""

    WHAT: ClassVar[str]
    """What is kept, in the plural."""

    OTHERWISE: ClassVar[str]
    """What becomes of them where there is no room at all."""

    def __init__(
        self, chain: str | None = None, *, lasts: bool = True, limit: int | None = None, spare: bool = True
    ) -> None:
        self._limit = cache_limit() if limit is None else limit
        self.folder = self.place() / self._key(chain) if chain is not None and lasts and self._limit > 0 else None
        self.trouble: list[str] = []
        self._chain = chain
        self._places: dict[bytes, Place] = {}
        self._notes: dict[bytes, bytes] = {}
        self._segments = [] if self.folder is None else list(_open_all(self.folder))
        self._used: set[Path] = set()
        self._lock = Lock()
        self._writer: Segment | None = None
        self._makers = [*([self._lasting] if self.folder else []), *([self._passing] if spare else [])]
        self._room = 0
        # What was found damaged has been kept anew by a later writer: of what several have, the last one counts.
        for segment in sorted(self._segments, key=lambda one: one.written):
            self._places |= segment.images
            self._notes |= segment.notes

    @classmethod
    def place(cls) -> Path:
        """Where all of the kind lies; it need not be there."""
        return user_folder() / cls.FOLDER

    @classmethod
    def _key(cls, chain: str) -> str:
        """The name of a chain's folder."""
        raise NotImplementedError

    def find(self, key: bytes) -> Place | None:
        """Where what has this key lies; None if it was never kept."""
        place = self._places.get(key)
        if place is not None and place.segment.path is not None and place.segment.path not in self._used:
            self._used.add(place.segment.path)
            place.segment.used()
        return place

    def known(self, stamp: str) -> bytes | None:
        """The key of what had this stamp; None if it was never noted."""
        return self._notes.get(_stamp_key(stamp))

    def keep(self, key: bytes, values: Kept, digest: bytes) -> Place | None:
        """Where these values lie from now on; None if there is no room for them anywhere. digest: see `digest_of`."""
        while (writer := self._make_writer(values.nbytes)) is not None:
            try:
                writer.add(key, values, digest)
            except OSError as error:
                self._give_up(writer, error)
                continue
            self._places[key] = writer.images[key]
            return writer.images[key]
        return None

    def note(self, stamp: str, key: bytes) -> None:
        """Notes that what has this stamp has this key."""
        stamp_key = _stamp_key(stamp)
        if self._notes.get(stamp_key) == key:
            return
        writer = self._make_writer(RECORD)
        if writer is not None and writer.path is not None:
            try:
                writer.note(stamp_key, key)
                self._notes[stamp_key] = key
            except OSError as error:
                self._give_up(writer, error)

    def forget(self, key: bytes, place: Place) -> None:
        """What was found damaged is looked for no more."""
        with self._lock:
            if self._places.get(key) is place:
                del self._places[key]

    def _make_writer(self, size: int) -> Segment | None:
        """The segment that takes what comes next, of so many bytes; None if there can be none."""
        with self._lock:
            if self._makers and self._makers[0] == self._lasting:
                self._stay_within_limit(size)
            while self._writer is None and self._makers:
                try:
                    self._writer = self._makers[0]()
                except OSError as error:
                    self._failed(error)
            return self._writer

    def _stay_within_limit(self, size: int) -> None:
        size += RECORD + ALIGNED
        if self._room < size:
            own = set() if self._writer is None or self._writer.path is None else {self._writer.path}
            self._room = make_room(self._limit, max(size, min(GROWS_BY, self._limit // 16)), self._used | own)
        if self._room < size:
            self.trouble.append(
                f"the cache is full ({LIMIT_VARIABLE} allows {_in_words(self._limit)}): "
                f"{self.WHAT} beyond that are kept for this run alone"
            )
            self._next()
        self._room -= size

    def _lasting(self) -> Segment:
        assert self.folder is not None
        self.folder.mkdir(parents=True, exist_ok=True)
        said = self.folder / CHAIN
        if not said.exists():
            said.write_text(f"{self._chain}\n", encoding="utf-8")
        for old in _oldest(self.folder.glob(f"*{INDEX}"))[: -MOST_SEGMENTS + 1]:
            _remove(old.path)
        return Segment.create(self.folder)

    def _passing(self) -> Segment:
        return Segment.nameless(Path(tempfile.gettempdir()))

    def _give_up(self, writer: Segment, error: OSError) -> None:
        with self._lock:
            if self._writer is writer:
                self._failed(error)

    def _failed(self, error: OSError) -> None:
        """The next best place takes what comes."""
        what = error.strerror or str(error)
        if self._makers[0] == self._lasting:
            self.trouble.append(
                f"the cache {self.folder} cannot be written to ({what}): {self.WHAT} are kept for this run alone"
            )
        else:
            where = tempfile.gettempdir()
            self.trouble.append(f"{where} cannot take {self.WHAT} ({what}): they are {self.OTHERWISE}")
        self._next()

    def _next(self) -> None:
        if self._writer is not None:
            self._segments.append(self._writer)
        self._writer = None
        del self._makers[0]


class Listed(NamedTuple):
    """What the cache has of one chain. kind: one of `FOLDERS`; entries: how many; size: bytes; used: when last,
    seconds since 1970.
    """

    kind: str
    chain: str
    entries: int
    size: int
    used: float


def listed() -> list[Listed]:
    """All chains of all kinds of which anything is left, that used last first. Raises OSError if a folder cannot be
    read.
    """
    found = []
    for folder in (folder for place in _places() if place.exists() for folder in place.iterdir()):
        segments = list(_open_all(folder))
        files = _oldest(folder.glob(f"*{INDEX}"))
        if not files:
            continue
        with suppress(OSError):
            chain = (folder / CHAIN).read_text(encoding="utf-8", errors="replace").strip()
            entries = len({key for segment in segments for key in segment.images})
            used = max((file.used for file in files), default=0.0)
            found.append(Listed(folder.parent.name, chain, entries, sum(file.size for file in files), used))
    return sorted(found, key=lambda chain: -chain.used)


def clear() -> None:
    """Takes away all that is cached; runs that are using it go on. Raises OSError."""
    for place in _places():
        if place.exists():
            shutil.rmtree(place)


def _places() -> list[Path]:
    return [user_folder() / name for name in FOLDERS]


def make_room(limit: int, size: int, in_use: set[Path]) -> int:
    """Takes away what was not used for longest until `size` bytes more are within the limit, if that can be.

    in_use: index files that stay. Returns how many of the bytes there is room for.
    """
    found = _oldest(path for place in _places() for path in place.glob(f"*/*{INDEX}"))
    total = sum(file.size for file in found)
    for file in found:
        if total + size <= limit:
            break
        if file.path not in in_use:
            _remove(file.path)
            total -= file.size
    return max(0, min(size, limit - total))


class _File(NamedTuple):
    used: float
    size: int
    path: Path


def _oldest(paths: Iterator[Path]) -> list[_File]:
    """Segments by their index files, that not used for longest first; of those used together, the smallest first."""
    found = []
    for path in paths:
        with suppress(OSError):  # another process took it away
            index = path.stat()
            pixels = path.with_suffix(PIXELS)
            found.append(_File(index.st_mtime, index.st_size + (pixels.stat().st_size if pixels.exists() else 0), path))
    return sorted(found)


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.with_suffix(PIXELS).unlink(missing_ok=True)
        path.unlink(missing_ok=True)


def _open_all(folder: Path) -> Iterator[Segment]:
    for file in _oldest(folder.glob(f"*{INDEX}"))[::-1][:MOST_SEGMENTS]:
        if file.size >= RECORD:
            with suppress(OSError):
                yield Segment.open(file.path)


def _stamp_key(stamp: str) -> bytes:
    return blake2b(stamp.encode("utf-8", "surrogatepass"), digest_size=32).digest()


def _in_words(size: int) -> str:
    unit = next(unit for unit in ("T", "G", "M", "K", "") if size >= _UNITS[unit] or not unit)
    return f"{size / _UNITS[unit]:.3g} {unit}{'i' if unit else ''}B"

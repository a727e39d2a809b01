"""RecordIO: files that hold photographs one after the other, as MXNet's im2rec packs them, read and written here.

Enters: bytes, or the path of a file. Leaves: files that `mx.io.ImageRecordIter` reads, or the records of one.
Guaranteed: a file that is cut short or damaged is told in words. (MXNet's own reader aborts the process.)

A file is a sequence of parts, each at a multiple of four bytes: a magic number, a word whose upper three bits say which
part of a record it is (0 the whole, 1 the first, 2 one between, 3 the last) and whose lower 29 bits are its length in
bytes, the bytes, and zeros up to the next multiple of four. A record is cut where it holds the magic number at a
multiple of four bytes; the number itself is left out there. A record is a header (flag, label, id, id2) with a
photograph's bytes behind it. A flag above 0 is the number of labels, which stand between header and photograph.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

MAGIC = 0xCED7230A
WHOLE, FIRST, BETWEEN, LAST = range(4)
LONGEST = 2**29 - 1
"""Bytes of a part."""

MOST_LABELS = 1_000_000
"""No record has more; a number beyond it is damage."""

_WORDS = struct.Struct("<II")
_HEADER = struct.Struct("<IfQQ")
_MAGIC_BYTES = struct.pack("<I", MAGIC)


class BadRecord(Exception):
    """What is wrong with a record, in words."""


class Head(NamedTuple):
    """What stands before the photograph of a record: its labels, two numbers, and where the next record begins."""

    labels: tuple[float, ...]
    id: int
    id2: int
    end: int


class RecordFile:
    """An open file of records. Its methods may be called from several threads."""

    def __init__(self, file: BinaryIO) -> None:
        self._handle = file.fileno()
        self.size = os.fstat(self._handle).st_size

    def head(self, offset: int) -> Head:
        """The head of the record that begins at a byte. Raises BadRecord; OSError if the disk fails."""
        kind, length, data = self._part(offset, _HEADER.size + 4)
        end = _end_of(offset, length)
        if kind != WHOLE:
            data, end = self._record(offset)
            length = len(data)
        elif len(data) >= _HEADER.size and (flag := _HEADER.unpack_from(data)[0]) > 1:
            if flag > MOST_LABELS:
                raise BadRecord(f"it claims to have {flag} labels")
            data = self._part(offset, _HEADER.size + 4 * flag)[2]
        labels, id, id2, _ = _head_of(data, length)
        return Head(labels, id, id2, end)

    def photograph(self, offset: int) -> bytes:
        """The photograph in the record that begins at a byte, as the bytes of its file. Raises BadRecord, OSError."""
        data, _ = self._record(offset)
        return data[_head_of(data, len(data))[3] :]

    def offsets(self) -> Iterator[tuple[int, Head]]:
        """Where each record begins, with its head, from the first to the last. Raises BadRecord at the first that is
        damaged: where the next one begins is not known then.
        """
        offset = 0
        while offset < self.size:
            head = self.head(offset)
            yield offset, head
            offset = head.end

    def _part(self, offset: int, most: int | None = None) -> tuple[int, int, bytes]:
        """The kind of a part, its length, and its bytes, or the first `most` of them."""
        start = os.pread(self._handle, _WORDS.size + (0 if most is None else most), offset)
        if len(start) < _WORDS.size:
            raise BadRecord("the file ends before it")
        magic, word = _WORDS.unpack_from(start)
        if magic != MAGIC:
            raise BadRecord("no record begins here")
        kind, length = word >> 29, word & LONGEST
        if kind > LAST:
            raise BadRecord("it is of a kind that does not exist")
        if _end_of(offset, length) > self.size:
            raise BadRecord("the file ends within it")
        if most is not None:
            return kind, length, start[_WORDS.size : _WORDS.size + length]
        return kind, length, os.pread(self._handle, length, offset + _WORDS.size)

    def _record(self, offset: int) -> tuple[bytes, int]:
        """A whole record, its parts put together, and where the next one begins."""
        kind, length, data = self._part(offset)
        if kind in (BETWEEN, LAST):
            raise BadRecord("it begins in the middle")
        parts, end = [data], _end_of(offset, length)
        while kind not in (WHOLE, LAST):
            kind, length, data = self._part(end)
            if kind in (WHOLE, FIRST):
                raise BadRecord("its end is missing")
            parts.append(data)
            end = _end_of(end, length)
        return _MAGIC_BYTES.join(parts), end


def _end_of(offset: int, length: int) -> int:
    return offset + _WORDS.size + (length + 3) // 4 * 4


def _head_of(data: bytes, length: int) -> tuple[tuple[float, ...], int, int, int]:
    """Labels and numbers of a record, and where its photograph begins. length: of the whole record, in bytes."""
    if length < _HEADER.size:
        raise BadRecord("it is too short for a header")
    flag, label, id, id2 = _HEADER.unpack_from(data)
    begins = _HEADER.size + 4 * flag
    if flag > MOST_LABELS or begins > length:
        raise BadRecord(f"it claims to have {flag} labels")
    labels = struct.unpack_from(f"<{flag}f", data, _HEADER.size) if flag else (label,)
    return labels, id, id2, begins


class RecordWriter:
    """Writes records into an open file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._offset = 0

    def add(self, photograph: bytes, labels: tuple[float, ...], id: int, id2: int = 0) -> int:
        """Writes one record and returns where it begins. A single label stands in the header itself.

        Raises ValueError for a photograph of half a gigabyte or more, which has no room in a part.
        """
        flag = 0 if len(labels) == 1 else len(labels)
        more = struct.pack(f"<{flag}f", *labels[:flag])
        offset = self._offset
        for part in _parts(_HEADER.pack(flag, 0.0 if flag else labels[0], id, id2) + more + photograph):
            self._offset += self._file.write(part)
        return offset


def _parts(data: bytes) -> Iterator[bytes]:
    """A record as it stands in the file."""
    words = np.frombuffer(data, "<u4", count=len(data) // 4)
    cuts = [4 * int(at) for at in np.flatnonzero(words == MAGIC)]
    starts, ends = [0, *(cut + 4 for cut in cuts)], [*cuts, len(data)]
    for at, (start, end) in enumerate(zip(starts, ends, strict=True)):
        kind = (WHOLE if at == 0 else LAST) if at == len(cuts) else (FIRST if at == 0 else BETWEEN)
        if end - start > LONGEST:
            raise ValueError("too large for a record")
        yield _WORDS.pack(MAGIC, kind << 29 | (end - start)) + data[start:end] + bytes(-(end - start) % 4)


# --- the files beside it


def beside(records: Path, ending: str) -> Path:
    """The index (`.idx`) or the list (`.lst`) of a file of records."""
    return records.with_suffix(ending)

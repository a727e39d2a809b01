"""Where the parts of a zip archive lie in the file, for archives whose parts are stored as they are.

Enters: a file. Leaves: its directory, and on demand the place of a part. Python's `zipfile` reads as much as a
directory claims to have, and does not say where in the file a part's bytes are. Layout, after PKWARE's APPNOTE.TXT
(4.3), all numbers little-endian:

    part         "PK\\3\\4", at +26 u16 bytes of name and of extra; from +30 name, extra, content
    directory    a part: "PK\\1\\2", at +8 u16 flags and method, at +16 u32 CRC-32, size in the file, real size, at +28
                 u16 bytes of name, extra, comment, at +42 u32 where it is; then name, extra (u16 id, u16 size, content;
                 again), comment
    end          "PK\\5\\6", at +10 u16 parts, u32 bytes and u32 start of the directory, u16 bytes of a comment
    large files  a number too large for its place is all ones. Of a part, those of real size, size and place that are
                 stand as u64 in extra 1. Of the directory, the 20 bytes before the end, "PK\\6\\7", have at +8 u64
                 where "PK\\6\\6" is, with u64 parts, bytes and start at +32
"""

from __future__ import annotations

import os
import struct
from typing import BinaryIO, NamedTuple

from retdsl.weights.model import ANEW, DAMAGED, BadWeights

END, END_64, LOCATOR_64, IN_DIRECTORY, PART = b"PK\5\6", b"PK\6\6", b"PK\6\7", b"PK\1\2", b"PK\3\4"
END_SIZE, LOCATOR_SIZE, END_64_SIZE, IN_DIRECTORY_SIZE, PART_SIZE = 22, 20, 56, 46, 30
ONES_16, ONES_32 = 0xFFFF, 0xFFFFFFFF

MAX_COMMENT = 0xFFFF
MAX_DIRECTORY = 16 << 20
"""Bytes of a directory: room for some 150 000 parts."""


class Part(NamedTuple):
    """A part as the directory has it. packed: its bytes in the file; size: its real ones; at: where its header is."""

    name: str
    method: int
    crc32: int
    packed: int
    size: int
    at: int


def read_directory(file: BinaryIO) -> dict[str, Part]:
    """All parts by name. Raises BadWeights."""
    end = file.seek(0, os.SEEK_END)
    count, size, start = _directory_place(file, end)
    if size > MAX_DIRECTORY:
        raise BadWeights(f"its directory claims {size:,} bytes; {MAX_DIRECTORY:,} are allowed", ANEW)
    if start + size > end:
        raise BadWeights(DAMAGED, ANEW)
    file.seek(start)
    directory = file.read(size)
    parts: dict[str, Part] = {}
    at = 0
    while at + IN_DIRECTORY_SIZE <= size and directory[at : at + 4] == IN_DIRECTORY:
        part, at = _part(directory, at)
        if part.name in parts:
            raise BadWeights(f"it has two parts of the name {part.name!r:.100}", ANEW)
        parts[part.name] = part
    if at != size or len(parts) != count:
        raise BadWeights(DAMAGED, ANEW)
    return parts


def content_start(file: BinaryIO, part: Part, end: int) -> int:
    """The first byte of a part's content, all of which lies before `end`. Raises BadWeights, also if it is packed."""
    if part.method != 0 or part.packed != part.size:
        said = f"its part {part.name!r:.100} is compressed, which PyTorch never does"
        raise BadWeights(said, "download it anew, or unpack and pack it again with `zip -0`")
    if part.at + PART_SIZE > end:
        raise BadWeights(DAMAGED, ANEW)
    file.seek(part.at)
    header = file.read(PART_SIZE)
    name_size, extra_size = struct.unpack_from("<HH", header, 26)
    start = part.at + PART_SIZE + int(name_size) + int(extra_size)
    if not header.startswith(PART) or file.read(name_size) != part.name.encode() or start + part.size > end:
        raise BadWeights(DAMAGED, ANEW)
    return start


def _directory_place(file: BinaryIO, end: int) -> tuple[int, int, int]:
    """Number of parts, bytes and start of the directory."""
    tail_start = max(0, end - END_SIZE - MAX_COMMENT)
    file.seek(tail_start)
    tail = file.read(end - tail_start)
    at = tail.rfind(END)
    if at < 0 or at + END_SIZE > len(tail):
        raise BadWeights("it is truncated: the directory at its end is missing", ANEW)
    count, size, start = struct.unpack_from("<HII", tail, at + 10)
    if count != ONES_16 and ONES_32 not in (size, start):
        return int(count), int(size), int(start)
    before = at - LOCATOR_SIZE
    if before < 0 or tail[before : before + 4] != LOCATOR_64:
        raise BadWeights(DAMAGED, ANEW)
    (record_at,) = struct.unpack_from("<Q", tail, before + 8)
    if record_at + END_64_SIZE > end:
        raise BadWeights(DAMAGED, ANEW)
    file.seek(record_at)
    record = file.read(END_64_SIZE)
    if not record.startswith(END_64):
        raise BadWeights(DAMAGED, ANEW)
    count, size, start = struct.unpack_from("<QQQ", record, 32)
    return int(count), int(size), int(start)


def _part(directory: bytes, at: int) -> tuple[Part, int]:
    """The part at a place of the directory, and the place behind it."""
    (method,) = struct.unpack_from("<H", directory, at + 10)
    crc32, packed, size, name_size, extra_size, comment_size = struct.unpack_from("<IIIHHH", directory, at + 16)
    (place,) = struct.unpack_from("<I", directory, at + 42)
    name_at = at + IN_DIRECTORY_SIZE
    extra_at = name_at + name_size
    behind = extra_at + extra_size + comment_size
    if behind > len(directory):
        raise BadWeights(DAMAGED, ANEW)
    try:
        name = directory[name_at:extra_at].decode()
    except UnicodeDecodeError as error:
        raise BadWeights(DAMAGED, ANEW) from error
    large = _large_numbers(directory[extra_at : extra_at + extra_size], (size, packed, place))
    return Part(name, method, crc32, large[1], large[0], large[2]), behind


def _large_numbers(extra: bytes, small: tuple[int, int, int]) -> list[int]:
    """Numbers of four bytes; in place of those that are all ones, those of eight bytes that `extra` has."""
    wide = b""
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        wide = wide or (extra[4 : 4 + size] if kind == 1 else b"")
        extra = extra[4 + size :]
    numbers = []
    for number in small:
        if number == ONES_32:
            if len(wide) < 8:
                raise BadWeights(DAMAGED, ANEW)
            number, wide = int.from_bytes(wide[:8], "little"), wide[8:]
        numbers.append(number)
    return numbers

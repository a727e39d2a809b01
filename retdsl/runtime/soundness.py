"""Whether a picture's file is whole, as far as its bytes tell.

Enters: the bytes of a file. Leaves: what is wrong with them, or nothing. Guaranteed: a file that was cut
short anywhere is found out, in a PNG any damage whatever. Decoders promise neither: OpenCV fills what a JPEG lacks with
grey and says nothing.

Damage inside the data of a JPEG or a WebP can be seen only where it breaks the file's structure: what is left may be
valid code of another picture.
"""

from __future__ import annotations

import zlib

import numpy as np

from retdsl.runtime.picture_header import JPEG_SCAN, JPEG_START, PNG_START, jpeg_segments, png_chunks

JPEG_END = b"\xff\xd9"
_END = 0xD9
_STUFFED, _FILL = 0x00, 0xFF
_RESTARTS = range(0xD0, 0xD8)
_BETWEEN_SCANS = frozenset({0xC4, 0xCC, JPEG_SCAN, 0xDB, 0xDC, 0xDD, *range(0xE0, 0xF0), 0xFE})
"""Markers that may follow the data of a scan: tables, the next scan, and what programs note."""


def what_is_wrong(data: bytes) -> str | None:
    """What shows that a file is not whole; None if nothing does, or nobody can tell."""
    if data.startswith(JPEG_START):
        return _jpeg(data)
    if data.startswith(PNG_START):
        return _png(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP" and len(data) < int.from_bytes(data[4:8], "little") + 8:
        return "the photograph is cut short: its WebP data has no end"
    return None


def _jpeg(data: bytes) -> str | None:
    """Walks the scans to the end marker. A thumbnail within a segment has an end of its own, which is passed over."""
    cut = "the photograph is cut short: its JPEG data has no end"
    damaged = "the photograph is damaged: its JPEG data is interrupted"
    segments = [*jpeg_segments(data)]
    if not segments or segments[-1][0] != JPEG_SCAN:
        return cut
    at = segments[-1][1]
    values = np.frombuffer(data, np.uint8)
    marks = np.flatnonzero(values[:-1] == 0xFF)
    kinds = values[marks + 1]
    telling = (kinds != _STUFFED) & (kinds != _FILL)
    marks, kinds = marks[telling], kinds[telling]
    while True:
        inside = int(np.searchsorted(marks, at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")))
        restarts = 0
        while inside < len(marks) and kinds[inside] in _RESTARTS:
            if kinds[inside] != _RESTARTS[restarts % 8]:
                return damaged
            inside, restarts = inside + 1, restarts + 1
        if inside == len(marks):
            return cut
        at = int(marks[inside])
        while data[at + 1] != JPEG_SCAN:
            if data[at + 1] == _END:
                return None
            if data[at] != 0xFF or data[at + 1] not in _BETWEEN_SCANS:
                return damaged
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
            while data[at : at + 2] == b"\xff\xff":
                at += 1
            if at + 4 > len(data) and data[at : at + 2] != JPEG_END:
                return cut


def _png(data: bytes) -> str | None:
    """Every chunk ends in a checksum of its own."""
    for kind, start, length in png_chunks(data):
        end = start + length
        if end + 4 > len(data):
            break
        if zlib.crc32(data[start - 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            return "the photograph is damaged: a checksum of its PNG data is wrong"
        if kind == b"IEND":
            return None
    return "the photograph is cut short: its PNG data has no end"

"""The line between a process of a job and its foreman: messages over TCP.

Enters: messages, each of a kind and some bytes. Leaves: the same on the other side, in order. Guaranteed: what is not a
message of this version ends the line. A message: its kind (a byte), how many bytes follow (eight, big-endian), these.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

HEAD = struct.Struct(">cQ")

HELLO, WELCOME, ALIVE, ROWS, DONE, FAILED, INTERRUPT, END = (bytes([code]) for code in b"HWARDFIE")
"""Kinds: who a process is, what it needs to know, that it is alive, rows to be joined, that it is done, why it failed,
that it is to finish at once in good order, that it is to end, and why.
"""

KINDS = {HELLO, WELCOME, ALIVE, ROWS, DONE, FAILED, INTERRUPT, END}

LONGEST = 2**40
"""Bytes; what says that it is longer is no message."""


class BadLine(Exception):
    """What came is no message."""


def message(kind: bytes, body: bytes = b"") -> bytes:
    return HEAD.pack(kind, len(body)) + body


def message_of(kind: bytes, **facts: Any) -> bytes:
    """A message of facts, which `facts_of` gives back."""
    return message(kind, json.dumps(facts).encode())


def facts_of(body: bytes) -> dict[str, Any]:
    """Raises BadLine."""
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise BadLine("no facts")
    return found


class Messages:
    """Takes bytes as they come, and gives the messages that are whole."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def take(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Raises BadLine."""
        self._waiting += data
        while len(self._waiting) >= HEAD.size:
            kind, size = HEAD.unpack_from(self._waiting)
            if kind not in KINDS or size > LONGEST:
                raise BadLine("no message")
            end = HEAD.size + size
            if len(self._waiting) < end:
                return
            body = bytes(self._waiting[HEAD.size : end])
            del self._waiting[:end]
            yield kind, body


def packed(rows: NDArray[Any]) -> bytes:
    """An array as bytes: its type and shape as a line of JSON, then its numbers."""
    plain = np.ascontiguousarray(rows, rows.dtype.newbyteorder("<"))
    return json.dumps([plain.dtype.str, list(rows.shape)]).encode() + b"\n" + plain.tobytes()


def unpacked(body: bytes) -> NDArray[Any]:
    head, _, numbers = body.partition(b"\n")
    kind, shape = json.loads(head)
    return np.frombuffer(numbers, np.dtype(kind)).reshape(shape)


def bundled(parts: Sequence[bytes]) -> bytes:
    """Several bodies as one."""
    return b"".join(struct.pack(">Q", len(part)) + part for part in parts)


def unbundled(body: bytes) -> list[bytes]:
    parts, at = [], 0
    while at < len(body):
        (size,) = struct.unpack_from(">Q", body, at)
        parts.append(body[at + 8 : at + 8 + size])
        at += 8 + size
    return parts

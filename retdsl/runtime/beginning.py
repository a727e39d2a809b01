"""The SHA-256 of files that begin alike: what stands at their beginning and never changes is hashed once.

Enters: a file in parts, as it is written. Leaves: the SHA-256 of all of it, whatever was hashed before. A checkpoint
begins with what is frozen, which is most of it where a head is trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from itertools import takewhile
from typing import TypeAlias

Part: TypeAlias = bytes | memoryview


class Beginning:
    """What the last file began with, as far as it cannot change: bytes, and arrays that are not to be written to."""

    def __init__(self) -> None:
        self._parts: Sequence[Part] = ()
        self._hashed = sha256()

    def digest(self, parts: Sequence[Part]) -> str:
        """The SHA-256 of a file, 64 hexadecimal digits."""
        beginning = [*takewhile(_stays, parts)]
        if len(beginning) != len(self._parts) or not all(map(_is_same, beginning, self._parts)):
            self._parts, self._hashed = beginning, sha256()
            for part in beginning:
                self._hashed.update(part)
        hashed = self._hashed.copy()
        for part in parts[len(beginning) :]:
            hashed.update(part)
        return hashed.hexdigest()


def _stays(part: Part) -> bool:
    return isinstance(part, bytes) or part.readonly


def _is_same(part: Part, before: Part) -> bool:
    """Whether it is the very same array, or equal bytes."""
    if isinstance(part, memoryview) and isinstance(before, memoryview):
        return part.obj is before.obj and part.nbytes == before.nbytes
    return part == before

"""Files of JSON lines that somebody else is writing.

Enters: a path. Leaves: what the whole lines say. Guaranteed: a line that is only half there is not read before it is
whole; what is no JSON object is passed over; a file that has become shorter, because a run was resumed before its last
lines, is read anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


class GrowingFile:
    """The lines of a file so far; only what has been added is read again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        self._rest = b""
        self._begins = b""
        self._lines: list[dict[str, Any]] = []

    def lines(self) -> list[dict[str, Any]]:
        """All lines that are whole by now; none while there is no file."""
        try:
            with self._path.open("rb") as file:
                size = file.seek(0, 2)
                file.seek(0)
                begins = file.read(len(self._begins))
                if size < self._read or begins != self._begins:
                    self._read, self._rest, self._lines = 0, b"", []
                file.seek(self._read)
                added = file.read()
                if self._read == 0:
                    self._begins = added[:64]
        except OSError:
            return self._lines
        self._read += len(added)
        *whole, self._rest = (self._rest + added).split(b"\n")
        self._lines += [found for line in whole if (found := _object(line)) is not None]
        return self._lines


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def read_object(path: Path) -> dict[str, Any]:
    """A JSON object; empty where there is none, or none that is whole."""
    try:
        return _object(path.read_bytes()) or {}
    except OSError:
        return {}

"""`metrics.jsonl`, a line an epoch; `steps.jsonl`, a line every so many batches; and the time that a run took.

Enters: figures of finished epochs. Leaves: the file. Guaranteed: each epoch once, in order, as whole lines; a training
that goes on from an earlier state takes the lines after it away and writes them anew.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.files import append_json_line, json_line, write_bytes


class Journal:
    """The lines of one run, in memory and in the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: list[bytes] = []

    def add(self, line: Mapping[str, Any]) -> None:
        """An epoch that is finished. Raises RunError when the system refuses; the file is as it was."""
        append_json_line(self._path, line)
        self._lines.append(json_line(line))

    def state(self) -> dict[str, NDArray[np.uint8]]:
        return {"lines": np.frombuffer(b"".join(self._lines), np.uint8)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Has the file hold these lines and no others."""
        content = state["lines"].tobytes()
        self._lines = content.splitlines(keepends=True)
        if content:
            if not self._path.is_file() or self._path.read_bytes() != content:
                write_bytes(self._path, content)
        else:
            self._path.unlink(missing_ok=True)


class Trail:
    """A file of lines that may become many: `steps.jsonl`. Only its length is remembered."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, line: Mapping[str, Any]) -> None:
        """Raises RunError when the system refuses; the file is as it was."""
        append_json_line(self._path, line)

    def state(self) -> dict[str, NDArray[np.int64]]:
        return {"bytes": np.array(self._path.stat().st_size if self._path.is_file() else 0)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Takes away what was written since."""
        size = int(state["bytes"])
        if not self._path.is_file():
            return
        if size == 0:
            self._path.unlink()
        elif self._path.stat().st_size > size:
            os.truncate(self._path, size)


class Clock:
    """How long a run took, and how fast it learned, without the time between an interruption and going on."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._images, self._training = 0, 0.0

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._started

    @property
    def images_per_second(self) -> float:
        """Of training alone."""
        return self._images / self._training if self._training else 0.0

    def trained(self, images: int, seconds: float) -> None:
        self._images += images
        self._training += seconds

    def state(self) -> dict[str, NDArray[Any]]:
        return {"seconds": np.array([self.seconds, self._training]), "images": np.array(self._images)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        before, self._training = map(float, state["seconds"])
        self._started = time.perf_counter() - before
        self._images = int(state["images"])

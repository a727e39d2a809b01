"""The photographs that paths stand for: files as they are, folders gone through.

Enters: paths, as a person gives them. Leaves: `Found`: the photographs, each once, in the order of the paths, those of
a folder in the order of their names. Guaranteed: a path that is not there is told before anything runs; links in a
circle end.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from retdsl.records import dataclass
from retdsl.runtime.errors import RunError
from retdsl.runtime.paths import reason_of, walk
from retdsl.runtime.problems import Problems
from retdsl.runtime.sources import EXTENSIONS


@dataclass(frozen=True, slots=True)
class Found:
    """images: their paths; skipped: how many files of folders are of another kind, by their ending; twice: how many
    were named more than once; remarks: what is wrong with folders.
    """

    images: tuple[str, ...]
    skipped: dict[str, int]
    twice: int
    remarks: tuple[str, ...]

    def left_out(self) -> list[str]:
        """What was left out, a line each."""
        lines = []
        if self.skipped:
            count = sum(self.skipped.values())
            kinds = ", ".join(f"{n} {ending}" for ending, n in sorted(self.skipped.items(), key=lambda e: -e[1])[:4])
            lines.append(f"{count} file{'s' if count > 1 else ''} of other kinds skipped ({kinds})")
        if self.twice:
            lines.append(f"{self.twice} named more than once, and asked about once")
        return lines


def find_photographs(paths: Sequence[str]) -> Found:
    """The photographs. Raises RunError for paths that are not there, and if there is none at all."""
    problems, missing = Problems(), Problems()
    seen: dict[tuple[int, int], Path] = {}
    skipped: Counter[str] = Counter()
    found: list[str] = []
    for path in paths:
        if os.path.isdir(path):
            found += _of_folder(Path(path), seen, skipped, problems)
        elif os.path.lexists(path):
            found.append(path)
        else:
            missing.add("photographs and folders that do not exist", path)
    missing.raise_any("nothing was predicted")
    remarks = _told(problems)
    images = tuple(dict.fromkeys(os.path.normpath(path) for path in found))
    if not images:
        help = f"photographs end in {', '.join(EXTENSIONS)}; a file of another name can be named itself"
        raise RunError("there are no photographs", items=[*paths, *remarks], help=help)
    return Found(images, dict(skipped), len(found) - len(images), remarks)


def _of_folder(top: Path, seen: dict[tuple[int, int], Path], skipped: Counter[str], problems: Problems) -> list[str]:
    def wanted(name: str) -> bool:
        ending = os.path.splitext(name)[1].lower()
        if ending not in EXTENSIONS:
            skipped[ending or "without an ending"] += 1
        return ending in EXTENSIONS

    try:
        return [str(path) for path in walk(top, wanted, seen, problems, absent=True)]
    except OSError as error:
        problems.add("folders that cannot be read", f"{top}: {reason_of(error)}")
        return []


def _told(problems: Problems) -> tuple[str, ...]:
    """All problems, a line each."""
    try:
        problems.raise_any("folders")
    except RunError as error:
        parts = error.parts or (error,)
        return tuple(f"{part.message.rsplit(' (', 1)[0]}: {item}" for part in parts for item in part.items)
    return ()

"""What a source of labelled photographs is, and what several kinds of them share.

The kinds stand in modules of their own: `tables`, `folders`, `recordio`, `synthetic`; `joined` makes one of several.
Guaranteed by each: every sample has a label within `classes`, a patient, and a file that was there; whatever is wrong
is told at once, in one RunError.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, Protocol
from uuid import uuid4

import numpy as np

from retdsl.runtime.decode import Photograph
from retdsl.runtime.errors import RunError
from retdsl.runtime.labels import Labelling, Told
from retdsl.runtime.paths import reason_of
from retdsl.runtime.problems import listed
from retdsl.runtime.sample import Sample

EXTENSIONS = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp", ".dcm")


MOMENT = 2.0
"""Seconds in which a file that was changed may change again unseen."""


class Wanted(NamedTuple):
    """What a study wants to know of every photograph.

    classes: their names, the healthy one first; labels: how cells become a label, in place of what the source says;
    side: the column that says on which side of the split a photograph is; every: whether each class must occur, which
    is not asked of one source among several; told: takes what there is to tell of labels; absent: whether photographs
    that are no files are listed as others are, for whoever reads them to tell; listed: takes, where something is wrong
    with the labels, the photographs that can be looked at even so.
    """

    classes: tuple[str, ...]
    labels: Labelling | None = None
    side: str | None = None
    every: bool = True
    told: list[Told] | None = None
    absent: bool = False
    listed: list[Sample] | None = None


class Source(Protocol):
    """What lists labelled photographs and reads them."""

    def samples(self, root: Path, wanted: Wanted) -> list[Sample]:
        """Every photograph. Raises one RunError with all that is wrong."""

    def read(self, root: Path, sample: Sample) -> bytes | Photograph:
        """The photograph of a sample: the bytes of its file, or its pixels where it never was one.

        Raises RunError if it cannot be read.
        """

    def tables(self, root: Path) -> list[str]:
        """The files that say which photographs there are, relative to root if they lie below it; often none.

        Raises RunError if they are not there.
        """

    def stamp(self, root: Path, sample: Sample) -> str:
        """A text that is another one when what `read` gives may be another photograph; cheaper than reading it.

        Raises RunError if there is nothing to read.
        """


def read_file(path: Path) -> bytes:
    """All bytes of a file. Raises RunError, with `path` as its place."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from None


def stamp_of_file(path: Path) -> str:
    """Which file it is, how long, and when it was last changed: no write to a file leaves all of them as they were.

    Clocks of file systems tick slowly: two changes within a tick have one time. So what was changed a moment ago gets a
    stamp that it never gets again.
    """
    try:
        found = os.stat(path)
    except OSError as error:
        raise _unreadable(path, error) from None
    stamp = f"{found.st_dev}:{found.st_ino}:{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}"
    return stamp if time.time() - found.st_ctime > MOMENT else f"{stamp}:{uuid4().hex}"


def _unreadable(path: Path, error: OSError) -> RunError:
    match error:
        case FileNotFoundError():
            return RunError("no such file", where=path)
        case IsADirectoryError():
            return RunError("this is a folder, not a photograph", where=path)
        case _:
            return RunError(reason_of(error), where=path)


def refuse_columns(source: str, wanted: Wanted) -> None:
    """Raises RunError where a study wants columns of a source that has none."""
    columns = (*(wanted.labels.columns if wanted.labels else ()), *([wanted.side] if wanted.side else ()))
    if columns:
        raise RunError(
            f"{source} has no columns, and {listed(columns)} is wanted", help="list the photographs in a table"
        )


def patient_pattern(expression: str) -> re.Pattern[str]:
    """A regular expression whose first group is the patient. Raises RunError where it is none, or has no group."""
    try:
        pattern = re.compile(expression)
    except re.error as error:
        raise RunError(f"`patient` is no regular expression: {error}", where=expression) from None
    if pattern.groups == 0:
        help = 'as in `"(.+)_(left|right)"`'
        raise RunError("`patient` has no group that holds the patient", where=expression, help=help)
    return pattern


def sha256_of_photograph(fetched: bytes | Photograph) -> str:
    """The SHA-256 of a photograph as its source has it: of the bytes of its file, else of its pixels."""
    return sha256(fetched if isinstance(fetched, bytes) else np.ascontiguousarray(fetched).data).hexdigest()


def in_words(classes: Sequence[str]) -> str:
    """What the classes are, for messages."""
    return f"the classes are {listed(classes)}"

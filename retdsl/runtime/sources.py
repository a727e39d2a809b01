"""Where labelled photographs come from: a table (`csv`) or one folder per class (`folder`).

Enters: the root folder of the study's data and its classes. Leaves: a `Sample` per photograph, and on demand the
photograph itself. Guaranteed: every sample has a label within `classes`, a patient, and a file that was there; whatever
is wrong with the table or the folders is told at once, in one RunError.
"""

from __future__ import annotations

import csv as csv_format
import io
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from retdsl.runtime.decode import Photograph, read_photograph
from retdsl.runtime.errors import RunError
from retdsl.runtime.problems import Problems, did_you_mean, listed, near_names
from retdsl.runtime.sample import Sample

EXTENSIONS = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp")
DELIMITERS = ",;\t"
_MISSING = "photographs that do not exist"


class Source(Protocol):
    """What lists labelled photographs and reads them."""

    def samples(self, root: Path, classes: tuple[str, ...]) -> list[Sample]:
        """Every photograph. Raises one RunError with all that is wrong."""

    def read(self, root: Path, sample: Sample) -> Photograph:
        """The photograph of a sample. Raises RunError if it cannot be read."""


@dataclass(frozen=True, slots=True)
class csv:
    """A table with a header: one row a photograph, UTF-8, separated by comma, semicolon or tab.

    path: of the table, relative to root, as are the paths in the `image` column; both may be absolute. image, label,
    patient: names of columns; without `patient`, every photograph counts as a patient of its own. Further columns are
    ignored, and so are blank lines.
    """

    path: str
    image: str = "image"
    label: str = "label"
    patient: str | None = None

    def samples(self, root: Path, classes: tuple[str, ...]) -> list[Sample]:
        table = root / self.path
        rows = _Rows(self, table, classes)
        for line, cells in _read_rows(self, root, rows.problems):
            rows.add(line, cells)
        return rows.checked(root)

    def read(self, root: Path, sample: Sample) -> Photograph:
        return read_photograph(root / sample.image)


@dataclass(frozen=True, slots=True)
class folder:
    """A folder with one sub-folder per class, which bears the name of the class and may have sub-folders itself.

    path: relative to root; patient: a regular expression for the file's name whose first group is the patient, as in
    `"(.+)_(left|right)"`; without it, every photograph counts as a patient of its own. Photographs are files ending in
    .jpg, .jpeg, .png, .tif, .tiff, .bmp or .webp, in capitals or not; other and hidden files are ignored.
    """

    path: str
    patient: str | None = None

    def samples(self, root: Path, classes: tuple[str, ...]) -> list[Sample]:
        top = root / self.path
        pattern = self._pattern()
        if not top.is_dir():
            raise RunError(f"there is no folder `{self.path}`", where=top, help=_near_files(top, root))
        found = sorted(entry.name for entry in top.iterdir() if entry.is_dir() and not entry.name.startswith("."))
        problems = Problems()
        for name in found:
            if name not in classes:
                problems.add("folders that are no class", f"`{name}`{did_you_mean(name, classes)}", _classes(classes))
        samples: list[Sample] = []
        for label, name in enumerate(classes):
            if name not in found:
                problems.add("classes without a folder", f"`{name}`{did_you_mean(name, set(found) - set(classes))}")
                continue
            photographs = sorted(filter(_is_photograph, (top / name).rglob("*")))
            if not photographs:
                problems.add("classes without a photograph", f"`{name}`", f"photographs end in {', '.join(EXTENSIONS)}")
            for photograph in photographs:
                image = (Path(self.path) / photograph.relative_to(top)).as_posix()
                match = pattern.search(photograph.name) if pattern else None
                if pattern and not (match and match.group(1)):
                    problems.add(f"file names that do not tell the patient by {self.patient!r}", image)
                samples.append(Sample(image, label, match.group(1) if match and match.group(1) else image))
        problems.raise_any(f"the folder `{self.path}` cannot be used", top)
        return samples

    def read(self, root: Path, sample: Sample) -> Photograph:
        return read_photograph(root / sample.image)

    def _pattern(self) -> re.Pattern[str] | None:
        if self.patient is None:
            return None
        try:
            pattern = re.compile(self.patient)
        except re.error as error:
            raise RunError(f"`patient` is no regular expression: {error}", where=self.patient) from None
        if pattern.groups == 0:
            raise RunError(
                "`patient` has no group that holds the patient", where=self.patient, help='as in `"(.+)_(left|right)"`'
            )
        return pattern


class _Rows:
    """The rows of a table on their way to samples."""

    def __init__(self, source: csv, table: Path, classes: tuple[str, ...]) -> None:
        self.source, self.table, self.classes = source, table, classes
        self.problems = Problems()
        self.samples: list[Sample] = []
        self.lines: dict[str, int] = {}  # where each image was first met
        self.strange: dict[str, list[int]] = {}  # labels that are no class, with their lines
        self.labels: Counter[int] = Counter()

    def add(self, line: int, cells: dict[str, str]) -> None:
        source, problems = self.source, self.problems
        image, label = cells[source.image], cells[source.label]
        patient = image if source.patient is None else cells[source.patient]
        for column, cell in (("photograph", image), ("label", label), ("patient", patient)):
            if not cell and (column != "patient" or source.patient is not None):
                problems.add(f"rows without a {column}", f"line {line}")
        if label in self.classes:
            self.labels[self.classes.index(label)] += 1
        elif label:
            self.strange.setdefault(label, []).append(line)
        if not image:
            return
        image = os.path.normpath(image)
        first = self.lines.setdefault(image, line)
        if first != line:
            problems.add("photographs listed twice", f"{image}: lines {first} and {line}")
        elif label in self.classes and patient:
            self.samples.append(Sample(image, self.classes.index(label), patient if source.patient else image))

    def checked(self, root: Path) -> list[Sample]:
        """The samples. Raises RunError with all that was wrong."""
        name = f"`{self.source.path}`"
        if not self.lines and not self.problems:
            raise RunError(f"{name} lists no photographs", where=self.table)
        for label, lines in self.strange.items():
            rows = "1 row" if len(lines) == 1 else f"{len(lines)} rows"
            case = f"`{label}`: {rows}, first in line {lines[0]}{did_you_mean(label, self.classes)}"
            self.problems.add("labels that are no class", case, _classes(self.classes))
        for position, title in enumerate(self.classes):
            if not self.labels[position]:
                self.problems.add("classes without a photograph", f"`{title}`")
        self._find_files(root)
        self.problems.raise_any(f"{name} cannot be used", self.table)
        return self.samples

    def _find_files(self, root: Path) -> None:
        missing = [image for image in self.lines if not os.path.exists(root / image)]
        beside = self.table.parent
        for image in missing:
            self.problems.add(_MISSING, f"{image} (line {self.lines[image]})", _relative(root))
        if missing and all(os.path.exists(beside / image) for image in missing):
            self.problems.advise(_MISSING, f"they are there relative to the table's own folder, {beside}")


def _read_rows(source: csv, root: Path, problems: Problems) -> Iterator[tuple[int, dict[str, str]]]:
    """The wanted cells of every row that is not blank, stripped, with the row's line number."""
    table = root / source.path
    text = _read_text(source, table, root)
    header_line = text.split("\n", 1)[0]
    delimiter = max(DELIMITERS, key=header_line.count)
    reader = csv_format.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        header = [name.strip() for name in next(reader)]
        places = _places(source, header, table)
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) < len(header) or any(cell.strip() for cell in cells[len(header) :]):
                case = f"line {reader.line_num}: {len(cells)} instead of {len(header)}"
                problems.add("rows with another number of columns than the header", case)
                continue
            yield reader.line_num, {name: cells[at].strip() for name, at in places.items()}
    except csv_format.Error as error:
        raise RunError(f"`{source.path}` is no readable table: {error}", where=f"{table}:{reader.line_num}") from None


def _read_text(source: csv, table: Path, root: Path) -> str:
    try:
        data = table.read_bytes()
    except FileNotFoundError:
        raise RunError(f"there is no file `{source.path}`", where=table, help=_near_files(table, root)) from None
    except OSError as error:
        raise RunError(f"`{source.path}` cannot be read: {error.strerror or error}", where=table) from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        help = "save the table as CSV in UTF-8"
        raise RunError(f"`{source.path}` is not text in UTF-8", where=f"{table}:{line}", help=help) from None
    if "\0" in text:
        raise RunError(f"`{source.path}` is no text file", where=table, help="save the table as CSV in UTF-8")
    if not text.strip():
        raise RunError(f"`{source.path}` is empty", where=table)
    return text.lstrip("\r\n")


def _places(source: csv, header: Sequence[str], table: Path) -> dict[str, int]:
    """Where each wanted column stands. Raises RunError naming those that the header lacks or has twice."""
    wanted = [name for name in (source.image, source.label, source.patient) if name is not None]
    problems = Problems()
    for name in dict.fromkeys(wanted):
        if name not in header:
            near = near_names(name, header)
            there = listed([*near, *(title for title in header if title not in near)])
            problems.add("columns that are not there", f"`{name}`{did_you_mean(name, header)}", f"there are {there}")
        elif header.count(name) > 1:
            problems.add("columns that are there more than once", f"`{name}`")
    problems.raise_any(f"`{source.path}` lacks columns", table)
    return {name: header.index(name) for name in wanted}


def _is_photograph(path: Path) -> bool:
    return path.suffix.lower() in EXTENSIONS and not path.name.startswith(".") and path.is_file()


def _classes(classes: Sequence[str]) -> str:
    return f"the classes are {listed(classes)}"


def _relative(root: Path) -> str:
    return f"paths are relative to {root}; another root is given by --root"


def _near_files(wanted: Path, root: Path) -> tuple[str, ...]:
    """What to do about a file or folder that is not there."""
    beside = [entry.name for entry in wanted.parent.iterdir()] if wanted.parent.is_dir() else []
    near = near_names(wanted.name, beside)
    hints = [f"there is {listed(near)}"] if near else []
    return (*hints, _relative(root))

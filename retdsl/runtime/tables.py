"""`csv`: a table with a row per photograph.

Enters: the root folder of the study's data and its classes. Leaves: a `Sample` per photograph.
"""

from __future__ import annotations

import csv as csv_format
import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from retdsl.runtime.errors import RunError
from retdsl.runtime.labels import Said, labelling
from retdsl.runtime.problems import Problems, did_you_mean, listed, near_names
from retdsl.runtime.sample import Sample
from retdsl.runtime.sources import Wanted, near_files, read_file, relative_to, stamp_of_file

DELIMITERS = ",;\t"
_MISSING = "photographs that do not exist"


@dataclass(frozen=True, slots=True)
class csv:
    """A table with a header: one row a photograph, UTF-8, separated by comma, semicolon or tab.

    path: of the table, relative to root, as are the paths in the `image` column; both may be absolute. image, label,
    patient: names of columns, and of the label also rules; without `patient`, every photograph counts as a patient of
    its own. Further columns are ignored, and so are blank lines.
    """

    path: str
    image: str = "image"
    label: Said = "label"
    patient: str | None = None

    def samples(self, root: Path, wanted: Wanted) -> list[Sample]:
        rows = _Rows(self, root / self.path, wanted)
        for line, cells in _read_rows(self, root, rows):
            rows.add(line, cells)
        return rows.checked(root)

    def read(self, root: Path, sample: Sample) -> bytes:
        return read_file(root / sample.image)

    def stamp(self, root: Path, sample: Sample) -> str:
        return stamp_of_file(root / sample.image)


class _Rows:
    """The rows of a table on their way to samples."""

    def __init__(self, source: csv, table: Path, wanted: Wanted) -> None:
        self.source, self.table, self.wanted = source, table, wanted
        self.labelling = wanted.labels or labelling(source.label)
        self.problems = Problems()
        self.rows: list[tuple[int, str, str, str | None]] = []  # line, image, patient, side
        self.labels: list[tuple[str, ...]] = []  # what the labelling reads of each row

    def add(self, line: int, cells: dict[str, str]) -> None:
        source = self.source
        image = cells[source.image]
        patient = image if source.patient is None else cells[source.patient]
        if not image:
            self.problems.add("rows without a photograph", f"line {line}")
        if not patient and source.patient is not None:
            self.problems.add("rows without a patient", f"line {line}")
        self.rows.append((line, os.path.normpath(image) if image else "", patient, cells.get(self.wanted.side or "")))
        self.labels.append(tuple(cells[column] for column in self.labelling.columns))

    @property
    def columns(self) -> tuple[str, ...]:
        """Those that are read, each once."""
        source = self.source
        columns = (source.image, *self.labelling.columns, source.patient, self.wanted.side)
        return tuple(dict.fromkeys(name for name in columns if name is not None))

    def checked(self, root: Path) -> list[Sample]:
        """The samples. Raises RunError with all that was wrong."""
        classes = self.wanted.classes
        if not self.rows and not self.problems:
            raise RunError(f"`{self.source.path}` lists no photographs", where=self.table)
        lines = self._first_lines()
        places = [f"line {line}" for line, *_ in self.rows]
        labels = self.labelling.label(self.labels, places, classes, self.problems, self.wanted.told)
        shown = {position for label in labels if label is not None for position in label.positions}
        for missing in sorted(set(range(len(classes))) - shown):
            self.problems.add("classes without a photograph", f"`{classes[missing]}`")
        samples = [
            Sample(image, label.position, patient if self.source.patient else image, side, label.target)
            for (line, image, patient, side), label in zip(self.rows, labels, strict=True)
            if label is not None and patient and lines.get(image) == line
        ]
        self._find_files(root, lines)
        self.problems.raise_any(f"`{self.source.path}` cannot be used", self.table)
        return samples

    def _first_lines(self) -> dict[str, int]:
        """The line in which each photograph is listed; a second one is a problem."""
        lines: dict[str, int] = {}
        for line, image, *_ in self.rows:
            first = lines.setdefault(image, line) if image else line
            if first != line:
                self.problems.add("photographs listed twice", f"{image}: lines {first} and {line}")
        return lines

    def _find_files(self, root: Path, lines: dict[str, int]) -> None:
        missing = [image for image in lines if not os.path.exists(root / image)]
        beside = self.table.parent
        for image in missing:
            self.problems.add(_MISSING, f"{image} (line {lines[image]})", relative_to(root))
        if missing and all(os.path.exists(beside / image) for image in missing):
            self.problems.advise(_MISSING, f"they are there relative to the table's own folder, {beside}")


def _read_rows(source: csv, root: Path, rows: _Rows) -> Iterator[tuple[int, dict[str, str]]]:
    """The wanted cells of every row that is not blank, stripped, with the row's line number."""
    table = root / source.path
    text = _read_text(source, table, root)
    header_line = text.split("\n", 1)[0]
    delimiter = max(DELIMITERS, key=header_line.count)
    reader = csv_format.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        header = [name.strip() for name in next(reader)]
        places = _places(source, rows.columns, header, table)
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) < len(header) or any(cell.strip() for cell in cells[len(header) :]):
                case = f"line {reader.line_num}: {len(cells)} instead of {len(header)}"
                rows.problems.add("rows with another number of columns than the header", case)
                continue
            yield reader.line_num, {name: cells[at].strip() for name, at in places.items()}
    except csv_format.Error as error:
        raise RunError(f"`{source.path}` is no readable table: {error}", where=f"{table}:{reader.line_num}") from None


def _read_text(source: csv, table: Path, root: Path) -> str:
    try:
        data = table.read_bytes()
    except FileNotFoundError:
        raise RunError(f"there is no file `{source.path}`", where=table, help=near_files(table, root)) from None
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


def _places(source: csv, wanted: Sequence[str], header: Sequence[str], table: Path) -> dict[str, int]:
    """Where each wanted column stands. Raises RunError naming those that the header lacks or has twice."""
    problems = Problems()
    for name in wanted:
        if name not in header:
            near = near_names(name, header)
            there = listed([*near, *(title for title in header if title not in near)])
            problems.add("columns that are not there", f"`{name}`{did_you_mean(name, header)}", f"there are {there}")
        elif header.count(name) > 1:
            problems.add("columns that are there more than once", f"`{name}`")
    problems.raise_any(f"`{source.path}` lacks columns", table)
    return {name: header.index(name) for name in wanted}

"""The cells of a table's file: text with separators, or Parquet.

Enters: a file, the columns that are wanted, the encoding of text. Leaves: a `Table`: those columns, cells stripped of
blanks around them, and where each row stands. Guaranteed: whatever the file holds, it is told in words.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from retdsl.runtime.errors import RunError
from retdsl.runtime.paths import refusal_of
from retdsl.runtime.problems import Problems, did_you_mean, listed, near_names
from retdsl.weights.other_files import LFS_POINTER

DELIMITERS = ",;\t"
PARQUET = ".parquet"
_NOTHING = frozenset({"", "na", "n/a", "#n/a", "<na>", "nan", "null", "none"})
"""What tables write in small or capital letters where they know nothing."""
_LONGEST = max(map(len, _NOTHING))

_OTHER_FILES = {
    b"PK\x03\x04": "a spreadsheet or an archive",
    b"\xd0\xcf\x11\xe0": "a spreadsheet",
    b"PAR1": "Parquet, whose names end in .parquet",
    b"\x1f\x8b": "compressed",
    LFS_POINTER: "a Git LFS pointer, not the table itself",
}


class Table(NamedTuple):
    """columns: the wanted ones, each with the cells of every row; places: of the rows, as `line 3`."""

    columns: dict[str, list[str]]
    places: list[str]


def blanks(cells: Sequence[str]) -> set[str]:
    """Those of some cells that say nothing, each once."""
    return {cell for cell in cells if says_nothing(cell)}


def says_nothing(cell: str) -> bool:
    """Whether a table knows nothing where it has this cell."""
    return len(cell) <= _LONGEST and cell.casefold() in _NOTHING


def read_table(file: Path, name: str, wanted: Sequence[str], encoding: str, within: str, problems: Problems) -> Table:
    """The wanted columns of a file. name: what messages call it; within: what they add to the place of a row.

    Rows that are blank do not count; rows of another length than the header go to the problems. Raises RunError for
    what is no table, and for columns that it has not.
    """
    if file.suffix.lower() == PARQUET:
        return _read_parquet(file, name, wanted, within)
    text = read_text(file, name, encoding)
    header_line = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = "\t" if file.suffix.lower() == ".tsv" else max(DELIMITERS, key=header_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        header = [cell.strip() for cell in next(row for row in reader if row)]
        at, first = _places(name, wanted, header, file), reader.line_num + 1
        rows = list(reader)
        lines: Sequence[int] = range(first, first + len(rows))
        if reader.line_num != first + len(rows) - 1:  # a cell holds a line break
            reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
            lines = [line for line in (reader.line_num for _ in reader) if line >= first]
    except csv.Error as error:
        raise RunError(f"`{name}` is no readable table: {error}", where=f"{file}:{reader.line_num}") from None
    if set(map(len, rows)) - {len(header)}:
        lines = _of_one_length(rows, lines, len(header), within, problems)
    return Table(
        {column: [row[place].strip() for row in rows] for column, place in at.items()},
        [f"line {line}{within}" for line in lines],
    )


def _of_one_length(
    rows: list[list[str]], lines: Sequence[int], length: int, within: str, problems: Problems
) -> list[int]:
    """Takes away blank rows, and those of another length, which are told; returns the lines of those that stay."""
    kept: list[int] = []
    good: list[list[str]] = []
    for row, line in zip(rows, lines, strict=True):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) < length or any(cell.strip() for cell in row[length:]):
            case = f"line {line}{within}: {len(row)} instead of {length}"
            problems.add("rows with another number of columns than the header", case)
            continue
        kept.append(line)
        good.append(row)
    rows[:] = good
    return kept


def _places(name: str, wanted: Sequence[str], header: Sequence[str], file: Path) -> dict[str, int]:
    """Where each wanted column stands. Raises RunError naming those that the header lacks or has twice."""
    problems = Problems()
    near = [title for column in wanted if column not in header for title in near_names(column, header)]
    there = f"there are {listed(dict.fromkeys([*near, *header]))}"
    for column in wanted:
        if column not in header:
            problems.add("columns that are not there", f"`{column}`{did_you_mean(column, header)}", there)
        elif header.count(column) > 1:
            problems.add("columns that are there more than once", f"`{column}`")
    problems.raise_any(f"`{name}` lacks columns", file)
    return {column: header.index(column) for column in wanted}


# --- text


def read_text(file: Path, name: str, encoding: str = "utf-8") -> str:
    """The text of a file. Raises RunError for what is none."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise RunError(f"`{name}` {refusal_of(error)}", where=file) from None
    for start, what in _OTHER_FILES.items():
        if data.startswith(start):
            raise RunError(f"`{name}` is no text file: it is {what}", where=file, help="save the table as CSV in UTF-8")
    try:
        text = data.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as error:
        raise _other_encoding(data, error.start, name, encoding, file) from None
    if "\0" in text:
        if encoding == "utf-8" and _likely_encoding(data) == "utf-16":
            raise _other_encoding(data, 0, name, encoding, file)
        raise RunError(f"`{name}` is no text file", where=file, help="save the table as CSV in UTF-8")
    if not text.strip():
        raise RunError(f"`{name}` is empty", where=file)
    return text


def _other_encoding(data: bytes, at: int, name: str, encoding: str, file: Path) -> RunError:
    """What is told of bytes that are no text in an encoding: the line, and how another one would read it."""
    said = encoding.upper().replace("LATIN", "Latin")
    likely = _likely_encoding(data)
    if encoding != "utf-8" or likely == "utf-16":
        line = 1 if likely == "utf-16" else data.count(b"\n", 0, at) + 1
        items = []
    else:
        line = data.count(b"\n", 0, at) + 1
        start, end = data.rfind(b"\n", 0, at) + 1, data.find(b"\n", at)
        read = data[start : end if end >= 0 else None].decode(likely, "replace").strip()
        items = [f"in {likely}, line {line} reads: {_shortened(read)}"]
    if likely == encoding:
        help = "save the table as CSV in UTF-8"
    else:
        help = f'write `encoding = "{likely}"` if that is right, or save the table as CSV in UTF-8'
    return RunError(f"`{name}` is not text in {said}", where=f"{file}:{line}", items=items, help=help)


def _likely_encoding(data: bytes) -> str:
    """What a table that is no UTF-8 most likely is."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or data[:2000].count(b"\0") > len(data[:2000]) // 4:
        return "utf-16"
    # Windows has quotation marks and dashes where Latin-1 has control characters.
    return "cp1252" if re.search(rb"[\x80-\x9f]", data) else "latin-1"


def _shortened(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."


# --- Parquet


def _read_parquet(file: Path, name: str, wanted: Sequence[str], within: str) -> Table:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        help = "pip install 'retdsl[parquet]'"
        raise RunError(
            f"`{name}` is Parquet, which pyarrow reads, and that is missing", where=file, help=help
        ) from None
    try:
        with parquet.ParquetFile(file) as opened:
            _places(name, wanted, opened.schema_arrow.names, file)
            table = opened.read(columns=list(wanted))
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise RunError(f"`{name}` {refusal_of(error)}", where=file) from None
        raise RunError(f"`{name}` is no readable Parquet file: {str(error).splitlines()[0]}", where=file) from None
    columns = {column: [_cell(value) for value in table.column(column).to_pylist()] for column in wanted}
    return Table(columns, [f"row {row}{within}" for row in range(1, table.num_rows + 1)])


def _cell(value: Any) -> str:
    """A value as a table of text would have it; 2.0 as 2, since whole numbers with gaps are stored as fractions."""
    match value:
        case None:
            return ""
        case float() if value.is_integer():
            return str(int(value))
        case bytes():
            return value.decode(errors="replace").strip()
        case _:
            return str(value).strip()

"""`recordio`: photographs packed into one file, as MXNet's im2rec and `retdsl data pack` write them.

Enters: the root folder of the study's data and its classes. Leaves: a `Sample` per photograph, whose name says where in
the file it is: `eyes.rec@4096/left/17.jpg`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from retdsl.runtime.errors import RunError
from retdsl.runtime.paths import near_files, refusal_of
from retdsl.runtime.problems import Problems, listed
from retdsl.runtime.record_files import BadRecord, Head, RecordFile, beside
from retdsl.runtime.sample import Sample, shown
from retdsl.runtime.sources import Wanted, patient_pattern, refuse_columns, stamp_of_file
from retdsl.runtime.table_files import read_text

BY_NUMBER = "id2"
"""Says that a patient is the number of that name in a record's header."""

_DAMAGED = "records that cannot be read"
_OTHER_LIST = "the list is of another file, or of another state of it: write both anew, or take the list away"
_OTHER_INDEX = "without an index the file is read from its start: take the index away, or write it anew"


class _Record(NamedTuple):
    """A record: its number, where it begins, its head, and what the list says of it."""

    number: int
    offset: int
    head: Head
    listed: _Listed | None = None


class _Listed(NamedTuple):
    """A line of the list."""

    line: int
    labels: tuple[float, ...]
    path: str


@dataclass(frozen=True, slots=True)
class recordio:
    """A file of records, with an index (.idx) and a list (.lst) of the same name beside it where they are there.

    path: of the file, relative to root. A label is the position of its class: 0 is the first; as many labels as classes
    say how far a photograph belongs to each. patient: a regular expression for the path in the list whose first group
    is the patient, or `id2`, the second number in the head of a record, where `retdsl data pack` puts the patient;
    without it, every photograph counts as a patient of its own.
    """

    path: str
    patient: str | None = None

    def samples(self, root: Path, wanted: Wanted) -> list[Sample]:
        refuse_columns(f"the records `{self.path}`", wanted)
        pattern = patient_pattern(self.patient) if self.patient not in (None, BY_NUMBER) else None
        file, problems = root / self.path, Problems()
        try:
            with file.open("rb") as opened:
                records = list(self._records(RecordFile(opened), root, problems))
        except FileNotFoundError:
            raise RunError(f"there is no file `{self.path}`", where=file, help=near_files(file, root)) from None
        except OSError as error:
            raise RunError(f"`{self.path}` {refusal_of(error)}", where=file) from None
        if not records and not problems:
            raise RunError(f"`{self.path}` holds no records", where=file)
        records = _with_list(records, file, self.path, problems)
        if pattern is not None and not beside(file, ".lst").is_file():
            help = "put the list of the photographs there, which im2rec made, or write `patient = id2`"
            raise RunError("`patient` needs the paths of the photographs", where=beside(file, ".lst"), help=help)
        labels = _labels(records, wanted, problems)
        samples: list[Sample] = []
        for record, (position, target) in zip(records, labels, strict=True):
            image = f"{self.path}@{record.offset}" + (f"/{record.listed.path}" if record.listed else "")
            patient = self._patient(record, pattern, problems) if self.patient else image
            samples.append(Sample(image, position, patient, None, target))
        if problems and wanted.listed is not None:
            wanted.listed.extend(samples)
        problems.raise_any(f"`{self.path}` cannot be used", file)
        return samples

    def read(self, root: Path, sample: Sample) -> bytes:
        file = root / self.path
        try:
            with file.open("rb") as opened:
                return RecordFile(opened).photograph(self._offset(sample))
        except BadRecord as error:
            raise RunError(f"the record is damaged: {error}", where=file) from None
        except OSError as error:
            raise RunError(f"`{self.path}` {refusal_of(error)}", where=file) from None

    def stamp(self, root: Path, sample: Sample) -> str:
        return f"{stamp_of_file(root / self.path)}:{self._offset(sample)}"

    def tables(self, root: Path) -> list[str]:  # noqa: ARG002 - every source has a root
        """What says which photographs there are."""
        return [self.path]

    def _offset(self, sample: Sample) -> int:
        place = re.match(r"@(\d+)", sample.image.removeprefix(self.path))
        if place is None:
            raise RunError(f"{sample.image!r} is no record of `{self.path}`")
        return int(place[1])

    def _records(self, file: RecordFile, root: Path, problems: Problems) -> Iterator[_Record]:
        index = beside(root / self.path, ".idx")
        if index.is_file():
            yield from _indexed(file, index, problems)
            return
        ended = 0
        try:
            for offset, head in file.offsets():
                ended = head.end
                yield _Record(head.id, offset, head)
        except BadRecord as error:
            if ended == 0:
                raise RunError(f"`{self.path}` is no file of records: {error}", where=root / self.path) from None
            help = "what stands behind it can be found with an index (.idx) only"
            problems.add(_DAMAGED, f"at byte {ended} of {file.size}: {error}", help)

    def _patient(self, record: _Record, pattern: re.Pattern[str] | None, problems: Problems) -> str:
        if pattern is None:
            if record.head.id2 == 0:
                help = "`retdsl data pack` writes a number for each patient there; im2rec does not"
                problems.add("records without a patient in `id2`", f"record {record.number}", help)
            return str(record.head.id2)
        path = record.listed.path if record.listed else ""
        match = pattern.search(path)
        if record.listed and not (match and match.group(1)):
            problems.add(f"paths that do not tell the patient by {self.patient!r}", f"{path} (record {record.number})")
        return match.group(1) if match and match.group(1) else path


def _indexed(file: RecordFile, index: Path, problems: Problems) -> Iterator[_Record]:
    """The records that an index names, in its order. Together they must fill the file."""
    numbers: set[int] = set()
    spans: list[tuple[int, int]] = []
    for line, text in enumerate(_lines(index), start=1):
        match = re.fullmatch(r"(\d+)\t(\d+)", text)
        if match is None:
            problems.add("lines of the index that are none", f"line {line} of {index.name}", _OTHER_INDEX)
            continue
        number, offset = int(match[1]), int(match[2])
        if number in numbers:
            problems.add("numbers that the index has twice", f"{number}: line {line} of {index.name}", _OTHER_INDEX)
        numbers.add(number)
        try:
            head = file.head(offset)
        except BadRecord as error:
            problems.add(_DAMAGED, f"record {number} at byte {offset} of {file.size}: {error}")
            continue
        spans.append((offset, head.end))
        yield _Record(number, offset, head)
    if not problems:
        ends = [0, *(end for _, end in sorted(spans))]
        starts = [*(start for start, _ in sorted(spans)), file.size]
        for end, start in zip(ends, starts, strict=True):
            if end != start:
                case = f"bytes {end} to {start}" if end < start else f"bytes {start} to {end}, which it has twice"
                problems.add("places that the index does not tell", case, _OTHER_INDEX)


def _with_list(records: list[_Record], file: Path, name: str, problems: Problems) -> list[_Record]:
    """The records with what the list says of them; all that does not fit goes to the problems."""
    path = beside(file, ".lst")
    if not path.is_file():
        return records
    lines = _read_list(path, problems)
    known = {record.number: record for record in records}
    if len(known) < len(records):
        problems.add("records that share a number", f"{len(records) - len(known)} of {len(records)}", _OTHER_LIST)
    for number, line in lines.items():
        if number not in known:
            case = f"{line.path} (line {line.line} of {path.name}, number {number})"
            problems.add("photographs of the list that are not in the file", case, _OTHER_LIST)
    found: list[_Record] = []
    for record in records:
        said = lines.get(record.number)
        if said is None:
            problems.add(f"records that {path.name} does not list", f"record {record.number}", _OTHER_LIST)
        elif not _same(said.labels, record.head.labels):
            here, there = _shown(said.labels), _shown(record.head.labels)
            case = f"{said.path} (line {said.line}): {here} in the list, {there} in {name}"
            problems.add("labels that differ from the list's", case, _OTHER_LIST)
        found.append(record._replace(listed=said))
    return found


def _read_list(path: Path, problems: Problems) -> dict[int, _Listed]:
    """The lines of a list by their numbers: a number, labels, and a path, with tabs between them."""
    found: dict[int, _Listed] = {}
    for at, text in enumerate(_lines(path), start=1):
        number, *labels, name = text.split("\t") if text.count("\t") >= 2 else ("", "", "")
        try:
            line = _Listed(at, tuple(map(float, labels)), name.strip())
            if int(number) in found:
                problems.add("numbers that the list has twice", f"{number}: line {at} of {path.name}", _OTHER_LIST)
            found.setdefault(int(number), line)
        except ValueError:
            help = "a line is a number, a label and a path, with tabs between them"
            problems.add("lines of the list that are none", f"line {at} of {path.name}", help)
    return found


def _lines(path: Path) -> list[str]:
    return [line for line in read_text(path, path.name).splitlines() if line.strip()]


def _same(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether labels are the same once they are float32, as records hold them."""
    return np.array_equal(np.asarray(one, np.float32), np.asarray(other, np.float32), equal_nan=True)


def _shown(labels: Sequence[float]) -> str:
    return " ".join(f"{label:g}" for label in labels)


def _target(labels: Sequence[float]) -> tuple[float, ...]:
    """Labels as they are where they are findings, each there or not; as shares, which sum to 1, where they are not."""
    whole = 1.0 if all(label in (0, 1) for label in labels) else sum(labels)
    return tuple(label / whole for label in labels)


def _labels(
    records: Sequence[_Record], wanted: Wanted, problems: Problems
) -> list[tuple[int, tuple[float, ...] | None]]:
    """The class of each record, and its target where it has a label for each class."""
    count = len(wanted.classes)
    strange: dict[tuple[str, str], list[int]] = {}
    found: list[tuple[int, tuple[float, ...] | None]] = []
    for record in records:
        labels = record.head.labels
        if len(labels) == 1 and labels[0] in range(count):
            found.append((int(labels[0]), None))
        elif len(labels) == count and all(label >= 0 for label in labels) and 0 < sum(labels) < np.inf:
            last = count - 1 - int(np.argmax(labels[::-1]))  # of several findings, and of equal shares
            found.append((last, _target(labels)))
        else:
            kind = "records without a label" if np.isnan(labels).any() or not labels else "labels that are no class"
            cells = _shown(labels[:8]) + (" ..." if len(labels) > 8 else "")
            strange.setdefault((kind, cells), []).append(record.number)
            found.append((-1, None))
    for (kind, cells), numbers in strange.items():
        rows = "1 record" if len(numbers) == 1 else f"{len(numbers)} records"
        help = f"a label is a position, 0 to {count - 1}: the classes are {listed(wanted.classes)}"
        problems.add(kind, f"{cells}: {rows}, first {numbers[0]}", help)
    present = {at for position, target in found for at in (shown(position, target) if target else (position,))}
    for missing in range(count):
        if wanted.every and missing not in present:
            problems.add("classes without a photograph", f"`{wanted.classes[missing]}`")
    return found

"""`csv`: tables with a row per photograph.

Enters: the root folder of the study's data and its classes. Leaves: a `Sample` per photograph.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

from retdsl.runtime.errors import RunError
from retdsl.runtime.labels import Label, Labelling, Said, labelling
from retdsl.runtime.paths import below, is_pattern, matches, near_files, out_of_reach, relative_to
from retdsl.runtime.problems import Problems, together
from retdsl.runtime.sample import Sample
from retdsl.runtime.sources import EXTENSIONS, Wanted, read_file, stamp_of_file
from retdsl.runtime.table_files import Table, blanks, read_table

_MISSING = "photographs that do not exist"


@dataclass(frozen=True, slots=True)
class csv:
    """One or more tables with a header and a row a photograph.

    path: of the table, relative to root; `*`, `?`, `[...]` and `**` make it a pattern for several, which are joined in
    the order of their names. A name in .tsv has tabs between columns, one in .parquet is Parquet (which takes pyarrow),
    any other comma, semicolon or tab, whatever the header has most of. image, label, patient: names of columns, and of
    the label also rules; without `patient`, every photograph counts as a patient of its own. Further columns are
    ignored, and so are blank lines. encoding: of text. Paths in the `image` column are relative to root, and do not
    leave it.
    """

    path: str
    image: str = "image"
    label: Said = "label"
    patient: str | None = None
    encoding: str = "utf-8"

    def samples(self, root: Path, wanted: Wanted) -> list[Sample]:
        problems = Problems()
        reads = wanted.labels or labelling(self.label)
        tables = self.tables(root)
        table = self._read(tables, root, self._columns(reads, wanted), problems)
        where = root / tables[0] if len(tables) == 1 else root
        if not table.places and not problems:
            raise RunError(f"`{self.path}` lists no photographs", where=where)
        images = self._images(table, root, problems)
        patients = images if self.patient is None else self._patients(table, problems)
        cells = list(zip(*(table.columns[column] for column in reads.columns), strict=True))
        labels = reads.label(cells, table.places, wanted.classes, problems, wanted.told)
        if wanted.every:
            for missing in sorted(
                set(range(len(wanted.classes))) - {shown for label in labels if label for shown in label.positions}
            ):
                problems.add("classes without a photograph", f"`{wanted.classes[missing]}`")
        _require_once(images, labels, cells, table.places, problems)
        out = out_of_reach((image for image in images if image), root)
        if wanted.absent and len(out) < len({*images} - {""}):  # where none is there, the root is another one
            out = {}
        _require_files(images, table.places, out, root, where.parent if len(tables) == 1 else root, problems)
        if problems and wanted.listed is not None:
            wanted.listed.extend(Sample(image, 0, image) for image in images if image and image not in out)
        problems.raise_any(f"`{self.path}` cannot be used", where)
        known = [label for label in labels if label is not None]
        sides = repeat(None) if wanted.side is None else table.columns[wanted.side]
        positions = [label.position for label in known]
        return list(map(Sample, images, positions, patients, sides, [label.target for label in known]))

    def read(self, root: Path, sample: Sample) -> bytes:
        return read_file(root / sample.image)

    def stamp(self, root: Path, sample: Sample) -> str:
        return stamp_of_file(root / sample.image)

    def tables(self, root: Path) -> list[str]:
        """The tables, relative to root where `path` is. Raises RunError if there is none."""
        if is_pattern(self.path):
            return matches(self.path, root, Path.is_file, "table")
        table = root / self.path
        if not os.path.lexists(table):
            raise RunError(f"there is no file `{self.path}`", where=table, help=near_files(table, root))
        return [self.path]

    def _columns(self, reads: Labelling, wanted: Wanted) -> list[str]:
        """Those that are read, each once."""
        columns = (self.image, *reads.columns, self.patient, wanted.side)
        return list(dict.fromkeys(name for name in columns if name is not None))

    def _read(self, tables: Sequence[str], root: Path, columns: Sequence[str], problems: Problems) -> Table:
        """The rows of all tables, one after the other. Raises RunError with what is wrong with each."""
        whole = Table({column: [] for column in columns}, [])
        errors: list[RunError] = []
        for name in tables:
            within = f" of {name}" if len(tables) > 1 else ""
            try:
                table = read_table(root / name, name, columns, self.encoding, within, problems)
            except RunError as error:
                errors.append(error)
                continue
            whole.places.extend(table.places)
            for column, cells in table.columns.items():
                whole.columns[column].extend(cells)
        if errors:
            raise together(errors, f"{len(errors)} of the {len(tables)} tables of `{self.path}` cannot be read")
        return whole

    def _images(self, table: Table, root: Path, problems: Problems) -> list[str]:
        """The photographs, relative to root; an empty text for those that are told."""
        written, places = table.columns[self.image], table.places
        nothing, found = blanks(written), below(root, written)
        for row, image in enumerate(found) if nothing or None in found else ():
            if written[row] in nothing:
                problems.add("rows without a photograph", places[row])
                found[row] = ""
            elif image is None:
                help = "put the photographs below the root, link their folder there, or name another root with --root"
                problems.add("paths that leave the root", f"{written[row]} ({places[row]})", help)
                problems.advise("paths that leave the root", relative_to(root))
        return [image or "" for image in found]

    def _patients(self, table: Table, problems: Problems) -> list[str]:
        patients = table.columns[self.patient or ""]
        if nothing := blanks(patients):
            for patient, place in zip(patients, table.places, strict=True):
                if patient in nothing:
                    problems.add("rows without a patient", place)
        return patients


def _require_once(
    images: Sequence[str],
    labels: Sequence[Label | None],
    cells: Sequence[Sequence[str]],
    places: Sequence[str],
    problems: Problems,
) -> None:
    """Tells photographs that are listed twice, and apart from them those that are listed with different labels."""
    if len(set(images)) == len(images):
        return
    rows_of: dict[str, list[int]] = {}
    for row, image in enumerate(images):
        rows_of.setdefault(image, []).append(row)
    for image, rows in rows_of.items():
        if len(rows) > 1 and image:
            if len({labels[row] for row in rows} - {None}) > 1:
                said = ", ".join(f"`{'`, `'.join(cells[row])}` ({places[row]})" for row in rows)
                help = "a photograph has one label: keep the right row"
                problems.add("photographs listed with different labels", f"{image}: {said}", help)
            else:
                problems.add("photographs listed twice", f"{image}: {' and '.join(places[row] for row in rows)}")


def _require_files(
    images: Sequence[str],
    places: Sequence[str],
    out: Mapping[str, str | None],
    root: Path,
    beside: Path,
    problems: Problems,
) -> None:
    """Tells photographs that are no files, those in `out`. beside: the table's folder, where they may be instead."""
    if not out:
        return
    place = dict(zip(reversed(images), reversed(places), strict=True))  # the first of each
    missing = [image for image in images if out.get(image, "") is None]
    for image in dict.fromkeys(image for image in images if image in out):
        reason = out[image]
        if reason is None:
            problems.add(_MISSING, f"{image} ({place[image]})", relative_to(root))
        else:
            kind = "photographs that cannot be read" if reason.startswith("cannot") else "photographs that are no files"
            problems.add(kind, f"{image} ({place[image]}): {reason.removeprefix('cannot be read: ')}")
    if not missing:
        return
    if not out_of_reach(missing, beside):
        problems.advise(_MISSING, f"they are there relative to the table's own folder, {beside}")
    for ending in (*EXTENSIONS, *map(str.upper, EXTENSIONS)):
        if not out_of_reach((f"{image}{ending}" for image in missing), root):
            problems.advise(_MISSING, f"they are there with `{ending}` behind: the table must hold names of files")
    if all("\\" in image for image in missing):
        problems.advise(_MISSING, "folders are parted by `/`, not by `\\`")

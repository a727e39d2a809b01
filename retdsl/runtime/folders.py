"""`folder`: photographs in one folder per class.

Enters: the root folder of the study's data and its classes. Leaves: a `Sample` per photograph.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from retdsl.runtime.errors import RunError
from retdsl.runtime.paths import below, is_pattern, matches, near_files, refusal_of, walk
from retdsl.runtime.problems import Problems, did_you_mean
from retdsl.runtime.sample import Sample
from retdsl.runtime.sources import (
    EXTENSIONS,
    Wanted,
    in_words,
    patient_pattern,
    read_file,
    refuse_columns,
    stamp_of_file,
)


@dataclass(frozen=True, slots=True)
class folder:
    """A folder with one sub-folder per class, which bears the name of the class and may have sub-folders itself.

    path: relative to root; `*`, `?`, `[...]` and `**` make it a pattern for several such folders, none of which needs
    all classes; patient: a regular expression for the file's name whose first group is the patient, as in
    `"(.+)_(left|right)"`; without it, every photograph counts as a patient of its own. Photographs are files ending in
    .jpg, .jpeg, .png, .tif, .tiff, .bmp, .webp or .dcm, in capitals or not; other and hidden files are ignored. Folders
    that are linked in are gone through; one that is met twice is told.
    """

    path: str
    patient: str | None = None

    def samples(self, root: Path, wanted: Wanted) -> list[Sample]:
        refuse_columns(f"the folder `{self.path}`", wanted)
        pattern = None if self.patient is None else patient_pattern(self.patient)
        problems = Problems()
        photographs = self._photographs(root, wanted, problems)
        images = below(root, [path for _, path in photographs])
        samples: list[Sample] = []
        for (label, found), inside in zip(photographs, images, strict=True):
            image = inside or os.path.normpath(found)
            match = pattern.search(os.path.basename(found)) if pattern else None
            if pattern and not (match and match.group(1)):
                problems.add(f"file names that do not tell the patient by {self.patient!r}", image)
            samples.append(Sample(image, label, match.group(1) if match and match.group(1) else image))
        if problems and wanted.listed is not None:
            wanted.listed.extend(samples)
        problems.raise_any(f"the folder `{self.path}` cannot be used", root / self.path)
        return samples

    def read(self, root: Path, sample: Sample) -> bytes:
        return read_file(root / sample.image)

    def tables(self, root: Path) -> list[str]:  # noqa: ARG002 - every source has a root
        """None: there are only the photographs."""
        return []

    def stamp(self, root: Path, sample: Sample) -> str:
        return stamp_of_file(root / sample.image)

    def _photographs(self, root: Path, wanted: Wanted, problems: Problems) -> list[tuple[int, str]]:
        """The class of each photograph, and its path, relative to root where that of the folder is."""
        classes, found = wanted.classes, list[tuple[int, str]]()
        names: set[str] = set()
        seen: dict[tuple[int, int], Path] = {}
        for top in self._tops(root):
            inside = _folders_in(root / top)
            names.update(inside)
            for name in inside:
                if name not in classes:
                    case = f"`{name}`{did_you_mean(name, classes)}"
                    problems.add("folders that are no class", case, in_words(classes))
            for label, name in enumerate(classes):
                if name in inside:
                    for path in walk(root / top / name, _is_photograph, seen, problems, absent=wanted.absent):
                        found.append((label, os.path.join(top, path.relative_to(root / top))))
        if wanted.every:
            for name in classes:
                if name not in names:
                    problems.add("classes without a folder", f"`{name}`{did_you_mean(name, names - set(classes))}")
            for label in sorted(set(range(len(classes))) - {label for label, _ in found}):
                if classes[label] in names:
                    help = f"photographs end in {', '.join(EXTENSIONS)}"
                    problems.add("classes without a photograph", f"`{classes[label]}`", help)
        return found

    def _tops(self, root: Path) -> list[str]:
        """The folders that hold those of the classes."""
        if is_pattern(self.path):
            return matches(self.path, root, Path.is_dir, "folder")
        top = root / self.path
        if not os.path.isdir(top):
            raise RunError(f"there is no folder `{self.path}`", where=top, help=near_files(top, root))
        return [self.path]


def _folders_in(top: Path) -> list[str]:
    """The folders in a folder that are not hidden, sorted. Raises RunError if it cannot be read."""
    try:
        with os.scandir(top) as entries:
            return sorted(entry.name for entry in entries if not entry.name.startswith(".") and _is_folder(entry))
    except OSError as error:
        raise RunError(f"the folder {refusal_of(error)}", where=top) from None


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle: as a folder it is told
        return True


def _is_photograph(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in EXTENSIONS

"""`folder`: photographs in one folder per class.

Enters: the root folder of the study's data and its classes. Leaves: a `Sample` per photograph.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from retdsl.runtime.errors import RunError
from retdsl.runtime.problems import Problems, did_you_mean
from retdsl.runtime.sample import Sample
from retdsl.runtime.sources import EXTENSIONS, Wanted, in_words, near_files, read_file, refuse_columns, stamp_of_file


@dataclass(frozen=True, slots=True)
class folder:
    """A folder with one sub-folder per class, which bears the name of the class and may have sub-folders itself.

    path: relative to root; patient: a regular expression for the file's name whose first group is the patient, as in
    `"(.+)_(left|right)"`; without it, every photograph counts as a patient of its own. Photographs are files ending in
    .jpg, .jpeg, .png, .tif, .tiff, .bmp, .webp or .dcm, in capitals or not; other and hidden files are ignored.
    """

    path: str
    patient: str | None = None

    def samples(self, root: Path, wanted: Wanted) -> list[Sample]:
        refuse_columns(f"the folder `{self.path}`", wanted)
        top, classes = root / self.path, wanted.classes
        pattern = self._pattern()
        if not top.is_dir():
            raise RunError(f"there is no folder `{self.path}`", where=top, help=near_files(top, root))
        found = sorted(entry.name for entry in top.iterdir() if entry.is_dir() and not entry.name.startswith("."))
        problems = Problems()
        for name in found:
            if name not in classes:
                problems.add("folders that are no class", f"`{name}`{did_you_mean(name, classes)}", in_words(classes))
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

    def read(self, root: Path, sample: Sample) -> bytes:
        return read_file(root / sample.image)

    def stamp(self, root: Path, sample: Sample) -> str:
        return stamp_of_file(root / sample.image)

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


def _is_photograph(path: Path) -> bool:
    return path.suffix.lower() in EXTENSIONS and not path.name.startswith(".") and path.is_file()

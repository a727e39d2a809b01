"""`joined`: several sources of photographs as one.

Enters: the root folder of the study's data and its classes. Leaves: the samples of all sources, each with the place of
its own among them. Guaranteed: no photograph is listed by two of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from retdsl.runtime.decode import Photograph
from retdsl.runtime.errors import RunError
from retdsl.runtime.labels import Told
from retdsl.runtime.problems import Problems, together
from retdsl.runtime.sample import Sample
from retdsl.runtime.sources import Source, Wanted


@dataclass(frozen=True, slots=True)
class joined:
    """All photographs of several sources. A class may be missing in some, but not in all of them.

    sources: one or more. Patients of the same name in two of them are one person.
    """

    sources: tuple[Source, ...]

    def samples(self, root: Path, wanted: Wanted) -> list[Sample]:
        samples: list[Sample] = []
        errors: list[RunError] = []
        for origin, source in enumerate(self.sources):
            listed: list[Sample] = []
            told: list[Told] = []
            try:
                found = source.samples(root, wanted._replace(every=False, listed=listed, told=told))
            except RunError as error:
                errors.append(error)
                found = listed
            if told and wanted.told is not None:
                wanted.told.extend(each.of(", ".join(source.tables(root))) for each in told)
            samples += [sample._replace(origin=origin) for sample in found] if origin else found
        if errors:
            if wanted.listed is not None:
                wanted.listed.extend(samples)
            raise together(errors, f"{len(errors)} of {len(self.sources)} sources cannot be used")
        problems = Problems()
        self._require_once(samples, problems)
        if wanted.every:
            shown = {position for sample in samples for position in sample.classes}
            for missing in sorted(set(range(len(wanted.classes))) - shown):
                problems.add("classes without a photograph", f"`{wanted.classes[missing]}`")
        if problems and wanted.listed is not None:
            wanted.listed.extend(samples)
        problems.raise_any("the sources cannot be joined", root)
        return samples

    def read(self, root: Path, sample: Sample) -> bytes | Photograph:
        return self.sources[sample.origin].read(root, sample)

    def tables(self, root: Path) -> list[str]:
        return [table for source in self.sources for table in source.tables(root)]

    def stamp(self, root: Path, sample: Sample) -> str:
        return f"{sample.origin}:{self.sources[sample.origin].stamp(root, sample)}"

    def _require_once(self, samples: list[Sample], problems: Problems) -> None:
        first: dict[str, Sample] = {}
        for sample in samples:
            before = first.setdefault(sample.image, sample)
            if before.origin != sample.origin:
                case = f"{sample.image}: source {before.origin + 1} and source {sample.origin + 1}"
                problems.add("photographs that two sources list", case, "let one of the sources leave them out")

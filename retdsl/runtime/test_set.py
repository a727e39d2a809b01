"""Photographs of a source of their own that are all test photographs: an external test set.

Enters: the study's source, and that of the test set. Leaves: one source. Guaranteed: a sample of the test set has a
negative `origin`, the complement of the one that its own source gave it, so it is known by it and read from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from retdsl.runtime.decode import Photograph
from retdsl.runtime.errors import RunError
from retdsl.runtime.labels import Told
from retdsl.runtime.sample import Sample
from retdsl.runtime.sources import Source, Wanted


@dataclass(frozen=True, slots=True)
class WithTestSet:
    """A study's source and its external test set as one source."""

    study: Source
    test: Source

    def samples(self, root: Path, wanted: Wanted) -> list[Sample]:
        """Those of the study, and those of the test set. Raises one RunError with what is wrong with either."""
        found: list[Sample] = []
        apart: list[Sample] = []
        told: list[Told] = []
        errors: list[RunError] = []
        try:
            found += self.study.samples(root, wanted._replace(listed=found))
        except RunError as error:
            errors.append(error)
        try:
            # Graders are those of the study; a test set brings its reference along.
            apart += self.test.samples(root, wanted._replace(side=None, labels=None, listed=apart, told=told))
        except RunError as error:
            errors.append(error)
        if told and wanted.told is not None:
            wanted.told.extend(each.of(", ".join(self.test.tables(root))) for each in told)
        found += [sample._replace(origin=~sample.origin) for sample in apart]
        if errors and wanted.listed is not None:
            wanted.listed.extend(found)
        if len(errors) == 1:
            raise errors[0]
        if errors:
            parts = [part for error in errors for part in (error.parts or (error,))]
            message = "neither the study's photographs nor its test set can be used"
            raise RunError(message, items=map(str, parts), parts=parts)
        return found

    def read(self, root: Path, sample: Sample) -> bytes | Photograph:
        source, own = self._own(sample)
        return source.read(root, own)

    def stamp(self, root: Path, sample: Sample) -> str:
        source, own = self._own(sample)
        return source.stamp(root, own)

    def tables(self, root: Path) -> list[str]:
        """Those of the study, and those of the test set."""
        return [*self.study.tables(root), *self.test.tables(root)]

    def _own(self, sample: Sample) -> tuple[Source, Sample]:
        """The source of a sample, and the sample as that source knows it."""
        if is_of_test_set(sample):
            return self.test, sample._replace(origin=~sample.origin)
        return self.study, sample


def is_of_test_set(sample: Sample) -> bool:
    """Whether it comes from an external test set."""
    return sample.origin < 0

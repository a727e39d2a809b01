"""The photographs of a study: listed, checked, divided, and read one by one.

Enters: what a `data` block says, and the root folder that its paths start from. Leaves: a `Dataset`.
Guaranteed: labels are within the classes, no patient is on two sides, and every side of an opened data set holds every
class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from retdsl.runtime.decode import Photograph
from retdsl.runtime.image_cache import chain_text
from retdsl.runtime.network_input import normalize
from retdsl.runtime.prepare import Step, prepare_photograph
from retdsl.runtime.prepared import Looked
from retdsl.runtime.problems import Problems
from retdsl.runtime.sample import Sample
from retdsl.runtime.sampling import Labels
from retdsl.runtime.scaled import prepare_bytes
from retdsl.runtime.sources import Source, Wanted
from retdsl.runtime.split import SIDES, Sides, by_patient


@dataclass(frozen=True, slots=True)
class Data:
    """What a study says about its photographs.

    source: where they come from; classes: their names, the healthy one first; split: who is trained, validated and
    tested on; prepare: steps from photograph to uint8 `[H, W, 3]`; normalize: the last step, None for plain [0, 1].
    """

    source: Source
    classes: tuple[str, ...]
    split: by_patient
    prepare: tuple[Step, ...] = ()
    normalize: normalize | None = None

    def open(self, root: Path) -> Dataset:
        """The photographs, listed and divided, of every class on every side. Raises RunError as `divided` does, and if
        a side of the split lacks a class. Photographs are not decoded here: see `PreparedImages.load_all`.
        """
        dataset = self.divided(root)
        require_every_class(dataset)
        return dataset

    def divided(self, root: Path) -> Dataset:
        """The photographs, listed and divided; samples are in the order of their names, whatever that of the source.

        Raises RunError with everything that is wrong with the source. A side may lack a class.
        """
        samples = tuple(sorted(self.source.samples(root, Wanted(self.classes)), key=lambda sample: sample.image))
        return Dataset(self, root, samples, *self.split.divide(samples))


@dataclass(frozen=True, slots=True)
class Dataset:
    """Photographs at hand. train, valid, test: indices into `samples`, ascending."""

    data: Data
    root: Path
    samples: tuple[Sample, ...]
    train: tuple[int, ...]
    valid: tuple[int, ...]
    test: tuple[int, ...]

    @property
    def sides(self) -> Sides:
        return Sides(self.train, self.valid, self.test)

    @property
    def classes(self) -> tuple[str, ...]:
        return self.data.classes

    def labels(self, indices: Sequence[int]) -> Labels:
        """The classes of these samples, int64 `[n]`."""
        return np.array([self.samples[index].label for index in indices], np.int64)

    def class_counts(self, indices: Sequence[int]) -> tuple[int, ...]:
        """How many of these samples each class has."""
        return tuple(int(count) for count in np.bincount(self.labels(indices), minlength=len(self.classes)))

    def patients(self, indices: Sequence[int]) -> int:
        """How many patients these samples are of."""
        return len({self.samples[index].patient for index in indices})

    def fetch(self, index: int) -> bytes | Photograph:
        """One photograph as its source has it: bytes, or pixels that never were any. Raises RunError if it has none."""
        return self.data.source.read(self.root, self.samples[index])

    def stamp(self, index: int) -> str:
        """A text that is another one when `fetch` may give another photograph. Raises RunError if it gives none."""
        source, sample = self.data.source, self.samples[index]
        return "\0".join((type(source).__name__, str(sample.origin), sample.image, source.stamp(self.root, sample)))

    @property
    def chain(self) -> str | None:
        """What `prepare` does, in full; None if that cannot be told."""
        return chain_text(self.data.prepare)

    def prepare(self, fetched: bytes | Photograph) -> Photograph:
        """What `fetch` gave, decoded and prepared: uint8 `[H, W, 3]`. Raises RunError if it cannot be decoded."""
        steps = self.data.prepare
        return prepare_bytes(fetched, steps) if isinstance(fetched, bytes) else prepare_photograph(fetched, steps)

    def read(self, index: int) -> Photograph:
        """One photograph, decoded and prepared anew: uint8 `[H, W, 3]`. Raises RunError if it cannot be read."""
        return self.prepare(self.fetch(index))


def require_every_class(dataset: Dataset) -> None:
    """Neither training nor any figure makes sense without all classes. A side whose share is 0 may be empty.

    Raises RunError with all that is missing.
    """
    problems = Problems()
    for side, share, indices in zip(SIDES, dataset.data.split.shares, dataset.sides, strict=True):
        for title, count in zip(dataset.classes, dataset.class_counts(indices), strict=True):
            if share > 0 and count == 0:
                label = dataset.classes.index(title)
                patients = len({sample.patient for sample in dataset.samples if sample.label == label})
                have = "1 patient has one" if patients == 1 else f"{patients} patients have one"
                problems.add(
                    "sides of the split that lack a class",
                    f"the {side} split has no `{title}` photograph ({have})",
                    "give that side a larger share, use another seed, or add patients",
                )
    problems.raise_any("the split cannot be used", dataset.root)


def require_apart(dataset: Dataset, looked: Mapping[int, Looked]) -> None:
    """Raises RunError if the same photograph lies on two sides of the split, under two names or two patients.

    looked: what the first pass found in the photographs, by their index.
    """
    side_of = {i: side for side in SIDES for i in getattr(dataset, side)}
    same: dict[bytes, list[int]] = {}
    for index in sorted(looked):
        same.setdefault(looked[index].pixels, []).append(index)
    problems = Problems()
    for indices in same.values():
        if len({side_of[index] for index in indices if index in side_of}) > 1:
            shown = " = ".join(f"{dataset.samples[i].image} ({side_of[i]})" for i in indices if i in side_of)
            help = "a network that has learned one knows the other: keep one, or give both one patient"
            problems.add("photographs that are the same on two sides of the split", shown, help)
    problems.raise_any("the split cannot be used", dataset.root)


def split_line(name: str, dataset: Dataset) -> str:
    """`refreshed: 660 photographs to learn from (520 healthy, 140 infected), 141 to validate, 144 to test`."""
    counts = zip(dataset.classes, dataset.class_counts(dataset.train), strict=True)
    classes = ", ".join(f"{count} {title}" for title, count in counts)
    return (
        f"{name}: {len(dataset.train)} photographs to learn from ({classes}), "
        f"{len(dataset.valid)} to validate, {len(dataset.test)} to test"
    )

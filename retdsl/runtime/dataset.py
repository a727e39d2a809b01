"""The photographs of a study: listed, checked, divided, and read one by one.

Enters: what a `data` block says, and the root folder that its paths start from. Leaves: a `Dataset`.
Guaranteed: labels are within the classes, and every side of an opened data set holds every class. No patient is on two
sides, unless a column of the study's own or its test set says so, which `leaks` finds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from retdsl.runtime.agreement import consensus
from retdsl.runtime.decode import Photograph
from retdsl.runtime.drawing import Labels
from retdsl.runtime.errors import RunError
from retdsl.runtime.exclusion import UNREADABLE, Exclusion, audit
from retdsl.runtime.figures_table import counts_in_words
from retdsl.runtime.image_cache import chain_text
from retdsl.runtime.labels import Told
from retdsl.runtime.memory import garbage_kept
from retdsl.runtime.network_input import normalize
from retdsl.runtime.prepare import Step, prepare_photograph
from retdsl.runtime.problems import Problems
from retdsl.runtime.sample import Sample
from retdsl.runtime.scaled import prepare_bytes
from retdsl.runtime.sources import Source, Wanted
from retdsl.runtime.split import SIDES, Sides, Split
from retdsl.runtime.test_set import WithTestSet, is_of_test_set


@dataclass(frozen=True, slots=True)
class Data:
    """What a study says about its photographs.

    source: where they come from; classes: their names, the healthy one first; split: who is trained, validated and
    tested on; prepare: steps from photograph to uint8 `[H, W, C]`; normalize: the last step, None for plain [0, 1];
    labels: how columns of the source become labels, in place of what the source says; test: an external test set, all
    of whose photographs are test photographs, beside those that the split makes; exclude: which photographs stay out of
    the study altogether; allow_leaks: kinds of leaks between the sides that are told and not refused (see `leaks`);
    on_bad_image: whether photographs that cannot be read are an "error", or are left out ("skip").
    """

    source: Source
    classes: tuple[str, ...]
    split: Split
    prepare: tuple[Step, ...] = ()
    normalize: normalize | None = None
    labels: consensus | None = None
    test: Source | None = None
    exclude: audit | None = None
    allow_leaks: tuple[str, ...] = ()
    on_bad_image: Literal["error", "skip"] = "error"

    @property
    def photographs(self) -> Source:
        """Where all photographs come from, those of the external test set included."""
        return self.source if self.test is None else WithTestSet(self.source, self.test)

    @property
    def wanted_sides(self) -> tuple[str, ...]:
        """The sides that must hold every class."""
        wanted = self.split.wanted
        return wanted if self.test is None or "test" in wanted else (*wanted, "test")

    @property
    def absent(self) -> bool:
        """Whether photographs that are not there are left out, as others that cannot be read."""
        flagged = self.exclude is not None and UNREADABLE in self.exclude.flags
        return flagged or self.on_bad_image == "skip"

    @property
    def soft(self) -> bool:
        """Whether photographs may belong to several classes, each in part."""
        return self.labels is not None and self.labels.soft

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
        told: list[Told] = []
        wanted = self._wanted._replace(told=told)
        with garbage_kept():
            samples = tuple(sorted(self.photographs.samples(root, wanted), key=lambda sample: sample.image))
            excluded = None
            if self.exclude is not None:
                excluded = self.exclude.apply(root, samples, self.classes, self.photographs.read)
                samples = excluded.kept
            return Dataset(self, root, samples, *self._sides(samples), tuple(told), excluded)

    def listed(self, root: Path) -> Dataset:
        """The photographs that can be looked at even where `divided` refuses the labels: of no class, on no side."""
        listed: list[Sample] = []
        with suppress(RunError):  # which is what `divided` has told
            listed += self.photographs.samples(root, self._wanted._replace(listed=listed))
        once = {(sample.origin, sample.image): sample for sample in listed}
        return Dataset(self, root, tuple(sorted(once.values(), key=lambda sample: sample.image)), (), (), ())

    @property
    def _wanted(self) -> Wanted:
        return Wanted(self.classes, self.labels, self.split.column, absent=self.absent)

    def _sides(self, samples: tuple[Sample, ...]) -> Sides:
        """The split divides what is not of the external test set."""
        if self.test is None:
            return self.split.divide(samples)
        own = [index for index, sample in enumerate(samples) if not is_of_test_set(sample)]
        train, valid, test = (
            [own[index] for index in side] for side in self.split.divide([samples[index] for index in own])
        )
        apart = [index for index, sample in enumerate(samples) if is_of_test_set(sample)]
        return Sides(tuple(train), tuple(valid), tuple(sorted(test + apart)))


@dataclass(frozen=True, slots=True)
class Dataset:
    """Photographs at hand.

    train, valid, test: indices into `samples`, ascending; told: what there is to tell of their labels; excluded: what
    was left out.
    """

    data: Data
    root: Path
    samples: tuple[Sample, ...]
    train: tuple[int, ...]
    valid: tuple[int, ...]
    test: tuple[int, ...]
    told: tuple[Told, ...] = ()
    excluded: Exclusion | None = None

    @property
    def sides(self) -> Sides:
        return Sides(self.train, self.valid, self.test)

    @property
    def classes(self) -> tuple[str, ...]:
        return self.data.classes

    @property
    def soft(self) -> bool:
        """Whether a photograph says more than its class; of some sources only their photographs tell."""
        return any(sample.target is not None for sample in self.samples)

    def labels(self, indices: Sequence[int]) -> Labels:
        """The classes of these samples, int64 `[n]`."""
        return np.array([self.samples[index].label for index in indices], np.int64)

    def patient_numbers(self, indices: Sequence[int]) -> Labels:
        """Whose these samples are, patients counted from 0 in the order of their names, int64 `[n]`."""
        names = [self.samples[index].patient for index in indices]
        number = {name: at for at, name in enumerate(sorted(set(names)))}
        return np.array([number[name] for name in names], np.int64)

    def targets(self, indices: Sequence[int]) -> npt.NDArray[np.float32] | None:
        """How far each of these samples belongs to each class, float32 `[n, C]`; None where labels say it all."""
        samples = [self.samples[index] for index in indices]
        if all(sample.target is None for sample in samples):
            return None
        whole = np.eye(len(self.classes), dtype=np.float32)
        return np.array([whole[one.label] if one.target is None else one.target for one in samples], np.float32)

    def class_counts(self, indices: Sequence[int]) -> tuple[int, ...]:
        """How many of these samples each class has; one with several findings counts in each."""
        counts = Counter(shown for index in indices for shown in self.samples[index].classes)
        return tuple(counts[label] for label in range(len(self.classes)))

    def patients(self, indices: Sequence[int]) -> int:
        """How many patients these samples are of."""
        return len({self.samples[index].patient for index in indices})

    def without(self, indices: Collection[int]) -> Dataset:
        """These photographs on no side of the split; the others keep their places in `samples`."""
        train, valid, test = (tuple(index for index in side if index not in indices) for side in self.sides)
        return replace(self, train=train, valid=valid, test=test)

    def fetch(self, index: int) -> bytes | Photograph:
        """One photograph as its source has it: bytes, or pixels that never were any. Raises RunError if it has none."""
        return self.data.photographs.read(self.root, self.samples[index])

    def stamp(self, index: int) -> str:
        """A text that is another one when `fetch` may give another photograph. Raises RunError if it gives none."""
        source, sample = self.data.photographs, self.samples[index]
        return "\0".join((type(source).__name__, str(sample.origin), sample.image, source.stamp(self.root, sample)))

    @property
    def chain(self) -> str | None:
        """What `prepare` does, in full; None if that cannot be told."""
        return chain_text(self.data.prepare)

    def prepare(self, fetched: bytes | Photograph) -> Photograph:
        """What `fetch` gave, decoded and prepared: uint8 `[H, W, C]`. Raises RunError if it cannot be decoded."""
        steps = self.data.prepare
        return prepare_bytes(fetched, steps) if isinstance(fetched, bytes) else prepare_photograph(fetched, steps)

    def read(self, index: int) -> Photograph:
        """One photograph, decoded and prepared anew: uint8 `[H, W, C]`. Raises RunError if it cannot be read."""
        return self.prepare(self.fetch(index))


def require_every_class(dataset: Dataset) -> None:
    """Neither training nor any figure makes sense without all classes. A side that nothing makes may be empty.

    Raises RunError with all that is missing.
    """
    problems = Problems()
    for side, indices in zip(SIDES, dataset.sides, strict=True):
        for title, count in zip(dataset.classes, dataset.class_counts(indices), strict=True):
            if side in dataset.data.wanted_sides and count == 0:
                label = dataset.classes.index(title)
                used = (dataset.samples[index] for side_indices in dataset.sides for index in side_indices)
                patients = len({sample.patient for sample in used if label in sample.classes})
                have = "1 patient has one" if patients == 1 else f"{patients} patients have one"
                problems.add(
                    "sides of the split that lack a class",
                    f"the {side} split has no `{title}` photograph ({have})",
                    dataset.data.split.remedy if patients else "see why its photographs were left out",
                )
    problems.raise_any("the split cannot be used", dataset.root)


def require_labels_for(dataset: Dataset, *, exclusive: bool) -> None:
    """Raises RunError for photographs whose labels the network has no answer to: of several classes at once where it
    answers with one of them (`exclusive`); of one class, or of shares, where it answers yes or no to each.
    """
    if exclusive:
        wrong = [sample for sample in dataset.samples if len(sample.classes) > 1]
        what = "photographs show several classes at once, and the network answers with one"
        help = "end the network in `Sigmoid`, or give each photograph one class"
    else:
        wrong = [sample for sample in dataset.samples if sample.target is None or {*sample.target} - {0, 1}]
        what = "photographs do not say yes or no to each class, and the network answers so"
        help = "end the network in `Softmax`, or give each photograph a 0 or 1 for each class"
    if wrong:
        names = [f"{s.image}: {', '.join(dataset.classes[at] for at in s.classes)}" for s in wrong]
        raise RunError(f"{len(wrong)} {what}", items=names, help=help)


def facts_of_the_labels(dataset: Dataset) -> dict[str, Any]:
    """What there is to tell of labels, as plain data: of one source as it is, of several as a list."""
    facts: dict[str, list[Any]] = {}
    for told in dataset.told:
        facts.setdefault(told.key, []).append(told.data)
    return {key: found[0] if len(found) == 1 else found for key, found in facts.items()}


def label_lines(dataset: Dataset) -> list[str]:
    """The same in sentences."""
    return [line for told in dataset.told for line in told.lines]


def say_divided(name: str, dataset: Dataset, say: Callable[[str], None]) -> None:
    """What is left out, what is on which side, and what there is to tell of labels, in a line each."""
    if dataset.excluded is not None:
        say(dataset.excluded.line())
    for line in (split_line(name, dataset), *label_lines(dataset)):
        say(line)


def split_line(name: str, dataset: Dataset) -> str:
    """`refreshed: 660 photographs to learn from (520 healthy, 140 infected), 141 to validate, 144 to test`."""
    classes = counts_in_words(zip(dataset.classes, dataset.class_counts(dataset.train), strict=True))
    return (
        f"{name}: {len(dataset.train)} photographs to learn from ({classes}), "
        f"{len(dataset.valid)} to validate, {len(dataset.test)} to test"
    )

"""Every photograph of a study read once, and what that shows, before anything trains.

Enters: a divided data set. Leaves: a `Reading`: the photographs that can be used, a store of them prepared, what the
first pass found in each, and all that is wrong. Guaranteed: nothing is raised for what a user's data are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from retdsl.runtime.dataset import Data, Dataset
from retdsl.runtime.errors import RunError
from retdsl.runtime.image_cache import ImageCache
from retdsl.runtime.leaks import Leaks, find_leaks, fingerprint_rows
from retdsl.runtime.prepared import FirstPass, Looked, PreparedImages
from retdsl.runtime.unreadable import Unreadable, gathered


@dataclass(frozen=True)
class Reading:
    """dataset: the photographs that are used; images: prepared; first: what the first pass found; errors: what forbids
    their use; leaks: what is on two sides of the split, allowed or not; skipped: the photographs that cannot be read,
    where the study leaves them out.
    """

    dataset: Dataset
    images: PreparedImages
    first: FirstPass
    errors: tuple[RunError, ...]
    leaks: Leaks
    skipped: Unreadable

    @property
    def looked(self) -> Mapping[int, Looked]:
        """What was found in each photograph, by index."""
        return self.first.looked

    def require_sound(self) -> None:
        """Raises the first of the errors."""
        if self.errors:
            raise self.errors[0]


def as_used(dataset: Dataset, threads: int) -> Dataset:
    """The photographs that a run would use: without those that cannot be read, where the study leaves them out.

    Whether one can be decoded, decoding tells, or the cache; where the study leaves none out, nothing is read.
    """
    if dataset.data.on_bad_image != "skip":
        return dataset
    images = PreparedImages(dataset, threads, ImageCache(dataset.chain, spare=False))
    return dataset.without(images.load_all().refused)


def read_all(
    dataset: Dataset,
    threads: int,
    progress: Callable[[int, int], None] | None = None,
    *,
    cached: bool = True,
    keep: bool = True,
) -> Reading:
    """Reads every photograph, or takes it from the user's cache; what cannot be read is left out if the study says so.

    cached: False to leave the cache alone. keep: False for whoever needs no photographs afterwards.
    """
    images = PreparedImages(dataset, threads, ImageCache(dataset.chain, lasts=cached, spare=keep))
    errors = []
    found = FirstPass({}, {})
    leaks = Leaks({})
    skipped = Unreadable(len(dataset.samples))
    try:
        found = images.load_all(progress)
        unreadable = gathered(dataset.samples, found.refused)
        if unreadable and dataset.data.on_bad_image == "skip":
            dataset, skipped = dataset.without(found.refused), unreadable
        elif unreadable:
            errors.append(unreadable.error())
        if dataset.excluded is not None and dataset.data.exclude is not None:
            dataset.excluded.require_unchanged(found.looked, dataset.data.exclude.path)
        kept = fingerprint_rows() if cached else None
        leaks = find_leaks(dataset, found.looked, images.__getitem__, threads, kept)
        leaks.require_none(dataset)
    except RunError as error:
        errors.append(error)
    return Reading(dataset, images, found, tuple(errors), leaks, skipped)


def look_at_listed(
    data: Data,
    root: Path,
    threads: int,
    progress: Callable[[int, int], None] | None = None,
    *,
    cached: bool = True,
) -> tuple[tuple[RunError, ...], tuple[RunError, ...]]:
    """What cannot be read of a study's photographs where labels or split are wrong, so that both can be told at once:
    as errors, and as warnings where the study leaves such photographs out.
    """
    dataset = data.listed(root)
    images = PreparedImages(dataset, threads, ImageCache(dataset.chain, lasts=cached, spare=False))
    try:
        unreadable = gathered(dataset.samples, images.load_all(progress).refused)
    except RunError as error:
        return (error,), ()
    if not unreadable:
        return (), ()
    return ((), (unreadable.warning(),)) if data.on_bad_image == "skip" else ((unreadable.error(),), ())

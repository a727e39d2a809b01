"""Every photograph of a study read once, and what that shows, before anything trains.

Enters: a divided data set. Leaves: a `Reading`: the photographs that can be used, a store of them prepared, what the
first pass found in each, and all that is wrong. Guaranteed: nothing is raised for what a user's data are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from retdsl.runtime.dataset import Dataset, require_apart
from retdsl.runtime.errors import RunError
from retdsl.runtime.image_cache import ImageCache
from retdsl.runtime.prepared import FirstPass, Looked, PreparedImages, require_readable


@dataclass(frozen=True)
class Reading:
    """dataset: the photographs; images: prepared; first: what the first pass found; errors: what forbids their use."""

    dataset: Dataset
    images: PreparedImages
    first: FirstPass
    errors: tuple[RunError, ...]

    @property
    def looked(self) -> Mapping[int, Looked]:
        """What was found in each photograph, by index."""
        return self.first.looked

    def require_sound(self) -> None:
        """Raises the first of the errors."""
        if self.errors:
            raise self.errors[0]


def read_all(
    dataset: Dataset,
    threads: int,
    progress: Callable[[int, int], None] | None = None,
    *,
    cached: bool = True,
    keep: bool = True,
) -> Reading:
    """Reads every photograph, or takes it from the user's cache.

    cached: False to leave the cache alone. keep: False for whoever needs no photographs afterwards.
    """
    images = PreparedImages(dataset, threads, ImageCache(dataset.chain, lasts=cached, spare=keep))
    errors = []
    found = FirstPass({}, {})
    try:
        found = images.load_all(progress)
        require_readable(dataset.samples, found.refused)
        require_apart(dataset, found.looked)
    except RunError as error:
        errors.append(error)
    return Reading(dataset, images, found, tuple(errors))

"""What is said when memory does not suffice: which batch would fit, in place of a traceback.

Enters: work that allocates memory for a batch, and a way to try the same with fewer images. Leaves: nothing, or an
`OutOfMemory` with the largest batch, a power of 2, that was really tried and fitted. A process in which MXNet ran
out of memory is best left at once, by `os._exit`: taking MXNet down in good order may crash.
"""

from __future__ import annotations

import gc
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from retdsl.runtime.errors import RunError

_WORDS = (
    "bad_alloc",
    "bad allocation",
    "failed to allocate",
    "out of memory",
    "cannot allocate memory",
    "could not create a memory object",
)
"""What engines say when memory is used up, in small letters. They all raise errors of their own kinds."""


class OutOfMemory(RunError):
    """Memory does not suffice for a batch. fits: images that would, 0 if not one would, None where that is unknown."""

    def __init__(self, what: str, batch: int, fits: int | None) -> None:
        self.fits = fits
        images = f"{batch} image{'s' if batch > 1 else ''}"
        super().__init__(f"there is not enough memory {what} {images} at once", help=_help(batch, fits))


def _help(batch: int, fits: int | None) -> str:
    if fits is None:
        return f"ask for a smaller batch: `batch = {batch // 2}`" if batch > 1 else "give the process more memory"
    if fits == 0:
        return "not even one image fits: smaller photographs, or a machine with more memory"
    return f"`batch = {fits}` fits; with `accumulate = {-(-batch // fits)}` a step still sees as many images"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether this is what NumPy, MXNet or onnxruntime raise when memory is used up."""
    return isinstance(error, MemoryError) or any(word in str(error).lower() for word in _WORDS)


@contextmanager
def enough_memory(what: str, batch: int, attempt: Callable[[int], object] | None = None) -> Iterator[None]:
    """Raises OutOfMemory where the work within runs out of memory; other errors pass.

    what: in words that a number of images follows: "to train on"; batch: how many they are; attempt: does the same
    with so many images, from binding to a result that has been waited for, and keeps nothing.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, OutOfMemory) or not is_out_of_memory(error):
            raise
        # What failed is let go first: else there would be less memory for the attempts than there could be.
        traceback.clear_frames(error.__traceback__)
        raise OutOfMemory(what, batch, None if attempt is None else _most_that_fit(batch, attempt)) from None


def _most_that_fit(batch: int, attempt: Callable[[int], object]) -> int:
    """The largest of 1, 2, 4, ... below `batch` that fits; 0 if none does.

    Upwards, because MXNet keeps some of the memory of what fails: so only the last attempt does.
    """
    fits, size = 0, 1
    while size < batch:
        gc.collect()
        try:
            attempt(size)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            traceback.clear_frames(error.__traceback__)
            break
        fits, size = size, 2 * size
    return fits

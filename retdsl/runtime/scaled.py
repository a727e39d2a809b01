"""Photographs much larger than their preparation needs are shrunk by the decoder itself, which is several times faster.

Enters: a file's bytes and the steps of the `image` chain. Leaves: the prepared photograph. Guaranteed: bytes that
`decode` refuses are refused here with the same words, and what `resize` is given is never smaller than what it makes
of it, unless it is so in the file itself.

A JPEG holds blocks of 8 x 8 pixels as sums of waves. Leaving out the short ones gives 4 x 4, 2 x 2 or 1 pixel a
block, a proper average, and most of the arithmetic is never done. Chains are decoded so whose steps before the first
`resize` are `scale_free`.
"""

from __future__ import annotations

from collections.abc import Sequence

from retdsl.runtime.decode import REDUCED, Photograph, decode
from retdsl.runtime.picture_header import read_header
from retdsl.runtime.prepare import Step, prepare_photograph, resize


def prepare_bytes(data: bytes, steps: Sequence[Step]) -> Photograph:
    """The photograph in a file's bytes after all steps. Raises RunError as `decode` does."""
    before, target = _until_resize(steps)
    shrink = 1
    if target is not None and (size := jpeg_size(data)) is not None:
        shrink = _largest_shrink(size, target)
    while True:
        part = prepare_photograph(decode(data, shrink), before)
        if shrink == 1 or target is None or _suffices(part.shape, target):
            return prepare_photograph(part, steps[len(before) :])
        # The steps have left only a small part: how large it is at full size, is known now.
        whole = part.shape[0] * shrink, part.shape[1] * shrink
        shrink = min(_largest_shrink(whole, target), shrink // 2)


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Height and width of a JPEG in pixels, before it is turned upright; None for anything else."""
    header = read_header(data)
    return (header.height, header.width) if header is not None and header.format == "JPEG" else None


def _until_resize(steps: Sequence[Step]) -> tuple[Sequence[Step], tuple[int, int] | None]:
    """The steps before the first `resize`, and its height and width; None where a step needs the photograph in full."""
    for place, step in enumerate(steps):
        if isinstance(step, resize):
            return steps[:place], (step.height, step.width)
        if not getattr(step, "scale_free", False):
            break
    return steps[:0], None


def _largest_shrink(size: tuple[int, int], target: tuple[int, int]) -> int:
    return max((shrink for shrink in REDUCED if _suffices((size[0] / shrink, size[1] / shrink), target)), default=1)


def _suffices(size: Sequence[float], target: tuple[int, int]) -> bool:
    return size[0] >= target[0] and size[1] >= target[1]

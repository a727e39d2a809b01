"""How large a picture may be, and how small.

Enters: a size that a header tells. Leaves: nothing, or a RunError. It is asked before memory is taken: a few megabytes
of PNG can ask for gigabytes.
"""

from __future__ import annotations

from retdsl.runtime.errors import RunError

MOST_PIXELS = 200_000_000
"""Of a photograph; decoded, so many are 600 MB."""

LEAST_SIDE = 8
"""Of a photograph, in pixels; the least that `resize` makes, too."""


def require_size(width: int, height: int) -> None:
    """Raises RunError for a picture that is too large to be decoded, or too small to show anything."""
    size = (f"{height} x {width} pixels",)
    if width * height > MOST_PIXELS:
        raise RunError(
            f"the photograph is larger than {MOST_PIXELS // 1_000_000} million pixels",
            items=size,
            help="make such photographs smaller before they are used",
        )
    if min(width, height) < LEAST_SIDE:
        raise RunError(f"the photograph is smaller than {LEAST_SIDE} x {LEAST_SIDE} pixels", items=size)

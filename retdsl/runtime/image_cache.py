"""The cache of prepared photographs: what one run has prepared, the next one need not.

Enters: the SHA-256 of what photographs are prepared from. Leaves: prepared photographs. Guaranteed: never other pixels
than preparation gives; for the rest see `disk_cache`.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import is_dataclass
from hashlib import blake2b

import cv2
import numpy as np

from retdsl.runtime.disk_cache import Cache

PREPARATION = 1
"""Goes up whenever decoding or a step gives other pixels than before."""


class ImageCache(Cache):
    """Prepared photographs of one chain: `chain_text`, None where photographs cannot be known again."""

    FOLDER = "images"
    WHAT = "photographs"
    OTHERWISE = "prepared anew in every epoch"

    @classmethod
    def _key(cls, chain: str) -> str:
        # What carries the chain out counts: another OpenCV may round in another way.
        carries = (PREPARATION, cv2.getBuildInformation(), np.__version__, platform.machine())
        return blake2b("\0".join([chain, *map(str, carries)]).encode(), digest_size=16).hexdigest()


def chain_text(steps: Sequence[object]) -> str | None:
    """The steps with all their options; None if one of them does not tell what its options are."""
    if not all(is_dataclass(step) for step in steps):
        return None
    return " => ".join(["photo", *map(repr, steps)])

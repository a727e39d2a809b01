"""The cache of features: what the frozen part of a network made of photographs in one run, it need not in the next.

Enters: keys of a photograph in a variant, and what the frozen part made of it. Leaves: the same, to the last bit.
Guaranteed: never other numbers than were kept: each row is compared with its digest when it is first used; for the rest
see `disk_cache`.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.disk_cache import Cache
from retdsl.runtime.initial import Shape
from retdsl.runtime.segments import digest_of

Row = tuple[NDArray[np.float32], ...]
"""What the frozen part gives for one photograph: an array [...] for each cut. Not to be written to."""


@dataclass(frozen=True, slots=True)
class features:
    """What the frozen part makes of photographs is kept.

    draws: how many variants every photograph has where augmentation never gives the same image twice; None leaves such
    images to pass the frozen part in every epoch.
    """

    draws: int | None = None


class FeatureCache(Cache):
    """Numbers about photographs, of one kind. chain: a line for people, then lines with all that they hang on."""

    FOLDER = "features"
    WHAT = "features"
    OTHERWISE = "computed anew in every epoch"

    @classmethod
    def _key(cls, chain: str) -> str:
        return blake2b(chain.encode(), digest_size=16).hexdigest()


class FingerprintCache(FeatureCache):
    """Numbers by which near copies of a photograph are found."""

    FOLDER = "fingerprints"
    WHAT = "fingerprints"
    OTHERWISE = "computed anew by every run"


class Rows:
    """Rows of features by their keys. shapes: of the arrays at the cuts, by name, without the batch axis.

    damaged: how many were found changed on the disk.
    """

    def __init__(self, cache: FeatureCache, shapes: Mapping[str, Shape]) -> None:
        self.cache = cache
        self.damaged = 0
        self._shapes = tuple(shapes.values())
        self._size = 4 * sum(map(prod, self._shapes))
        self._sound: set[bytes] = set()

    def knows(self, key: bytes) -> bool:
        """Whether a row is there; only when first asked is it read for that."""
        return key in self._sound or self.find(key) is not None

    def find(self, key: bytes) -> Row | None:
        """The row of a key, None if it is not there, or not sound."""
        place = self.cache.find(key)
        if place is None:
            return None
        values = place.segment.read(place, sound=key in self._sound) if place.size == self._size else None
        if values is None:
            self.damaged += 1
            self._sound.discard(key)
            self.cache.forget(key, place)
            return None
        self._sound.add(key)
        return self._arrays(values)

    def keep(self, key: bytes, row: Row) -> None:
        """Keeps a row, where there is room for it."""
        values = np.concatenate([array.reshape(-1) for array in row], dtype=np.float32)
        kept = values.view(np.uint8).reshape(1, 1, -1)
        self.cache.keep(key, kept, digest_of(kept))

    def _arrays(self, stored: NDArray[np.uint8]) -> Row:
        values, found, start = stored.reshape(-1).view(np.float32), [], 0
        for shape in self._shapes:
            found.append(values[start : start + prod(shape)].reshape(shape))
            start += prod(shape)
        return tuple(found)


def in_words(facts: Mapping[str, Any]) -> str:
    """What lock.json says of a run's features, for people; empty where it needed none."""
    counts = {"found": facts["found"], "computed": facts["computed"]}
    said = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
    if not said:
        return ""
    alone = "" if facts["folder"] or not facts["computed"] else ", kept for this run alone"
    draws = f", {facts['draws']} draws a photograph" if facts["draws"] else ""
    return f"{said}, by {facts['engine']}{draws}{alone}"


def processor() -> str:
    """What the processor can do: other instructions round in another way."""
    with suppress(OSError), open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        about = (line for line in file if line.startswith(("model name", "flags", "Features")))
        return blake2b("".join(sorted(set(about))).encode(), digest_size=16).hexdigest()
    return platform.processor()

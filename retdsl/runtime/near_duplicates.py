"""Photographs that are the same one, or nearly so: copied, saved anew, made smaller, a little brighter.

Enters: a fingerprint of each photograph, uint8 `[n, S, S]`. Leaves: groups of them. What is compared is the pattern of
vessels, not the disc that all photographs of a camera share: each fingerprint without its own local average.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.decode import Photograph
from retdsl.runtime.prepare import crop_circle, resize

SIDE = 48
"""Height and width of a fingerprint."""

ALIKE = 0.9
"""The correlation of two patterns from which on they are taken for one photograph."""

ROWS = 1024
"""Fingerprints that are compared with all others at once."""

FLAT = 0.3
"""A pattern that varies by less, in levels of 255, is none: nobody can say that two black photographs are one."""


def fingerprint(photo: Photograph | None) -> NDArray[np.uint8]:
    """The green channel of the square around the disc, uint8 `[S, S]`; black where there is no photograph."""
    if photo is None:
        return np.zeros((SIDE, SIDE), np.uint8)
    return np.ascontiguousarray(resize(SIDE, SIDE)(crop_circle()(photo))[:, :, 1])


def near_duplicates(fingerprints: NDArray[np.uint8]) -> list[tuple[int, ...]]:
    """Groups of two photographs or more that are one, ascending, each by its first. Each belongs to one group at most:
    those that look like the same third one are one, too.
    """
    count = len(fingerprints)
    leader = list(range(count))

    def first_of(index: int) -> int:
        while leader[index] != index:
            leader[index] = leader[leader[index]]
            index = leader[index]
        return index

    patterns = _patterns(fingerprints)
    for start in range(0, count, ROWS):
        alike = patterns[start : start + ROWS] @ patterns[start:].T > ALIKE
        for row, column in np.argwhere(np.triu(alike, 1)):
            one, other = sorted((first_of(start + int(row)), first_of(start + int(column))))
            leader[other] = one
    groups: dict[int, list[int]] = {}
    for index in range(count):
        groups.setdefault(first_of(index), []).append(index)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def _patterns(fingerprints: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What correlates: float32 `[n, S * S]`, each of length 1, or 0 where there is no pattern.

    The rim is left out, where the edge of the disc would make all alike.
    """
    at = (np.arange(SIDE) + 0.5) / (SIDE / 2) - 1
    inside = at[:, None] ** 2 + at**2 < 0.8**2
    flat = np.empty((len(fingerprints), int(inside.sum())), np.float32)
    for index, picture in enumerate(fingerprints):
        values = picture.astype(np.float32)
        flat[index] = (values - cv2.GaussianBlur(values, (0, 0), SIDE / 12))[inside]
    flat -= flat.mean(axis=1, keepdims=True)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    return np.where(length > FLAT * inside.sum() ** 0.5, flat / np.maximum(length, 1e-9), np.float32(0))

"""Near copies of photographs: the same one encoded anew, scaled, brightened, cut a little, turned or mirrored.

Enters: prepared photographs, uint8 `[H, W, C]`. Leaves: the pairs that show the same, and how much alike they are.
Guaranteed: a pair depends on its two photographs alone; memory grows with their number (1.4 KB each), not with pairs.

All photographs of a fundus look alike, so not their colours and shading are compared but their vessels: the green
channel within the retina, without what is coarser than a vessel, its contrast made even. In two steps:

1. A fingerprint: the lower frequencies of that detail at 64 x 64. Two whose correlation is `PROPOSED` or more are
   candidates. Mirroring changes but the signs of odd frequencies, so that all four ways to turn and mirror a photograph
   come from the same products.
2. Candidates are laid on one another, with an affine map (Evangelidis and Psarakis 2008, doi:10.1109/TPAMI.2008.113),
   and compared at 128 x 128. With a correlation of `CONFIRMED` or more, they are near copies.

The thresholds are measured: `tests/benchmarks/leaks.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from retdsl.runtime.ahead import ahead
from retdsl.runtime.decode import Photograph

Plane: TypeAlias = npt.NDArray[np.float32]

PROPOSED = 0.7
"""Correlation of fingerprints above which two photographs are looked at closely."""

CONFIRMED, CONFIRMED_SMALL = 0.6, 0.8
"""Correlation of what is seen of two photographs that lie on one another, above which they are near copies. Those that
are prepared to fewer than 64 pixels show less of the vessels, and must be more alike.
"""

VERSION = 1
"""Goes up whenever photographs have other fingerprints than before."""

SIZE = 128
"""Pixels of height and width at which two photographs are compared closely: what is finer counts for nothing."""

SMALLEST = 32
"""Pixels of height and width below which a photograph shows no vessel, and is like no other."""

WAYS = ("", "upside down", "mirrored", "turned by 180 degrees")
"""How the second of a pair must be turned to lie on the first, in the order of `_turned`."""

_SIZE, _DETAIL = 64, 2.0
_FINE_DETAIL = 3.0
_FREQUENCIES = 24
_DARK, _BRIGHT = 15, 240  # what is darker or brighter is no retina
_NOISE = 3.0  # grey levels: weaker contrast is not amplified to the full
_LEAST = 3.0  # length of a spectrum: of 945 photographs the faintest has 5.6, noise of a grey level 2.4
_EVERYWHERE = np.ones((SIZE, SIZE), np.uint8)
_ROWS, _COLUMNS = 512, 2048  # of a block of products: 4 MB


class Pair(NamedTuple):
    """Two near copies. way: an index of `WAYS`; alike: their correlation, from `least_likeness` to 1."""

    first: int
    second: int
    way: int
    alike: float


def fingerprints(photographs: Callable[[int], Photograph], indices: Sequence[int], threads: int = 1) -> Plane:
    """A row for each of `indices`, float32 `[n, frequencies]`, of length 1; of zeros where there is nothing to see."""
    return _stacked(lambda index: fingerprint(photographs(index)), indices, threads)


def _stacked(print_of: Callable[[int], Plane], indices: Sequence[int], threads: int) -> Plane:
    rows = list(ahead(print_of, indices, threads, "fingerprint"))
    return np.stack(rows) if rows else np.zeros((0, NUMBERS), np.float32)


def fingerprint(photo: Photograph) -> Plane:
    """One row of `fingerprints`."""
    if min(photo.shape[:2]) < SMALLEST:
        return np.zeros(NUMBERS, np.float32)
    spectrum = cv2.dct(_detail(photo, _SIZE, _DETAIL))[_LOWER]
    length = float(np.linalg.norm(spectrum))
    return np.asarray(spectrum / length if length >= _LEAST else np.zeros_like(spectrum), np.float32)


def near_copies(
    photographs: Callable[[int], Photograph],
    groups: Iterable[tuple[Sequence[int], Sequence[int]]],
    threads: int = 1,
    print_of: Callable[[int], Plane] | None = None,
) -> list[Pair]:
    """The pairs of near copies with one photograph in the first sequence of a group, and the other in the second.

    Where both are one sequence, each of its pairs counts once. print_of: gives the `fingerprint` of an index, for who
    has them already.
    """
    groups = [group for group in groups if all(group)]
    indices = sorted({index for group in groups for side in group for index in side})
    prints = _stacked(print_of or (lambda index: fingerprint(photographs(index))), indices, threads)
    row_of = {index: row for row, index in enumerate(indices)}
    proposed = [
        (one[a], other[b], way)
        for one, other in groups
        for a, b, way in _candidates(prints[[row_of[i] for i in one]], prints[[row_of[i] for i in other]])
        if one is not other or a < b
    ]

    def compare(pair: tuple[int, int, int]) -> float:
        return likeness(photographs(pair[0]), photographs(pair[1]), pair[2])

    alike = ahead(compare, proposed, threads, "likeness")
    return [
        Pair(*pair, value)
        for pair, value in zip(proposed, alike, strict=True)
        if value >= least_likeness(photographs(pair[0]))
    ]


def likeness(first: Photograph, second: Photograph, way: int) -> float:
    """The correlation of two photographs, once the second is turned that way and laid on the first; at most 1."""
    a, b = (_detail(photo, SIZE, _FINE_DETAIL) for photo in (first, _turned(second, way)))
    until = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 25, 1e-4)
    try:
        start = np.eye(2, 3, dtype=np.float32)
        _, found = cv2.findTransformECC(_blurred(a, 1), _blurred(b, 1), start, cv2.MOTION_AFFINE, until, _EVERYWHERE, 1)
    except cv2.error:  # they do not converge, so they do not lie on one another
        return 0.0
    laid = cv2.warpAffine(b, found, a.shape[::-1], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    lengths = float(np.linalg.norm(a)) * float(np.linalg.norm(laid))
    return float(np.vdot(a, laid)) / lengths if lengths > 0 else 0.0


def least_likeness(photo: Photograph) -> float:
    """The likeness above which photographs of this size are near copies."""
    return CONFIRMED if min(photo.shape[:2]) >= _SIZE else CONFIRMED_SMALL


def _candidates(rows: Plane, columns: Plane) -> Iterator[tuple[int, int, int]]:
    """Row, column and way of the pairs whose fingerprints correlate. Each counts once, the way that fits best."""
    for top in range(0, len(rows), _ROWS):
        some = rows[top : top + _ROWS]
        for left in range(0, len(columns), _COLUMNS):
            others = columns[left : left + _COLUMNS]
            even, down, across, both = (some[:, part] @ others[:, part].T for part in _PARITY)
            straight, mixed = even + both, down + across
            turned, crossed = even - both, down - across
            # even + both +- (down + across): as it is, or turned; even - both +- (down - across): the two mirrorings
            best = np.maximum(straight + np.abs(mixed), turned + np.abs(crossed))
            for row, column in zip(*np.nonzero(best >= PROPOSED), strict=True):
                e, d, a, b = (float(part[row, column]) for part in (even, down, across, both))
                ways = (e + d + a + b, e - d + a - b, e + d - a - b, e - d - a + b)
                yield top + int(row), left + int(column), int(np.argmax(ways))


def _turned(photo: Photograph, way: int) -> Photograph:
    flipped = (photo, photo[::-1], photo[:, ::-1], photo[::-1, ::-1])[way]
    return np.ascontiguousarray(flipped)


def _detail(photo: Photograph, size: int, detail: float) -> Plane:
    """What is finer than `detail` pixels, its contrast made even, within the retina; float32 `[size, size]`."""
    small = cv2.resize(photo, (size, size), interpolation=cv2.INTER_AREA).reshape(size, size, -1)
    green = small[:, :, small.shape[2] // 2].astype(np.float32)  # of one channel, that one
    retina = ((small.max(axis=2) > _DARK) & (small.min(axis=2) < _BRIGHT)).astype(np.float32)
    around = _blurred(green * retina, detail) / np.maximum(_blurred(retina, detail), 1e-3)
    fine = (green - around) * retina
    contrast = np.sqrt(_blurred(fine * fine, 2 * detail) / np.maximum(_blurred(retina, 2 * detail), 1e-3))
    reach = 2 * round(detail) + 1  # at the edge of the retina there is nothing to compare with
    kernel = np.ones((reach, reach), np.uint8)
    inner = cv2.erode(retina, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=(0,))
    return np.asarray(fine / (contrast + _NOISE) * _blurred(np.asarray(inner, np.float32), 1), np.float32)


def _blurred(plane: Plane, sigma: float) -> Plane:
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma, borderType=cv2.BORDER_REFLECT), np.float32)


def _lower() -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The frequencies of a fingerprint, down and across, those of like parity side by side."""
    down, across = np.mgrid[:_FREQUENCIES, :_FREQUENCIES]
    chosen = (down + across >= 2) & (down + across < _FREQUENCIES + 2)
    down, across = down[chosen], across[chosen]
    order = np.lexsort((down, across, 2 * (across % 2) + down % 2))
    return down[order], across[order]


def _parities() -> tuple[slice, ...]:
    """Where in a fingerprint the frequencies lie that are even and even, odd down, odd across, odd and odd."""
    parity = 2 * (_LOWER[1] % 2) + _LOWER[0] % 2
    ends = np.searchsorted(parity, range(5)).tolist()
    return tuple(slice(start, end) for start, end in pairwise(ends))


_LOWER = _lower()

NUMBERS = len(_LOWER[0])
"""Of a fingerprint."""
_PARITY = _parities()

"""Two sequences beside each other: which items of one stand for which of the other.

Guaranteed: pairs keep the order of both sequences; with the sequences changed over, the pairs are, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from difflib import SequenceMatcher
from typing import TypeAlias, TypeVar

T = TypeVar("T")
Pairs: TypeAlias = "list[tuple[int, int]]"

MOST_COMPARED = 1_000_000
"""Pairs of items up to which sequences are searched for common runs; beyond, only their ends are compared."""


def align(a: Sequence[T], b: Sequence[T], *keys: Callable[[T], Hashable]) -> Pairs:
    """Positions in `a` and `b` of items that stand for one another: first those with an equal first key, as many in a
    row as can be found; between these, those with an equal second key; and so on.
    """
    if not keys or not a or not b:
        return []
    keys_a, keys_b = [keys[0](item) for item in a], [keys[0](item) for item in b]
    over = repr(keys_a) > repr(keys_b)  # the search is not symmetrical by itself
    found = [(i, j) for j, i in _common(keys_b, keys_a)] if over else _common(keys_a, keys_b)
    pairs: Pairs = []
    i0 = j0 = 0
    for i, j in [*found, (len(a), len(b))]:
        pairs += [(i0 + x, j0 + y) for x, y in align(a[i0:i], b[j0:j], *keys[1:])]
        pairs.append((i, j))
        i0, j0 = i + 1, j + 1
    return pairs[:-1]


def _common(a: Sequence[Hashable], b: Sequence[Hashable]) -> Pairs:
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    end = 0
    while end < min(len(a), len(b)) - start and a[-1 - end] == b[-1 - end]:
        end += 1
    middle_a, middle_b = a[start : len(a) - end], b[start : len(b) - end]
    pairs = [(i, i) for i in range(start)]
    if len(middle_a) * len(middle_b) <= MOST_COMPARED:
        for i, j, size in SequenceMatcher(None, middle_a, middle_b, autojunk=False).get_matching_blocks():
            pairs += [(start + i + k, start + j + k) for k in range(size)]
    return pairs + [(len(a) - k, len(b) - k) for k in range(end, 0, -1)]

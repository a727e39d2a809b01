"""Did-you-mean: which of the names that exist somebody may have meant by one that does not.

Enters: a word as written and the names that would have been right there. Leaves: at most three of those names, best
first. Guaranteed: only names out of `candidates`, never the word itself, the same answer for the same order of
candidates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

MOST = 3
"""More suggestions than this are a list to search, not a hint."""

NO_ALIASES: Mapping[str, str] = {}


def suggest(word: str, candidates: Iterable[str], aliases: Mapping[str, str] = NO_ALIASES) -> list[str]:
    """The candidates that `word` may stand for, best first, at most three.

    aliases: what other libraries call things, to the name here (`{"Dense": "FullyConnected"}`); a hit counts only if
    its name is among the candidates.

    An alias, or the same word in another case or with other underscores, is certain enough to stand alone. Otherwise
    come names that go on where the word stops, then misspelt ones, where an edit is a letter changed, left out, added,
    or two neighbours swapped: one edit for every three letters, and only the nearest; in between, names that the word
    itself goes on from.
    """
    return list(_suggest(word, tuple(dict.fromkeys(candidates)), tuple(aliases.items())))


@lru_cache(maxsize=1000)  # one mistake may be met many times, as in a block that is used often
def _suggest(word: str, candidates: tuple[str, ...], alias_items: tuple[tuple[str, str], ...]) -> list[str]:
    names = [name for name in candidates if name != word]
    aliases = dict(alias_items)
    folded = _fold(word)
    meant = [aliases[word]] if word in aliases else [aliases[key] for key in aliases if _fold(key) == folded]
    certain = [name for name in meant if name in names]
    certain += [name for name in names if _fold(name) == folded]
    if certain:
        return list(dict.fromkeys(certain))[:MOST]

    distances = {name: _distance_within(folded, _fold(name), _tolerance(folded, _fold(name))) for name in names}
    nearest = min((distance for distance in distances.values() if distance is not None), default=0)
    ranked: list[tuple[int, int, str]] = []
    for name in names:
        further = abs(len(_fold(name)) - len(folded))
        if len(folded) >= 2 and _fold(name).startswith(folded):
            ranked.append((0, further, name))
        elif distances[name] == nearest:
            ranked.append((nearest, 0, name))
        elif len(_fold(name)) >= max(3, len(folded) / 2) and folded.startswith(_fold(name)):
            ranked.append((2, further, name))
    ranked.sort(key=lambda rank: rank[:2])
    return [name for *_, name in ranked[:MOST]]


def did_you_mean(word: str, candidates: Iterable[str], aliases: Mapping[str, str] = NO_ALIASES) -> str | None:
    """The suggestions as a question, ready to be the help of a message; None if nothing comes near."""
    names = [f"`{name}`" for name in suggest(word, candidates, aliases)]
    if not names:
        return None
    *others, last = names
    return f"did you mean {', '.join(others)} or {last}?" if others else f"did you mean {last}?"


@lru_cache(maxsize=10_000)
def _fold(word: str) -> str:
    """The word as far as sloppy memory keeps it: without case, underscores and hyphens."""
    return word.casefold().replace("_", "").replace("-", "")


def _tolerance(word: str, name: str) -> int:
    """How many edits still make `name` a likely meaning of `word`; never so many that nothing of it would be left."""
    longest = max(len(word), len(name))
    return min(max(1, longest // 3), 4, longest - 1)


def _distance_within(a: str, b: str, most: int) -> int | None:
    """The edits from `a` to `b`, swapped neighbours counting once (optimal string alignment); None beyond `most`."""
    if abs(len(a) - len(b)) > most or len(set(a) - set(b)) > most:  # an edit brings in one letter at most
        return None
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        further = [i]
        for j, y in enumerate(b, start=1):
            edits = min(row[j] + 1, further[j - 1] + 1, row[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                edits = min(edits, before[j - 2] + 1)
            further.append(edits)
        if min(further) > most and min(row) > most:
            return None
        before, row = row, further
    return row[-1] if row[-1] <= most else None

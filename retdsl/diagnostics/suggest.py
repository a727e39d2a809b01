"""Did-you-mean: which of the names that exist somebody may have meant by one that does not.

Enters: a word as written and the names that would have been right there. Leaves: at most three of those names, best
first, and whether the first is certain. Guaranteed: only names out of `candidates`, never the word itself, the same
answer for the same order of candidates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from retdsl.records import dataclass

MOST = 3
"""More suggestions than this are a list to search, not a hint."""

SHORTEST = 3
"""Letters of a name that one wrong letter still lets be recognised for sure."""

NO_ALIASES: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Guess:
    """What a word may stand for, best first. `same`: it is that very name in another spelling (case, underscores) or
    language; `slip`: one letter is wrong, and no other name comes near.
    """

    names: tuple[str, ...] = ()
    same: bool = False
    slip: bool = False

    @property
    def question(self) -> str | None:
        """Ready to be the help of a message; None if nothing comes near."""
        if not self.names:
            return None
        *others, last = [f"`{name}`" for name in self.names]
        return f"did you mean {', '.join(others)} or {last}?" if others else f"did you mean {last}?"


def guess(word: str, candidates: Iterable[str], aliases: Mapping[str, str] = NO_ALIASES) -> Guess:
    """The candidates that `word` may stand for, at most three.

    aliases: what other libraries call things, to what is written here: a name (`{"Dense": "FullyConnected"}`) or a call
    (`{"ReLU": "Activation(relu)"}`). One counts only if its name is among the candidates.

    An alias, or the same word in another case or with other underscores, is certain enough to stand alone. Otherwise
    come names that go on where the word stops, then misspelt ones, where an edit is a letter changed, left out, added,
    or two neighbours swapped: one edit for every three letters, and only the nearest; in between, names that the word
    itself goes on from. If nothing comes near, a misspelt alias may.
    """
    return _guess(word, tuple(dict.fromkeys(candidates)), tuple(aliases.items()))


@lru_cache(maxsize=1000)  # one mistake may be met many times, as in a block that is used often
def _guess(word: str, candidates: tuple[str, ...], alias_items: tuple[tuple[str, str], ...]) -> Guess:
    names = [name for name in candidates if name != word]
    aliases = dict(alias_items)
    here = set(names)
    known = {alias: meant for alias, meant in aliases.items() if meant.partition("(")[0] in here}
    folded = _fold(word)
    if word in known:
        return Guess((known[word],), same=True)
    same = [name for name in names if _fold(name) == folded]
    same += [meant for alias, meant in known.items() if _fold(alias) == folded]
    if same:
        found = tuple(dict.fromkeys(same))[:MOST]
        return Guess(found, same=len(found) == 1)
    found, nearest = _near(folded, names)
    if not found:
        meant = (known[alias] for alias in _near(folded, list(known), parts=False)[0])
        return Guess(tuple(dict.fromkeys(meant)))
    long = min(len(folded), len(_fold(found[0]))) >= SHORTEST and not any(char.isdigit() for char in word + found[0])
    return Guess(found, slip=len(found) == 1 and nearest == 1 and long)


def suggest(word: str, candidates: Iterable[str], aliases: Mapping[str, str] = NO_ALIASES) -> list[str]:
    """The names of `guess`."""
    return list(guess(word, candidates, aliases).names)


def did_you_mean(word: str, candidates: Iterable[str], aliases: Mapping[str, str] = NO_ALIASES) -> str | None:
    """The question of `guess`."""
    return guess(word, candidates, aliases).question


def _near(folded: str, names: Iterable[str], *, parts: bool = True) -> tuple[tuple[str, ...], int]:
    """The names that a word comes near to, best first, and the edits to the nearest that are needed (0 for none).

    parts: whether a name that goes on from the word, or stops within it, comes near, too.
    """
    spelt = {name: _fold(name) for name in names}
    distances = {name: _distance_within(folded, other, _tolerance(folded, other)) for name, other in spelt.items()}
    nearest = min((distance for distance in distances.values() if distance is not None), default=0)
    ranked: list[tuple[int, int, str]] = []
    for name, other in spelt.items():
        further = abs(len(other) - len(folded))
        if parts and len(folded) >= 2 and other.startswith(folded):
            ranked.append((0, further, name))
        elif distances[name] == nearest:
            ranked.append((nearest, 0, name))
        elif parts and len(other) >= max(3, len(folded) / 2) and folded.startswith(other):
            ranked.append((2, further, name))
    ranked.sort(key=lambda rank: rank[:2])
    return tuple(name for *_, name in ranked[:MOST]), nearest


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

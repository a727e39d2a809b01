"""Many problems of several kinds, gathered first and then told at once.

Enters: single cases, each under the heading of its kind. Leaves: one `RunError`, or nothing if there were no cases.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import NoReturn

from retdsl.runtime.errors import RunError

CASES_PER_KIND = 4
"""How many cases of each kind are written out when there are several kinds; the rest is counted."""


class Problems:
    """Headings such as "rows without a label", each with its cases, in the order in which they were first met."""

    def __init__(self) -> None:
        self._cases: dict[str, list[str]] = {}
        self._help: dict[str, dict[str, None]] = {}

    def add(self, kind: str, case: str, help: str | None = None) -> None:
        """Notes one case under the heading `kind`. The same `help` is told once."""
        self._cases.setdefault(kind, []).append(case)
        if help is not None:
            self.advise(kind, help)

    def advise(self, kind: str, help: str) -> None:
        """Adds a way out that belongs to a kind, but to no single case."""
        self._help.setdefault(kind, {}).setdefault(help)

    def __len__(self) -> int:
        return sum(map(len, self._cases.values()))

    def raise_any(self, message: str, where: object = None) -> None:
        """Raises one RunError with all cases: under their heading if all are of one kind, else under `message`."""
        if self._cases:
            self._raise(message, where)

    def _raise(self, message: str, where: object) -> NoReturn:
        parts = [
            RunError(_heading(kind, cases), where=where, help=tuple(self._help.get(kind, ())), items=cases)
            for kind, cases in self._cases.items()
        ]
        if len(parts) == 1:
            raise parts[0]
        blocks = [_block(kind, cases) for kind, cases in self._cases.items()]
        help = dict.fromkeys(text for part in parts for text in part.help)
        raise RunError(message, where=where, help=tuple(help), items=blocks, parts=parts)


def together(errors: Sequence[RunError], message: str) -> RunError:
    """One error for several, each with its place and its ways out; `message` stands above if there are two or more."""
    if len(errors) == 1:
        return errors[0]
    items = [str(error).replace("\n", "\n     ") for error in errors]
    return RunError(message, items=items, parts=[part for error in errors for part in error.parts or (error,)])


def near_names(name: str, known: Iterable[str]) -> list[str]:
    """Those of `known` that `name` may have been meant to be, nearest first; a difference of case counts little."""
    folded: dict[str, str] = {}
    for candidate in known:
        folded.setdefault(candidate.casefold(), candidate)
    return [folded[match] for match in get_close_matches(name.casefold(), folded, n=3, cutoff=0.6)]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A clause that proposes the nearest of `known`, or nothing if none is near."""
    near = near_names(name, known)
    return f"; did you mean `{near[0]}`?" if near else ""


def listed(names: Iterable[str]) -> str:
    """Names as a person writes them in a row: `a`, `b`, `c`."""
    return ", ".join(f"`{name}`" for name in names)


def _heading(kind: str, cases: list[str]) -> str:
    return f"{kind} ({len(cases)})"


def _block(kind: str, cases: list[str]) -> str:
    lines = [_heading(kind, cases), *cases[:CASES_PER_KIND]]
    if len(cases) > CASES_PER_KIND:
        lines.append(f"... and {len(cases) - CASES_PER_KIND} more")
    return "\n       ".join(lines)

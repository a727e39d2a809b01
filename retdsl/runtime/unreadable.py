"""Photographs that cannot be read: why, how many for each reason, and which.

Enters: what the first pass refused. Leaves: an `Unreadable`, which is told as one error, or kept in a run's records
where the study says `on_bad_image = skip`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retdsl.runtime.errors import RunError
from retdsl.runtime.problems import CASES_PER_KIND
from retdsl.runtime.sample import Sample

SKIP_HELP = "mend them, take them off the list, or leave them out with `on_bad_image = skip` in the data block"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why photographs cannot be read: in words, the cures, and which they are, each with what is special about it."""

    words: str
    help: tuple[str, ...]
    names: tuple[str, ...]
    details: tuple[str, ...]

    @property
    def cases(self) -> list[str]:
        """`a.png: 1 x 1 pixels`, or the name alone."""
        return [f"{name}: {more}" if more else name for name, more in zip(self.names, self.details, strict=True)]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """of: how many photographs there are in all; reasons: the most frequent first."""

    of: int
    reasons: tuple[Reason, ...] = ()

    def __len__(self) -> int:
        """How many photographs cannot be read."""
        return sum(len(reason.names) for reason in self.reasons)

    def error(self) -> RunError:
        """All of it as one error, with a part for each reason."""
        parts = [
            RunError(f"{self._cannot(len(reason.names))}: {reason.words}", help=reason.help, items=reason.cases)
            for reason in self.reasons
        ]
        parts[-1].help = (*parts[-1].help, SKIP_HELP)
        if len(parts) == 1:
            return parts[0]
        help = dict.fromkeys(text for part in parts for text in part.help)
        return RunError(self._cannot(len(self)), items=map(_line, self.reasons), help=tuple(help), parts=parts)

    def warning(self) -> RunError:
        """That they are left out, with every reason."""
        return RunError(self._left_out(), items=map(_line, self.reasons))

    def line(self) -> str:
        """`2 photographs of 30 cannot be read, and are left out: 1 no such file, 1 the file is empty (0 bytes)`."""
        reasons = "; ".join(f"{reason.words} ({len(reason.names)})" for reason in self.reasons)
        return f"{self._left_out()}: {reasons}"

    def to_json(self) -> dict[str, Any]:
        """`{"count": 2, "reasons": {"no such file": ["a.png"], "the file is empty (0 bytes)": ["b.png"]}}`."""
        return {"count": len(self), "reasons": {reason.words: list(reason.names) for reason in self.reasons}}

    def _left_out(self) -> str:
        return f"{self._cannot(len(self))}, and {'is' if len(self) == 1 else 'are'} left out"

    def _cannot(self, count: int) -> str:
        return f"{'a photograph' if count == 1 else f'{count} photographs'} of {self.of} cannot be read"


def gathered(samples: Sequence[Sample], refused: Mapping[int, RunError]) -> Unreadable:
    """The refused photographs by reason. refused: by their index in `samples`."""
    found: dict[str, list[int]] = {}
    for index in sorted(refused):
        found.setdefault(refused[index].message, []).append(index)
    reasons = [
        Reason(
            words,
            tuple(dict.fromkeys(text for index in indices for text in refused[index].help)),
            tuple(samples[index].image for index in indices),
            tuple(", ".join(refused[index].items) for index in indices),
        )
        for words, indices in sorted(found.items(), key=lambda item: -len(item[1]))
    ]
    return Unreadable(len(samples), tuple(reasons))


def _line(reason: Reason) -> str:
    cases = reason.cases
    shown = ", ".join(cases[:CASES_PER_KIND])
    more = f" and {len(cases) - CASES_PER_KIND} more" if len(cases) > CASES_PER_KIND else ""
    return f"{reason.words} ({len(cases)}): {shown}{more}"

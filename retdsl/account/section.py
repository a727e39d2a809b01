"""One thing to tell of an experiment, for people and for programs."""

from __future__ import annotations

from retdsl.records import dataclass


@dataclass(frozen=True, slots=True)
class Section:
    """One thing to tell of an experiment, as a table.

    key: its name in JSON; title: what it tells, in words; columns: their heads, the first of names, the others of
    numbers; rows: a text for each column; notes: sentences under the table; data: the same for programs. A section
    without rows and notes is for programs only.
    """

    key: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]
    data: object

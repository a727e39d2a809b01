"""Failures that a user can cure: worded, located, never a traceback.

Whatever is wrong with labels, photographs, weights or the disk ends in a `RunError`; `main` prints it and leaves with
its exit code. All problems of one kind are collected and raised at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

SHOWN_ITEMS = 10
"""How many of a long list of problems are written out; the rest is counted."""


class RunError(Exception):
    """What is wrong (`message`), where (`where`, a file or row), each single case (`items`), and the cure (`help`).

    parts: where several problems are told at once, each as an error of its own, for whoever wants them one by one.
    exit_code: 1 for everything that the spec or the data are to blame for.
    """

    def __init__(
        self,
        message: str,
        *,
        where: object = None,
        help: str | Sequence[str] | None = None,
        items: Iterable[str] = (),
        parts: Iterable[RunError] = (),
        exit_code: int = 1,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.where = None if where is None else str(where)
        self.help = (help,) if isinstance(help, str) else tuple(help or ())
        self.items = tuple(items)
        self.parts = tuple(parts)
        self.exit_code = exit_code

    def __str__(self) -> str:
        lines = [self.message]
        if self.where is not None:
            lines.append(f" --> {self.where}")
        lines += [f"   - {item}" for item in self.items[:SHOWN_ITEMS]]
        if len(self.items) > SHOWN_ITEMS:
            lines.append(f"   ... and {len(self.items) - SHOWN_ITEMS} more")
        lines += [f"   = help: {text}" for text in self.help]
        return "\n".join(lines)

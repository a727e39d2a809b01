"""What is wrong, where, why, and what to do: the plain data of a message.

A step that finds something wrong appends a `Diagnostic` to its `Diagnostics` and goes on. Rendering is elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from retdsl.diagnostics.catalogue import CATALOGUE
from retdsl.records import dataclass
from retdsl.source import Span

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Label:
    """A place and what is to be said about it there; `text` may be empty."""

    span: Span
    text: str = ""


@dataclass(frozen=True, slots=True)
class Fix:
    """Replacing `span` by `replacement` cures the mistake; `safe` if it cannot change the meaning otherwise."""

    span: Span
    replacement: str
    safe: bool = False


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One message. `labels[0]` is the subject's place; a message about a whole file may have no label."""

    code: str
    message: str
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    helps: tuple[str, ...] = ()
    fixes: tuple[Fix, ...] = ()

    @property
    def severity(self) -> Severity:
        return CATALOGUE[self.code].severity


LONG = 1200
"""Characters of a text that are kept. Only names and numbers without end make one longer."""


def _cut(text: str) -> str:
    return text if len(text) <= LONG else f"{text[: LONG // 2]} ... {text[-LONG // 2 :]}"


class Diagnostics:
    """A growing list of messages; the same message at the same place is kept once, as when a block
    with a mistake is used many times.
    """

    def __init__(self) -> None:
        self._items: list[Diagnostic] = []
        self._seen: set[tuple[str, str, Span | None]] = set()
        self._counts: dict[Severity, int] = {"error": 0, "warning": 0}

    def report(
        self,
        code: str,
        message: str,
        *labels: Label | Span,
        notes: Iterable[str] = (),
        helps: Iterable[str] = (),
        fixes: Iterable[Fix] = (),
    ) -> None:
        """Adds a message. Raises KeyError for a code that the catalogue lacks: a defect of retdsl itself."""
        CATALOGUE[code]
        made = tuple(label if isinstance(label, Label) else Label(label) for label in labels)
        said, notes, helps = _cut(message), tuple(map(_cut, notes)), tuple(map(_cut, helps))
        item = Diagnostic(code, said, made, notes, helps, tuple(fixes))
        key = (code, message, made[0].span if made else None)
        if key not in self._seen:
            self._seen.add(key)
            self._items.append(item)
            self._counts[item.severity] += 1

    def __iter__(self) -> Iterator[Diagnostic]:
        """Messages by place: file in order of first mention, then line and column."""
        order: dict[str, int] = {}
        for item in self._items:
            if item.labels:
                order.setdefault(item.labels[0].span.source.name, len(order))

        def key(item: Diagnostic) -> tuple[int, int]:
            if not item.labels:
                return (-1, 0)
            span = item.labels[0].span
            return (order[span.source.name], span.start)

        return iter(sorted(self._items, key=key))

    def __len__(self) -> int:
        return len(self._items)

    @property
    def errors(self) -> int:
        return self._counts["error"]

    @property
    def warnings(self) -> int:
        return self._counts["warning"]

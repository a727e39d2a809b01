"""What is wrong, where, why, and what to do: the plain data of a message.

A step that finds something wrong appends a `Diagnostic` to its `Diagnostics` and goes on. Rendering is elsewhere.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import Literal

from retdsl.diagnostics.catalogue import CATALOGUE
from retdsl.records import dataclass, replace
from retdsl.source import Span

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Label:
    """A place and what is to be said about it there; `text` may be empty."""

    span: Span
    text: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """Writing `replacement` in place of `span`."""

    span: Span
    replacement: str


@dataclass(frozen=True, slots=True)
class Fix:
    """Edits that together cure the mistake; `safe` if they cannot change the meaning otherwise."""

    edits: tuple[Edit, ...]
    safe: bool = False

    @staticmethod
    def at(span: Span, replacement: str, *, safe: bool = False) -> Fix:
        """A fix of one edit."""
        return Fix((Edit(span, replacement),), safe)


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
        self._items: dict[Hashable, Diagnostic] = {}
        self._cases: dict[Hashable, set[Hashable]] = {}
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
        self.add(Diagnostic(code, said, made, notes, helps, tuple(fixes)))

    def add(self, item: Diagnostic, *, same: str | None = None, case: Hashable = None) -> None:
        """Adds a message that is made already.

        same: what makes two messages of one code at one place the same, if not their text. case: which of the uses of
        a block it is about; how many others it holds for is told, too.
        """
        place = item.labels[0].span if item.labels else None
        key = (item.code, item.message if same is None else same, place)
        if key not in self._items:
            self._items[key] = item
            self._counts[item.severity] += 1
        if case is not None:
            self._cases.setdefault(key, set()).add(case)

    def __iter__(self) -> Iterator[Diagnostic]:
        """Messages by place: file in order of first mention, then line and column."""
        if not self._items:  # asked for at every use of a block
            return iter(())
        order: dict[str, int] = {}
        for item in self._items.values():
            if item.labels:
                order.setdefault(item.labels[0].span.source.name, len(order))

        def place(item: Diagnostic) -> tuple[int, int]:
            if not item.labels:
                return (-1, 0)
            span = item.labels[0].span
            return (order[span.source.name], span.start)

        return iter(sorted((self._told(key, item) for key, item in self._items.items()), key=place))

    def _told(self, key: Hashable, item: Diagnostic) -> Diagnostic:
        """The message, with how many further cases it holds for."""
        more = len(self._cases.get(key, ())) - 1
        if more < 1:
            return item
        return replace(item, notes=(*item.notes, f"the same goes for {more} more use{'s' * (more > 1)}"))

    def __len__(self) -> int:
        return len(self._items)

    @property
    def errors(self) -> int:
        return self._counts["error"]

    @property
    def warnings(self) -> int:
        return self._counts["warning"]

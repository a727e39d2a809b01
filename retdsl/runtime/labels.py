"""What the cells of a table say of a photograph's class.

Enters: for every row the cells of the columns that a labelling asks for. Leaves: for every row a `Label`, or None where
the cells are no label, which is noted among the problems; and what there is to tell of the labels besides. A labelling
sees all rows at once: what graders are worth shows only on all that they have graded. Guaranteed: a cell that says
nothing, as tables write it, is no label, unless a class is called so or a rule asks for that very text.
"""

from __future__ import annotations

import math
import operator
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

from retdsl.runtime.problems import Problems, did_you_mean, listed
from retdsl.runtime.sample import shown
from retdsl.runtime.table_files import says_nothing

YES_OR_NO = {"true": 1.0, "yes": 1.0, "false": 0.0, "no": 0.0}
"""What stands for 1 and 0 among findings, in lower case."""


class Label(NamedTuple):
    """The class of a photograph, as a position in `classes`; target: as in `Sample`."""

    position: int
    target: tuple[float, ...] | None = None

    @property
    def positions(self) -> tuple[int, ...]:
        """Every class that it names: one, or all findings."""
        return (self.position,) if self.target is None else shown(self.position, self.target)


SHOWN_CELLS = 8
"""How many different cells of a rule are written out."""


class Told(NamedTuple):
    """Something that there is to tell of labels: under which key for programs, as what, and to people in sentences."""

    key: str
    data: Any
    lines: tuple[str, ...]

    def of(self, source: str) -> Told:
        """The same, with the name of the source among several that it is told of."""
        return self._replace(lines=tuple(f"{source}: {line}" for line in self.lines))


class Doubt(NamedTuple):
    """Why cells give no label: the heading it belongs under, the case, what to do, and what may have been meant.

    Without a case, each row is one of its own.
    """

    kind: str
    case: str = ""
    help: str = ""
    near: str = ""


UNLABELLED = Doubt("rows without a label")


class Labelling(Protocol):
    """How cells become a label."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns whose cells it reads."""

    def label(
        self,
        rows: Sequence[Sequence[str]],
        places: Sequence[str],
        classes: tuple[str, ...],
        problems: Problems,
        told: list[Told] | None = None,
    ) -> list[Label | None]:
        """The label of every row. rows: the cells of `columns`, stripped; places: where each stands, as `line 3`."""


class OneByOne(Labelling, Protocol):
    """A labelling for which a row's cells alone are enough."""

    def decide(self, cells: Sequence[str], classes: tuple[str, ...]) -> Label | Doubt:
        """The label of a row."""

    def tell(self, rows: Sequence[Sequence[str]], classes: tuple[str, ...]) -> Told | None:
        """What there is to tell of all rows together."""


class _OneByOne:
    """What labellings have in common that decide row by row."""

    __slots__ = ()

    def label(
        self: OneByOne,
        rows: Sequence[Sequence[str]],
        places: Sequence[str],
        classes: tuple[str, ...],
        problems: Problems,
        told: list[Told] | None = None,
    ) -> list[Label | None]:
        """The label of every row; each row without one is among the problems, those alike as one case."""
        answers: dict[tuple[str, ...], Label | Doubt] = {}
        doubtful: dict[Doubt, list[str]] = {}
        labels: list[Label | None] = []
        for row, place in zip(rows, places, strict=True):
            cells = tuple(row)
            answer = answers.get(cells)
            if answer is None:
                answer = answers[cells] = self.decide(cells, classes)
            if isinstance(answer, Label):
                labels.append(answer)
            else:
                labels.append(None)
                doubtful.setdefault(answer, []).append(place)
        report(doubtful, problems)
        if told is not None and (more := self.tell(rows, classes)) is not None:
            told.append(more)
        return labels

    def tell(self, rows: Sequence[Sequence[str]], classes: tuple[str, ...]) -> Told | None:  # noqa: ARG002
        return None


@dataclass(frozen=True, slots=True)
class named(_OneByOne):
    """The name of a class in one column, or its position: 0 is the first class."""

    column: str

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    def decide(self, cells: Sequence[str], classes: tuple[str, ...]) -> Label | Doubt:
        (cell,) = cells
        if cell in classes:
            return Label(classes.index(cell))
        if says_nothing(cell):
            return UNLABELLED
        number = _number(cell)
        if number is None or any(_number(name) is not None for name in classes):
            help = f"the classes are {listed(classes)}"
            return Doubt("labels that are no class", f"`{cell}`", help, did_you_mean(cell, classes))
        if number in range(len(classes)):
            return Label(int(number))
        counted = ", ".join(f"{position} `{name}`" for position, name in enumerate(classes))
        help = (
            f"numbers are positions of classes, {counted}; grades need a rule, as `{self.column} >= 2 -> {classes[-1]}`"
        )
        return Doubt("labels that are no class", f"`{cell}`", help)


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
    "==": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True, slots=True)
class rule:
    """`grade >= 2 -> infected`: the class of all rows whose cell in `column` compares so with `value`.

    comparison: one of `>=`, `>`, `<=`, `<`, `==`, `!=`; a text knows only the last two.
    """

    column: str
    comparison: str
    value: float | str
    label: str

    def __str__(self) -> str:
        value = f'"{self.value}"' if isinstance(self.value, str) else f"{self.value:g}"
        return f"{self.column} {self.comparison} {value} -> {self.label}"

    def matches(self, cell: str) -> bool | Doubt:
        """Whether a row with this cell is meant, or why nobody can tell."""
        compare = _COMPARISONS[self.comparison]
        if isinstance(self.value, str):
            return UNLABELLED if cell != self.value and says_nothing(cell) else compare(cell, self.value)
        if says_nothing(cell):
            return UNLABELLED
        number = _number(cell)
        if number is None:
            help = f"`{self.column} {self.comparison} {self.value:g}` compares numbers"
            return Doubt("cells that are no number", f"`{cell}` in `{self.column}`", help)
        return compare(number, self.value)


@dataclass(frozen=True, slots=True)
class mapped(_OneByOne):
    """Rules, of which the first that matches gives the class.

    Where they lead to only one of two classes, all other rows are the other one; else a row that none matches has no
    label. A rule that meets an empty cell before another has matched leaves its row without a label, too.
    """

    rules: tuple[rule, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(each.column for each in self.rules))

    def first(self, cells: Sequence[str]) -> int | Doubt | None:
        """Which rule is the first that matches, None if none does."""
        cell_of = dict(zip(self.columns, cells, strict=True))
        for at, each in enumerate(self.rules):
            found = each.matches(cell_of[each.column])
            if isinstance(found, Doubt):
                return found
            if found:
                return at
        return None

    def decide(self, cells: Sequence[str], classes: tuple[str, ...]) -> Label | Doubt:
        at = self.first(cells)
        if isinstance(at, Doubt):
            return at
        if at is not None:
            return Label(classes.index(self.rules[at].label))
        other = self._other(classes)
        if other is not None:
            return Label(classes.index(other))
        shown = ", ".join(f"{column} `{cell}`" for column, cell in zip(self.columns, cells, strict=True))
        help = f"the rules are {', '.join(f'`{each}`' for each in self.rules)}"
        return Doubt("rows that no rule covers", shown, help)

    def _other(self, classes: tuple[str, ...]) -> str | None:
        """The class of rows that no rule matches."""
        rest = [name for name in classes if name not in {each.label for each in self.rules}]
        return rest[0] if len(classes) == 2 and len(rest) == 1 else None

    def tell(self, rows: Sequence[Sequence[str]], classes: tuple[str, ...]) -> Told | None:
        """How many rows each rule took; in words also with which cells, where one column decides: a 9 that stands for
        "could not be graded" is 2 or more as well.
        """
        firsts: Counter[int | None] = Counter()
        met: dict[int | None, list[str]] = {}
        for cells, count in Counter(map(tuple, rows)).items():
            at = self.first(cells)
            if not isinstance(at, Doubt):
                firsts[at] += count
                met.setdefault(at, []).extend(cells if len(self.columns) == 1 else ())
        taken: list[tuple[int | None, str]] = [(at, str(each)) for at, each in enumerate(self.rules)]
        other = self._other(classes)
        if other is not None:
            taken.append((None, f"all others -> {other}"))
        lines = [f"labels: {text}: {in_rows(firsts[at])}{_in_brackets(met.get(at, ()))}" for at, text in taken]
        return Told("rules", [{"rule": text, "rows": firsts[at]} for at, text in taken], tuple(lines))


def _in_brackets(cells: Sequence[str]) -> str:
    """` (2, 3, 4)`: the cells, numbers in their order; only the ends of many."""
    number_of = {cell: _number(cell) for cell in cells}
    known = sorted(cells, key=lambda cell: (number_of[cell] is None, number_of[cell] or 0.0, cell))
    if not known:
        return ""
    return f" ({', '.join(known)})" if len(known) <= SHOWN_CELLS else f" ({known[0]} to {known[-1]})"


@dataclass(frozen=True, slots=True)
class findings(_OneByOne):
    """Several findings at once, a column of 0 and 1 for each.

    columns: one for each class, in their order; or for each but the first, which is then that of photographs without
    any finding. `label` is the last finding of a photograph, in the order of the classes.
    """

    columns: tuple[str, ...]

    def decide(self, cells: Sequence[str], classes: tuple[str, ...]) -> Label | Doubt:
        found = [YES_OR_NO.get(cell.lower(), _number(cell)) for cell in cells]
        for column, cell, value in zip(self.columns, cells, found, strict=True):
            if says_nothing(cell):
                return UNLABELLED
            if value not in (0, 1):
                help = "a finding is 1 where it is there and 0 where it is not"
                return Doubt("cells that are neither 0 nor 1", f"`{cell}` in `{column}`", help)
        target = tuple(float(value or 0) for value in found)
        if len(target) < len(classes):
            target = (float(not any(target)), *target)
        if not any(target):
            help = "name a first class without a column, which is that of photographs without any finding"
            return Doubt("rows without any finding", "all are 0", help)
        return Label(len(target) - 1 - target[::-1].index(1.0), target)


Said: TypeAlias = "str | rule | tuple[rule, ...] | OneByOne"
"""What a study can say of a label: a column, a rule, several, or a labelling as it is."""


def labelling(said: Said) -> OneByOne:
    """How the cells of a table become a label."""
    match said:
        case str():
            return named(said)
        case rule():
            return mapped((said,))
        case tuple():
            return mapped(said)
        case _:
            return said


def report(doubtful: dict[Doubt, list[str]], problems: Problems) -> None:
    """Notes rows without a label. doubtful: where each doubt arose."""
    for doubt, where in sorted(doubtful.items(), key=lambda each: bool(each[0].case)):
        if doubt.case:
            case = f"{doubt.case}: {in_rows(len(where))}, first in {where[0]}{doubt.near}"
            problems.add(doubt.kind, case, doubt.help or None)
        else:
            for place in where:
                problems.add(doubt.kind, place)


def in_rows(count: int) -> str:
    """`1 row`, `12 rows`."""
    return "1 row" if count == 1 else f"{count} rows"


def _number(cell: str) -> float | None:
    """The number that a cell is, None if it is none or no finite one."""
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in cell else None

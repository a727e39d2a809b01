"""The way to a mistake: the steps a value passed with the shape it had after each, and the uses of the blocks around.

Enters: what the checker passes, one `Stop` a step and one `Use` a block or a round of a repeat. Leaves: labels. Of a
long way the steps that kept the shape are left out first, then the middle: at most `MOST` steps are shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from retdsl.check.evaluate import Anything, Val
from retdsl.diagnostics import Label
from retdsl.ir import Shape
from retdsl.records import dataclass
from retdsl.schema.shapes import shape_text
from retdsl.schema.types import Word
from retdsl.source import Span
from retdsl.syntax import tree as t

MOST = 6
"""Steps that are shown: the first, and the last ones before the mistake."""

MOST_USES = 4
"""Blocks within blocks that are shown: the outermost, which the study itself writes, and the inner ones."""


MOST_ITEMS = 4
"""Items of a list that is told as the value of a parameter."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A step that a value has passed, linked to the one before.

    shape: what came out, None where that is unknown. word: stands before the shape, as in "after [N, 8, 16, 16]".
    fork: what was passed, if it was one; ends: the last step of each of its branches, with the branch's shape.
    """

    span: Span
    shape: Shape | None
    before: Stop | None
    word: str = ""
    fork: t.Fork | None = None
    ends: tuple[tuple[Span, Shape | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Use:
    """Where a block, or once more the body of a repeat, was entered.

    span: what is written there. given: the expressions that stand in it. names: the parameters, or the counter, with
    the values they were entered with. turn: which round of a repeat it is, from 1; None for a block.
    """

    span: Span
    given: tuple[t.Expr, ...]
    names: Mapping[str, Val]
    turn: int | None = None

    def told(self) -> tuple[tuple[str, str], ...]:
        """The names with their values in a few characters; those that only name things, and calls, are left out."""
        return tuple((name, words) for name, val in self.names.items() if (words := _brief(val.value)) is not None)


def mark_of(step: t.Expr) -> Span:
    """What stands for a step where its shape is told: its name, without options."""
    match step:
        case t.Apply(function=function):
            return function.span
        case t.Group(inner=inner):
            return mark_of(t.links_of(inner)[-1].step)
        case t.Repeat():
            source, start = step.span.source, step.span.start
            head = source.text[start : step.body.span.start].rstrip().removesuffix("{").rstrip()
            return Span(source, start, start + len(head))
        case _:
            return step.span


def way(last: Stop | None) -> list[Label]:
    """Labels for the steps that led here, in their order. Steps at one place share a label."""
    stops: list[Stop] = []
    while last is not None:
        if last.shape is not None:
            stops.append(last)
        last = last.before
    stops.reverse()
    places: dict[Span, list[str]] = {}
    for stop in _chosen(stops):
        word = "" if stop.span in places else stop.word
        places.setdefault(stop.span, []).append(word + shape_text(stop.shape))
    return [Label(span, _enumerated(texts)) for span, texts in places.items()]


def branches(last: Stop | None) -> list[Label]:
    """Labels for the ends of a fork's branches; none if the last step was no fork."""
    ends = last.ends if last is not None else ()
    return [Label(span, shape_text(shape)) for span, shape in ends if shape is not None]


def _chosen(stops: Sequence[Stop]) -> Iterator[Stop]:
    """All stops if they are few; else those that changed the shape, and of these the first and the last ones."""
    if len({stop.span for stop in stops}) > MOST:
        shapes = [None, *(stop.shape for stop in stops)]
        stops = [stop for stop, earlier in zip(stops, shapes, strict=False) if stop.shape != earlier]
    shown: set[Span] = {stops[0].span} if stops else set()
    for stop in reversed(stops):
        if len(shown | {stop.span}) > MOST:
            break
        shown.add(stop.span)
    return (stop for stop in stops if stop.span in shown)


def _enumerated(texts: Sequence[str]) -> str:
    """All of a few, the first and the last of many."""
    return ", ".join(texts) if len(texts) <= 3 else f"{texts[0]}, ..., {texts[-1]}"


def uses(entered: Sequence[Use], wrong: t.Expr, *, turns: bool) -> list[Label]:
    """Labels for the uses of the blocks around, the innermost first.

    Each tells the values of those parameters that `wrong`, the expression with the mistake, or the next use inwards
    depends on. turns: whether rounds of repeats are told even if nothing depends on the counter.
    """
    labels: list[Label] = []
    wanted = set(t.names_in(wrong))
    for use in reversed(entered):
        turn = turns and use.turn is not None
        told = [f"{name} = {words}" for name, words in use.told() if turn or name in wanted]
        if use.turn is None:
            labels.append(Label(use.span, f"used here{', with ' * bool(told)}{', '.join(told)}"))
            wanted = set()
        elif told or turns:
            labels.append(Label(use.span, ", ".join(told) or f"round {use.turn}"))
        wanted = wanted.union(*(t.names_in(expr) for expr in use.given))
    return labels if len(labels) <= MOST_USES else [*labels[: MOST_USES - 1], labels[-1]]


def _brief(value: Anything) -> str | None:
    """A value in a few characters; None for one that needs more, and for a text."""
    match value:
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case int() | float():
            return f"{value:g}" if isinstance(value, float) else str(value)
        case Word(name=name):
            return name
        case tuple() if len(value) <= MOST_ITEMS and not any(isinstance(item.value, tuple) for item in value):
            parts = [_brief(item.value) for item in value]
            return None if None in parts else f"({', '.join(map(str, parts))})"
        case _:
            return None


def merged(labels: Iterable[Label]) -> list[Label]:
    """The labels, those at one place made one."""
    texts: dict[Span, list[str]] = {}
    for label in labels:
        texts.setdefault(label.span, []).append(label.text)
    return [Label(span, ", ".join(filter(None, found))) for span, found in texts.items()]

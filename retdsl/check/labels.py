"""Rules that make labels of a table's cells, against the classes: each leads to a class, and every class is reached.

Enters: the checked value of a source and what was written for it. Leaves: messages. What the cells really are is not
known here; the runtime tells of rows that no rule covers.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

from retdsl.check.fixes import rename_fixes
from retdsl.check.options import Context
from retdsl.check.settings import Settings
from retdsl.diagnostics import Label
from retdsl.diagnostics.suggest import guess
from retdsl.ir import Call, Value
from retdsl.schema.sources import FINDINGS, LABEL, TABLES
from retdsl.schema.spelling import spell
from retdsl.schema.types import RULE
from retdsl.source import Span
from retdsl.syntax import tree as t

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
    "==": operator.eq,
    "!=": operator.ne,
}

_Cell: TypeAlias = "float | str"
Rules: TypeAlias = "tuple[tuple[Call, Span], ...]"
"""The rules of one label, in order, each with where it stands."""


def check_labels(settings: Settings, classes: Sequence[str], ctx: Context) -> None:
    """All that a data block says of its labels, for which its source and its classes are enough."""
    declared = settings.written["classes"].span
    for key in ("source", "labels"):
        if key in settings.written:
            check_rules(settings.values[key], settings.written[key], classes, declared, ctx)
    labels = settings.values["labels"]
    if isinstance(labels, Call):
        _check_graders(labels, settings, ctx)
    _check_findings(settings, classes, ctx)


def _check_graders(labels: Call, settings: Settings, ctx: Context) -> None:
    written, source = settings.written["labels"], settings.written["source"]
    place = Label(written.span, "reads columns")
    without = sorted({call.name for call in _calls_of(settings.values["source"])} - TABLES)
    for name in without:
        helps = ["list the photographs in a table, and name its graders' columns"]
        ctx.out.report("R611", f"`{name}` has no columns for graders", place, Label(source.span), helps=helps)
    for argument in _arguments(source):
        if argument.name is not None and argument.name.name == "label" and not without:
            text, helps = "two say what the label is", ["leave `label` out: the graders say it"]
            ctx.out.report("R611", text, Label(argument.value.span, "one"), Label(written.span, "two"), helps=helps)
    graders = labels["graders"]
    assert isinstance(graders, tuple)
    repeated = next((grader for at, grader in enumerate(graders) if grader in graders[:at]), None)
    if repeated is not None:
        shown = spell(repeated, LABEL)
        text = f"the grader `{shown}` is named twice"
        ctx.out.report("R611", text, Label(written.span), helps=["name each once: a vote counts once"])
    elif labels["method"] == "dawid_skene" and len(graders) < 3:
        notes = ["of two who disagree, nothing tells which of them errs"]
        helps = ["name a third grader, or take `method = majority`"]
        where = Label(written.span, f"{len(graders)} graders")
        ctx.out.report("R611", "`dawid_skene` needs three graders or more", where, notes=notes, helps=helps)


def _check_findings(settings: Settings, classes: Sequence[str], ctx: Context) -> None:
    """As many columns as classes, or one fewer: the first class is then that of photographs without any finding."""
    for argument in _arguments(settings.written["source"]):
        written = argument.value
        called = written.function.name if isinstance(written, t.Apply) else ""
        columns = next((a.value for a in _arguments(written) if isinstance(a.value, t.Listing)), None)
        if called != FINDINGS or columns is None or len(columns.items) in (len(classes), len(classes) - 1):
            continue
        count = len(columns.items)
        text = f"{count} finding{'s' * (count != 1)} for {len(classes)} classes"
        notes = ["each finding is a class; a class before them is that of photographs without any"]
        where = Label(columns.span, f"{count} column{'s' * (count != 1)}"), Label(settings.written["classes"].span)
        ctx.out.report("R611", text, *where, notes=notes, helps=["name a column for each class"])


def _calls_of(value: Value) -> list[Call]:
    """The sources of a data block."""
    return [each for each in (value if isinstance(value, tuple) else (value,)) if isinstance(each, Call)]


def _arguments(expr: t.Expr) -> Iterator[t.Argument]:
    match expr:
        case t.Apply(arguments=arguments):
            yield from arguments
        case t.Listing(items=items):
            for item in items:
                yield from _arguments(item)


def check_rules(value: Value, written: t.Expr, classes: Sequence[str], declared: Span, ctx: Context) -> None:
    """All rules within the value of a key. declared: where the classes stand."""
    for rules in paired_rules(value, written):
        unknown = [rule for rule, span in rules if not _check_class(rule, span, classes, declared, ctx)]
        _check_shadowed(rules, ctx)
        if not unknown:
            _check_reached(rules, classes, declared, ctx)


def paired_rules(value: Value, written: t.Expr) -> list[Rules]:
    """The rules of every label within a value, with their places."""
    found, places = list(_rules_of(value)), list(_written_rules(written))
    if [len(rules) for rules in found] != [len(rules) for rules in places]:
        return []
    return [
        tuple((rule, place.span) for rule, place in zip(*both, strict=True)) for both in zip(found, places, strict=True)
    ]


def _rules_of(value: Value) -> Iterator[tuple[Call, ...]]:
    match value:
        case Call(name=name) if name == RULE:
            yield (value,)
        case Call(options=options):
            for _, option in options:
                yield from _rules_of(option)
        case tuple():
            rules = tuple(item for item in value if isinstance(item, Call) and item.name == RULE)
            if rules and len(rules) == len(value):
                yield rules
                return
            for item in value:
                yield from _rules_of(item)


def _written_rules(expr: t.Expr) -> Iterator[tuple[t.Rule, ...]]:
    match expr:
        case t.Rule():
            yield (expr,)
        case t.Group(inner=inner):
            yield from _written_rules(inner)
        case t.Apply(arguments=arguments):
            for argument in arguments:
                yield from _written_rules(argument.value)
        case t.Listing(items=items):
            rules = tuple(item for item in items if isinstance(item, t.Rule))
            if rules and len(rules) == len(items):
                yield rules
                return
            for item in items:
                yield from _written_rules(item)


def _check_class(rule: Call, span: Span, classes: Sequence[str], declared: Span, ctx: Context) -> bool:
    name = str(rule["label"])
    if name in classes:
        return True
    meant = guess(name, classes)
    place = _result(span, name)
    helps = [meant.question or f"the classes are {', '.join(f'`{each}`' for each in classes)}"]
    fixes = rename_fixes(meant, name, place, own=True)
    where = Label(place, "not one of the classes"), Label(declared, "the classes")
    ctx.out.report("R611", f"the rule leads to `{name}`, which is no class", *where, helps=helps, fixes=fixes)
    return False


def _result(span: Span, name: str) -> Span:
    """Where the class of a rule stands: its last word."""
    start = span.text.rfind(name)
    return span if start < 0 else Span(span.source, span.start + start, span.start + start + len(name))


def _check_shadowed(rules: Rules, ctx: Context) -> None:
    """Says of each rule that can never be the first to match."""
    for at, (rule, span) in enumerate(rules):
        before = [(one, place) for one, place in rules[:at] if one["column"] == rule["column"]]
        cells = [cell for cell in _kinds_of_cells(rules, rule["column"]) if _matches(rule, cell)]
        if not before or not all(any(_matches(one, cell) for one, _ in before) for cell in cells):
            continue
        taking = [place for one, place in before if any(_matches(one, cell) for cell in cells)]
        takes = "takes all its rows" if len(taking) == 1 else "takes rows of it"
        helps = ["the first rule that matches gives the class: put the narrower rule first"]
        labels = [Label(span, "never reached"), *(Label(place, takes) for place in taking)]
        ctx.out.report("R612", "no row can come to this rule", *labels, helps=helps)


def _kinds_of_cells(rules: Rules, column: Value) -> list[_Cell]:
    """Cells of a column that between them tell its rules apart: on, between and beyond all that is compared with."""
    values = [rule["value"] for rule, _ in rules if rule["column"] == column]
    numbers = sorted({float(value) for value in values if isinstance(value, int | float)})
    texts = sorted({value for value in values if isinstance(value, str)})
    between = [(low + high) / 2 for low, high in pairwise(numbers)]
    beyond = [numbers[0] - 1, numbers[-1] + 1] if numbers else []
    return [*numbers, *between, *beyond, *texts, "".join(texts) + "?"]


def _matches(rule: Call, cell: _Cell) -> bool:
    value = rule["value"]
    comparison = str(rule["comparison"])
    if isinstance(value, str) == isinstance(cell, str):
        return _COMPARISONS[comparison](cell, value)
    return comparison == "!=" and isinstance(value, str)


def _check_reached(rules: Rules, classes: Sequence[str], declared: Span, ctx: Context) -> None:
    """Every class is what some rule leads to; of two classes, one may be that of all other rows."""
    reached = {str(rule["label"]) for rule, _ in rules}
    missing = [name for name in classes if name not in reached]
    if not missing or (len(classes) == 2 and len(missing) == 1):
        return
    names = ", ".join(f"`{name}`" for name in missing)
    whole = rules[0][1].to(rules[-1][1])
    column = str(rules[0][0]["column"])
    text = f"no rule leads to {names}"
    notes = ["with two classes, the rows that no rule matches are the other class; with more, each needs a rule"]
    more = f"{column} >= ... -> {missing[0]}"
    helps = [f"add `{more}`" if len(rules) > 1 else f"write a list of rules, `[{whole.text}, {more}, ...]`"]
    where = Label(whole, f"{len(reached)} of {len(classes)} classes"), Label(declared, "the classes")
    ctx.out.report("R611", text, *where, notes=notes, helps=helps)

"""Calls against the schema: every option known, given once, of its type and in its range; defaults filled in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Any, TypeAlias

from retdsl.check.evaluate import (
    CallValue,
    ChainValue,
    CutValue,
    Env,
    RatioValue,
    RuleValue,
    Val,
    describe,
    evaluate,
    is_scalar,
)
from retdsl.check.fixes import rename_fixes
from retdsl.check.scope import Scope
from retdsl.diagnostics import Diagnostics, Fix, Label
from retdsl.diagnostics.suggest import guess
from retdsl.ir import Call, Place, Value
from retdsl.records import dataclass
from retdsl.schema import ENTRIES, REQUIRED, Entry, Option
from retdsl.schema.types import (
    Boolean,
    Choice,
    Each,
    Many,
    Mismatch,
    Name,
    Nothing,
    OneOf,
    Pair,
    Part,
    Policy,
    RatioOf,
    Reference,
    Rule,
    ScalarType,
    Steps,
    Type,
    Word,
)
from retdsl.source import Span
from retdsl.syntax import tree as t


class Failed(Enum):
    """Stands for a value that is wrong and has been reported."""

    FAILED = "failed"


FAILED = Failed.FAILED
Checked: TypeAlias = "Value | Failed"

NAME = Option("name", Name("a text"), None, "The name of its node, as it stands in checkpoints.")


@dataclass(frozen=True, slots=True)
class Context:
    """What a check needs besides the value: the declarations in reach, where messages go, the block's parameters."""

    scope: Scope
    out: Diagnostics
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Given:
    """The checked options of a call: `values` holds all, `written` names those that the spec gives."""

    values: dict[str, Value]
    written: frozenset[str]
    spans: dict[str, Span]


def place_of(span: Span) -> Place:
    """Where a span starts, as the Program keeps it."""
    return Place(span.source.name, span.line, span.column)


def lookup(category: str, name: str, span: Span, out: Diagnostics, extra: Iterable[str] = ()) -> Entry | None:
    """The schema's entry of that category and name; an unknown one is reported, and what it surely means is taken.

    extra: names known besides.
    """
    entries = ENTRIES[category]
    if name in entries:
        return entries[name]
    from retdsl.check.option_messages import report_unknown_call

    sure = report_unknown_call(category, name, span, out, entries.values(), extra)
    return entries.get(sure or "")


def check_call(val: Val, category: str, ctx: Context) -> Call | Failed:
    """A policy, transform, source, metric ... of one category, with all its options."""
    if isinstance(val.value, Word):
        name, env, at = val.value.name, Env(), val.span
        arguments: tuple[t.Argument, ...] = ()
    elif isinstance(val.value, CallValue):
        call = val.value.call
        name, arguments, env, at = call.function.name, call.arguments, val.value.env, call.function.span
    else:
        from retdsl.check.option_messages import ways

        kind = Policy(category)
        label, helps = Label(val.span, f"this is {describe(val)}"), ways(val, kind)
        ctx.out.report("R303", f"{kind.words} is needed here", label, helps=helps)
        return FAILED
    entry = lookup(category, name, at, ctx.out)
    if entry is None:
        return FAILED
    given = check_arguments(entry, arguments, val.span, env, ctx)
    if given is None:
        return FAILED
    return Call(entry.name, tuple(given.values.items()), place_of(val.span))


def complete(call: Call, category: str) -> Call:
    """A call from the schema's defaults with its own defaults filled in."""
    entry = ENTRIES[category][call.name]
    given = dict(call.options)
    values = {o.name: given.get(o.name, o.default) for o in entry.options}
    return Call(call.name, tuple((k, None if v is REQUIRED else v) for k, v in values.items()), call.place)


def check_arguments(
    entry: Entry,
    arguments: Sequence[t.Argument],
    span: Span,
    env: Env,
    ctx: Context,
    extra: Sequence[Option] = (),
) -> Given | None:
    """The options of a call of `entry`; None after any mistake, all of which are reported."""
    options = {option.name: option for option in (*entry.options, *extra)}
    written: dict[str, tuple[Span, t.Expr]] = {}
    meant: set[str] = set()
    ok = True
    unnamed = list(entry.unnamed)
    nameless: list[Span] = []
    unknown: list[tuple[t.Ident, t.Expr]] = []
    for argument in arguments:
        if argument.name is None:
            if not unnamed:
                nameless.append(argument.span)
                continue
            name, where = unnamed.pop(0), argument.span
        else:
            name, where = argument.name.name, argument.name.span
            if name not in options:
                unknown.append((argument.name, argument.value))
                continue
            if name in unnamed:
                unnamed.remove(name)
        if name in written:
            first = Label(written[name][0], "first given here")
            ctx.out.report("R305", f"`{name}` is given twice", Label(where, "given again"), first)
            ok = False
            continue
        written[name] = (where, argument.value)
    for ident, expr in unknown:
        from retdsl.check.option_messages import report_unknown_option

        near, sure = report_unknown_option(entry, ident, options, written, ctx.out)
        if sure is None or sure in written:
            meant.update(near)
            ok = False
        else:
            written[sure] = (ident.span, expr)
    if nameless:
        from retdsl.check.option_messages import report_unnamed

        report_unnamed(entry, nameless[0].to(nameless[-1]), len(nameless), ctx.out)
        ok = False
    ctx = Context(ctx.scope, ctx.out, env.known)
    values: dict[str, Value] = {}
    spans: dict[str, Span] = {}
    for name, option in options.items():
        if name in written:
            spans[name] = written[name][1].span
            val = evaluate(written[name][1], env, ctx.out)
            if option is NAME and val is not None and _bare(written[name][1], env):
                from retdsl.check.option_messages import report_bare_name

                report_bare_name(val, ctx.parameters, ctx.out)
                val = None
            value = FAILED if val is None else check_value(val, option.type, ctx, f"`{name}` of `{entry.name}`")
            if isinstance(value, Failed):
                ok = False
            else:
                values[name] = value
        elif option.default is REQUIRED and (name in meant or nameless):
            ok = False  # what was meant for it has been reported
        elif option.default is REQUIRED:
            from retdsl.check.option_messages import about

            label = Label(span, f"`{name}` is missing")
            notes, helps = [about(option)], [f"give `{name} = ...`, {option.type.words}"]
            ctx.out.report("R301", f"`{entry.name}` needs `{name}`", label, notes=notes, helps=helps)
            ok = False
        else:
            values[name] = default_of(option)
    return Given(values, frozenset(written), spans) if ok else None


def _bare(expr: t.Expr, env: Env) -> bool:
    """Whether a word stands for itself, and not for a parameter."""
    return isinstance(expr, t.Ref) and len(expr.parts) == 1 and expr.name not in env.known


def default_of(option: Option) -> Value:
    """The default of an option that has one, complete in itself."""
    if not isinstance(option.default, Call | tuple):
        return None if option.default is REQUIRED else option.default
    kinds = option.type.types if isinstance(option.type, OneOf) else (option.type,)
    policy = next((kind for kind in kinds if isinstance(kind, Policy)), None)
    if isinstance(option.default, Call) and policy is not None:
        return complete(option.default, policy.category)
    if isinstance(option.type, Many) and isinstance(option.type.of, Policy) and isinstance(option.default, tuple):
        category = option.type.of.category
        return tuple(complete(c, category) if isinstance(c, Call) else c for c in option.default)
    return option.default


def check_value(val: Val, kind: Type, ctx: Context, what: str = "this") -> Checked:
    """A written value as the type wants it; FAILED after reporting what is wrong. `what` names the option."""
    match kind:
        case OneOf():
            return _check_one_of(val, kind, ctx, what)
        case Policy(category=category):
            if isinstance(val.value, Word | CallValue):
                return check_call(val, category, ctx)
        case Reference(kind=wanted):
            if isinstance(val.value, Word):
                name = val.value.name
                if ctx.scope.find(wanted, name) is not None:
                    return name
                ctx.scope.report_unknown(wanted, name, val.span, ctx.out)
                return FAILED
        case Part(anywhere=anywhere):
            if isinstance(val.value, Word | str | CutValue):
                from retdsl.check.selection import read_selection

                selection = read_selection(val, ctx.scope, ctx.out, anywhere=anywhere)
                return FAILED if selection is None else selection.text
        case Many(of=of, least=least, length=length):
            if isinstance(val.value, tuple):
                return _check_many(val, val.value, of, least, length, ctx, what)
        case Pair(of=of):
            if isinstance(val.value, tuple) and len(val.value) == 2:
                return _check_items(val.value, of, ctx, what)
            if is_scalar(val):
                one = _check_scalar(val, of, ctx, what, kind.words)
                return FAILED if isinstance(one, Failed) else (one, one)
        case RatioOf():
            if isinstance(val.value, RatioValue):
                return _check_ratio(val.value, kind, ctx, what)
        case Rule():
            if isinstance(val.value, RuleValue):
                from retdsl.check.rules import read_rule

                return read_rule(val.value, place_of(val.span), ctx.out) or FAILED
        case Steps() | Each():
            pass
        case _:
            if is_scalar(val):
                return _check_scalar(val, kind, ctx, what, kind.words)
    _mismatch(val, kind, kind.words, ctx, what)
    return FAILED


def _mismatch(val: Val, kind: Type, words: str, ctx: Context, what: str) -> None:
    from retdsl.check.option_messages import report_mismatch

    report_mismatch(val, kind, f"{what} must be {words}", ctx.parameters, ctx.out)


def _check_scalar(val: Val, kind: ScalarType, ctx: Context, what: str, words: str) -> Checked:
    assert not isinstance(val.value, tuple | RatioValue | CallValue | ChainValue | CutValue | RuleValue)
    try:
        return kind.accept(val.value)
    except Mismatch as mismatch:
        if not mismatch.in_range:
            from retdsl.check.option_messages import is_percentage

            percent = f"{val.value}%" if is_percentage(val.value, kind) else ""
            helps = [f"write `{percent}`"] if percent else []
            fixes = [Fix.at(val.span, percent)] if percent and val.span.text == str(val.value) else []
            label = Label(val.span, f"this is {describe(val)}")
            ctx.out.report("R304", f"{what} must be {words}", label, helps=helps, fixes=fixes)
            return FAILED
    names = kind.names if isinstance(kind, Choice) else ("true", "false") if isinstance(kind, Boolean) else ()
    if isinstance(val.value, Word | str) and names:
        from retdsl.schema.synonyms import foreign

        name = val.value.name if isinstance(val.value, Word) else val.value
        meant = guess(name, (*names, *ctx.parameters), foreign("value"))
        helps = [meant.question] if meant.question else []
        fixes = rename_fixes(meant, name, val.span)
        label = Label(val.span, f"this is {describe(val)}")
        ctx.out.report("R303", f"{what} must be {words}", label, helps=helps, fixes=fixes)
        return FAILED
    _mismatch(val, kind, words, ctx, what)
    return FAILED


def _check_items(items: Sequence[Val], of: Type, ctx: Context, what: str) -> Checked:
    checked: list[Value] = []
    ok = True
    for item in items:
        value = check_value(item, of, ctx, f"each of {what}" if what != "this" else what)
        if isinstance(value, Failed):
            ok = False
        else:
            checked.append(value)
    return tuple(checked) if ok else FAILED


def _check_many(
    val: Val, items: Sequence[Val], of: Type, least: int, length: int | None, ctx: Context, what: str
) -> Checked:
    checked = _check_items(items, of, ctx, what)
    if isinstance(checked, Failed):
        return FAILED
    if length is not None and len(items) != length:
        ctx.out.report("R303", f"{what} must have {length} items", Label(val.span, f"has {len(items)}"))
        return FAILED
    if len(items) < least:
        ctx.out.report(
            "R303",
            f"{what} must have {least} item{'s' * (least > 1)} or more",
            Label(val.span, f"has {len(items) or 'none'}"),
        )
        return FAILED
    return checked


def _check_ratio(ratio: RatioValue, kind: RatioOf, ctx: Context, what: str) -> Checked:
    numbers = "whole numbers" if kind.whole else "numbers"
    parts: list[Value] = []
    for part in ratio.parts:
        value = part.value
        number = 0 if isinstance(value, bool) or not isinstance(value, int | float) else value
        if number <= 0 or (kind.whole and number % 1 != 0):
            label = Label(part.span, f"this is {describe(part)}")
            ctx.out.report("R304", f"the parts of {what} must be {numbers} above 0", label)
            return FAILED
        parts.append(int(number) if kind.whole else number)
    return tuple(parts)


def _check_one_of(val: Val, kind: OneOf, ctx: Context, what: str) -> Checked:
    # Those of the right form first, so that a right value costs no message that nobody reads.
    for alternative in sorted(kind.types, key=lambda alternative: not _fits(val, alternative)):
        silent = Context(ctx.scope, Diagnostics())
        value = check_value(val, alternative, silent, what)
        if not isinstance(value, Failed) and not silent.out.errors:
            return value
    fitting = [alternative for alternative in kind.types if _fits(val, alternative)]
    if len(fitting) == 1:
        return check_value(val, fitting[0], ctx, what)
    references = [alternative for alternative in fitting if isinstance(alternative, Reference | Part)]
    if references and isinstance(val.value, Word):
        return check_value(val, references[0], ctx, what)
    _mismatch(val, fitting[0] if fitting else kind.types[0], kind.words, ctx, what)
    return FAILED


_FORMS: dict[type, Any] = {
    **dict.fromkeys((Many, Pair), tuple),
    **dict.fromkeys((Name, Choice), str | Word),
    Policy: Word | CallValue,
    Reference: Word,
    Part: Word | str | CutValue,
    RatioOf: RatioValue,
    Rule: RuleValue,
    Nothing: type(None),
}
"""What the values of a type are written as; those of all others are numbers."""


def _fits(val: Val, kind: Type) -> bool:
    """Whether a value has the outer form of a type, so that messages of that type are the ones to show."""
    if isinstance(kind, OneOf):
        return any(_fits(val, alternative) for alternative in kind.types)
    return isinstance(val.value, _FORMS.get(type(kind), int | float)) and not isinstance(val.value, bool)

"""Expressions to values: numbers, texts, names, lists, ratios and small arithmetic; a call stays a call.

An `Env` holds the parameters of the block an expression stands in. What cannot be evaluated is reported and gives None;
what follows only from something unknown, such as a parameter of a block that nobody calls, gives None without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from typing import TypeAlias, TypedDict

from retdsl.check.fixes import rename_fixes
from retdsl.diagnostics import Diagnostics, Fix, Label
from retdsl.diagnostics.suggest import guess
from retdsl.records import dataclass, field
from retdsl.schema.types import Scalar, Word
from retdsl.source import Span
from retdsl.syntax import tree as t

MAX_NUMBER = 10**12
"""No size, count or rate of a study is beyond it; keeps arithmetic from running away."""

MAX_TEXT = 1000
"""Characters of a text that others are put into; keeps names from growing from block to block without end."""


@dataclass(frozen=True, slots=True)
class RatioValue:
    """`200 : 3`, evaluated."""

    parts: tuple[Val, ...]


@dataclass(frozen=True, slots=True)
class CallValue:
    """A call that an option's type gives a meaning to, with the environment its arguments stand in."""

    call: t.Apply
    env: Env


@dataclass(frozen=True, slots=True)
class ChainValue:
    """A chain that an option's type gives a meaning to."""

    chain: t.Chain
    env: Env


@dataclass(frozen=True, slots=True)
class CutValue:
    """A cut of a backbone that an option's type gives a meaning to."""

    cut: t.Cut
    env: Env


@dataclass(frozen=True, slots=True)
class RuleValue:
    """A rule that an option's type gives a meaning to: what is compared, with what, and what follows, evaluated."""

    left: Val
    comparison: str
    right: Val
    result: Val


Anything: TypeAlias = "Scalar | Word | tuple[Val, ...] | RatioValue | CallValue | ChainValue | CutValue | RuleValue"


@dataclass(frozen=True, slots=True)
class Val:
    """A value and where it was written."""

    value: Anything
    span: Span


def _report_dotted(ref: t.Ref, out: Diagnostics) -> None:
    file = ref.parts[-1] in ("csv", "tsv", "txt", "params", "json")
    helps = [f'the name of a file is a text: write `"{ref.name}"`'] if file else []
    out.report("R201", f"`{ref.name}` means nothing here", Label(ref.span, "not declared"), helps=helps)


@dataclass(frozen=True, slots=True)
class Env:
    """What names mean inside an expression.

    dotted: answers `data.classes` and the like; None, after reporting it, if it cannot. unknown: parameters whose
    values nobody knows here.
    """

    names: Mapping[str, Val] = field(default_factory=dict)
    dotted: Callable[[t.Ref, Diagnostics], Val | None] = _report_dotted
    unknown: Set[str] = frozenset()

    @property
    def known(self) -> tuple[str, ...]:
        """Every parameter in reach."""
        return (*self.names, *self.unknown)


_LONG = 60

_CONSTANTS: dict[str, Scalar] = {"true": True, "false": False, "none": None}


def evaluate(expr: t.Expr, env: Env, out: Diagnostics) -> Val | None:
    """The value of an expression; None if it has none, which is reported."""
    span = expr.span
    match expr:
        case t.Number(value=number) | t.Percent(value=number) | t.Quantity(value=number, unit="x"):
            if number > MAX_NUMBER:
                out.report("R307", f"no number of a study is beyond {MAX_NUMBER:g}", Label(span, "too large"))
                return None
            return Val(number, span)
        case t.Quantity(value=number, unit=unit):  # the call of its unit, written the other way round
            arguments = (t.Argument(span, None, t.Number(span, number)),)
            return Val(CallValue(t.Apply(span, t.Ref(span, (unit,)), arguments), env), span)
        case t.Text():
            return _text(expr, env, out)
        case t.Ref(parts=(name,)):
            if name in env.names:
                return Val(env.names[name].value, span)
            if name in env.unknown:
                return None
            return Val(_CONSTANTS[name] if name in _CONSTANTS else Word(name), span)
        case t.Ref():
            found = env.dotted(expr, out)
            return None if found is None else Val(found.value, span)
        case t.Group(inner=inner):
            return evaluate(inner, env, out)
        case t.Listing(items=items):
            parts = [evaluate(item, env, out) for item in items]
            return Val(tuple(part for part in parts if part is not None), span) if None not in parts else None
        case t.Ratio(parts=written):
            parts = [evaluate(part, env, out) for part in written]
            ok = tuple(part for part in parts if part is not None)
            return Val(RatioValue(ok), span) if len(ok) == len(parts) else None
        case t.Negative(operand=operand):
            positive = _number(operand, env, out)
            return None if positive is None else Val(-positive, span)
        case t.Sum() | t.Product():
            return _arithmetic(expr, env, out)
        case t.Apply(function=t.Ref(parts=("count",))):
            return _count(expr, env, out)
        case t.Apply():
            return Val(CallValue(expr, env), span)
        case t.Chain():
            return Val(ChainValue(expr, env), span)
        case t.Cut():
            return Val(CutValue(expr, env), span)
        case t.Rule(left=left, comparison=comparison, right=right, result=result):
            parts = [evaluate(part, env, out) for part in (left, right, result)]
            known = [part for part in parts if part is not None]
            return Val(RuleValue(known[0], comparison, *known[1:]), span) if len(known) == len(parts) else None
        case t.Hashed():
            helps = ['`weights = "FILE" sha256 "..."` and `checkpoint(...) sha256 "..."` take one']
            out.report("R303", "a hash says which file is meant, and this is none", Label(span), helps=helps)
            return None
        case t.Illegible():
            return None
        case t.Fork() | t.Repeat():
            out.report("R303", "this belongs in a network's chain, not in an option", span)
            return None


def _text(expr: t.Text, env: Env, out: Diagnostics) -> Val | None:
    text = ""
    for part in expr.parts:
        if isinstance(part, str):
            text += part
            continue
        val = evaluate(part, env, out)
        if val is None:
            return None
        match val.value:
            case Word() if isinstance(part, t.Ref) and part.name not in env.names:
                meant = guess(part.name, env.known)
                helps = [meant.question or "write `{{` and `}}` for braces in a text"]
                fixes = rename_fixes(meant, part.name, part.span, own=True)
                text = f"there is no `{part.name}` to put into this text"
                out.report("R106", text, part.span, helps=helps, fixes=fixes)
                return None
            case bool() | None | tuple() | RatioValue() | CallValue() | ChainValue() | CutValue() | RuleValue():
                label = Label(part.span, f"this is {describe(val)}")
                out.report("R106", "only numbers and texts can be put into a text", label)
                return None
            case Word(name=name):
                text += name
            case value:
                text += str(value)
        if len(text) > MAX_TEXT:
            out.report("R107", f"the text grows beyond {MAX_TEXT} characters", expr.span)
            return None
    return Val(text, expr.span)


def _number(expr: t.Expr, env: Env, out: Diagnostics) -> int | float | None:
    val = evaluate(expr, env, out)
    if val is None:
        return None
    if isinstance(val.value, bool) or not isinstance(val.value, int | float):
        label = Label(val.span, f"this is {describe(val)}")
        out.report("R307", "arithmetic needs numbers", label, **hint_for(val, env.known))
        return None
    return val.value


def _arithmetic(expr: t.Sum | t.Product, env: Env, out: Diagnostics) -> Val | None:
    if _is_dashed(expr, env):
        text = expr.span.text
        helps = [f'a name has no dash: write `{text.replace("-", "_")}`, or where a text may stand `"{text}"`']
        out.report(
            "R307", "arithmetic needs numbers", Label(expr.span, "this subtracts one name from another"), helps=helps
        )
        return None
    numbers = [_number(operand, env, out) for operand in expr.operands]
    total = numbers[0]
    for operator, number, operand in zip(expr.operators, numbers[1:], expr.operands[1:], strict=True):
        if total is None or number is None:
            return None
        if operator == "/" and number == 0:
            out.report("R307", "division by zero", Label(operand.span, "this is 0"))
            return None
        match operator:
            case "+":
                total = total + number
            case "-":
                total = total - number
            case "*":
                total = total * number
            case _:
                exact = isinstance(total, int) and isinstance(number, int) and total % number == 0
                total = total // number if exact else total / number
        if abs(total) > MAX_NUMBER:
            out.report("R307", f"the result is beyond {MAX_NUMBER:g}", expr.span)
            return None
    return None if total is None else Val(total, expr.span)


def _is_dashed(expr: t.Sum | t.Product, env: Env) -> bool:
    """Whether this is `no-dr`: names joined by dashes without a space, none of which is known."""
    names = [operand.name for operand in expr.operands if isinstance(operand, t.Ref)]
    known = {*env.known, *_CONSTANTS}
    return len(names) == len(expr.operands) and expr.span.text == "-".join(names) and known.isdisjoint(names)


def _count(expr: t.Apply, env: Env, out: Diagnostics) -> Val | None:
    values = [evaluate(argument.value, env, out) for argument in expr.arguments]
    if len(values) == 1 and values[0] is not None and isinstance(values[0].value, tuple):
        return Val(len(values[0].value), expr.span)
    if None not in values:
        out.report("R303", "`count` takes one list", expr.span, helps=["as in `count(fundus.classes)`"])
    return None


class Hint(TypedDict):
    """The part of a message that says what was meant."""

    helps: list[str]
    fixes: list[Fix]


def hint_for(val: Val, names: Iterable[str]) -> Hint:
    """What a bare name may have been meant for among `names`, which are the user's own."""
    if not isinstance(val.value, Word):
        return Hint(helps=[], fixes=[])
    meant = guess(val.value.name, names)
    helps = [meant.question] if meant.question else []
    return Hint(helps=helps, fixes=rename_fixes(meant, val.value.name, val.span, own=True))


def is_scalar(val: Val) -> bool:
    return not isinstance(val.value, tuple | RatioValue | CallValue | ChainValue | CutValue | RuleValue)


def describe(val: Val) -> str:
    """A value in words, for messages: "the number 3", "the name `relu`"."""
    match val.value:
        case None:
            return "`none`"
        case bool() as flag:
            return f"`{str(flag).lower()}`"
        case int() | float() as number:
            return f"the number {number:g}" if isinstance(number, float) else f"the number {number}"
        case str() as text:
            return f'the text "{text}"' if len(text) <= _LONG else f"a text of {len(text)} characters"
        case Word(name=name):
            return f"the name `{name}`"
        case tuple() as items:
            return f"a list of {len(items)}"
        case RatioValue():
            return "a ratio"
        case CallValue(call=call) if call.span == call.function.span:
            return f"a number of `{call.function.name}`"
        case CallValue(call=call):
            return f"a call of `{call.function.name}`"
        case CutValue(cut=cut):
            return f"a part of `{cut.base.name}`"
        case RuleValue():
            return "a rule"
        case _:
            return "a chain"

"""A rule such as `grade >= 2 -> infected`, read on its own: which column, compared how, with what, and which class."""

from __future__ import annotations

from retdsl.check.evaluate import RuleValue, Val, describe
from retdsl.diagnostics import Diagnostics, Label
from retdsl.ir import Call, Place, Value
from retdsl.schema.types import RULE, Mismatch, Name, Real, Word


def read_rule(rule: RuleValue, place: Place, out: Diagnostics) -> Call | None:
    """A rule as the call of `RULE` that runs it; None after a mistake. Whether its class is one is not looked at."""
    column = _accepted(rule.left, (Name("the name of a column"),), "what a rule compares", out)
    value = _accepted(rule.right, (Real(), Name("a number or a text")), "what a column is compared with", out)
    label = _accepted(rule.result, (Name("the name of a class"),), "what follows from a rule", out)
    if column is None or value is None or label is None:
        return None
    if isinstance(value, str) and rule.comparison not in ("==", "!="):
        helps = [f"write `==` or `!=`, or a number instead of {describe(rule.right)}"]
        where = Label(rule.right.span, f"this is {describe(rule.right)}")
        out.report("R303", f"`{rule.comparison}` compares numbers", where, helps=helps)
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    options = (("column", column), ("comparison", rule.comparison), ("value", value), ("label", label))
    return Call(RULE, options, place)


def _accepted(val: Val, kinds: tuple[Name | Real, ...], what: str, out: Diagnostics) -> Value:
    for kind in kinds:
        if isinstance(val.value, int | float | str | Word):
            try:
                return kind.accept(val.value)
            except Mismatch:
                continue
    out.report("R303", f"{what} must be {kinds[-1].words}", Label(val.span, f"this is {describe(val)}"))
    return None

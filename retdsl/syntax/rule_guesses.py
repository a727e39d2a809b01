"""Ways in which people go wrong with rules such as `grade >= 2 -> infected`."""

from __future__ import annotations

import re

from retdsl.diagnostics import Fix, Label
from retdsl.syntax.slip import Mistake, Slip

_COMPARED = re.compile(r"(?P<sign>>=|<=|==|!=|>|<)\s*(?P<right>[^<>=!]*?)\s*$")
_SIGNS = {"\u2265": ">=", "\u2264": "<=", "\u2260": "!="}


def rule_arrow(slip: Slip) -> Mistake | None:
    """`grade >= 2 => infected`, `grade => 2 -> infected`, `csv(label == grade)`, and rules that name no class."""
    turned = slip.look_back(r"(=>)\s*[-\d\"][^\n]*$") if slip.word == "->" else None
    if turned is not None:
        text = "at least is written with `>=`"
        return slip.rewrite("R102", text, turned.start(1), turned.end(1), ">=", "write `>=`")
    compared = slip.look_back(_COMPARED.pattern) if "->" in slip.expected else None
    if compared is None:
        return None
    sign, right = compared["sign"], compared["right"]
    start, end = compared.span("sign")
    literal = re.match(r"[-\d\"]", right)
    if sign in (">=", ">") and right and not literal:  # a chain: only numbers and texts are compared so
        by = "=>" if sign == ">=" else " =>"
        return slip.rewrite("R101", "steps are chained with `=>`", start, end, by, "write `=>`")
    if slip.word in ("=>", "=", ":"):
        return slip.rewrite("R102", "the class of a rule stands behind `->`", slip.start, slip.end, "->", "write `->`")
    if sign == "==" and not literal and slip.word in (")", ","):
        return slip.rewrite("R102", "a value follows a single `=`", start, end, "=", "write `=`")
    place = len(slip.before.rstrip())
    label = Label(slip.piece.span(place, place), "expected `->` and a class behind this")
    helps = ["a rule says what follows, as in `grade >= 2 -> infected`"]
    slip.out.report("R102", "this rule names no class", label, helps=helps)
    return Mistake(start)


def other_sign(slip: Slip) -> Mistake | None:
    """The signs of comparison as mathematics has them."""
    sign = _SIGNS.get(slip.word)
    if sign is None:
        return None
    span = slip.piece.span(slip.start, slip.end)
    fix = Fix.at(span, sign, safe=True)
    slip.out.report("R101", f"`{slip.word}` is written `{sign}`", Label(span), helps=[f"write `{sign}`"], fixes=[fix])
    return Mistake(slip.start)

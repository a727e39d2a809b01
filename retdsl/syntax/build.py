"""Text in, tree out. What the grammar does not take raises, but for what stands between `{` and `}` in a text."""

from __future__ import annotations

import re
from string import ascii_lowercase
from typing import Any

from lark import Token

from retdsl.diagnostics import Diagnostics
from retdsl.source import Source, Span
from retdsl.syntax import tree as t
from retdsl.syntax.reading import TooDeep, Unexpected, parse

MAX_NESTING = 40
"""Brackets within brackets; real studies stay below 10. Keeps every walk of a tree far from Python's limit."""

# `{` before a letter opens an expression, `{{` and `}}` are braces; so `"\d{4}"` means what it says.
_PIECE = re.compile(r'\{\{|\}\}|\{(?=[A-Za-z_(])|\\["\\]')

_OPERATORS = {"PLUS", "MINUS", "TIMES", "SLASH", "COMPARISON"}
"""The terminals that say something in a rule of several parts; of other words it is enough that they stand there."""

_MAX_DIGITS = 300
"""A longer number is beyond every float, and Python would refuse to read it."""


def build(source: Source, base: int, text: str, goal: str, out: Diagnostics) -> Any:
    """The tree of `text`, which stands at `base` in the source, as a `goal` of the grammar: "start" gives a tuple of
    declarations, "value" an expression.

    Mistakes within `{...}` in texts go to `out`, unless there are others: those raise Unexpected or TooDeep, with
    offsets within `text`.
    """
    builder = TreeBuilder(source, base)
    tree = parse(text, goal, builder.part, MAX_NESTING)
    for code, message, span, help in builder.mistakes:
        out.report(code, message, span, helps=[help])
    return tree


TOO_DEEP = (f"brackets are nested more than {MAX_NESTING} deep", f"no study needs more than {MAX_NESTING}")
"""What is wrong, and what to say about it."""


class TreeBuilder:
    """Builds `retdsl.syntax.tree` nodes, a method for each rule of the grammar.

    mistakes: those within `{...}` in texts, each as code, message, place and help.
    """

    def __init__(self, source: Source, base: int) -> None:
        self._source = source
        self._base = base
        self.mistakes: list[tuple[str, str, Span, str]] = []

    def part(self, rule: str, children: list[Any]) -> Any:
        """What a rule makes of its children; of the words among them the method gets only those that say something."""
        method = getattr(self, f"rule_{rule}")
        if not children:
            return method(self.span(0, 0))
        first, last = children[0], children[-1]
        start = self._base + (first.start_pos or 0) if isinstance(first, Token) else first.span.start
        end = self._base + (last.end_pos or 0) if isinstance(last, Token) else last.span.end
        if len(children) > 1:
            children = [child for child in children if not isinstance(child, Token) or child.type in _OPERATORS]
        return method(Span(self._source, start, end), *children)

    def span(self, first: int, last: int) -> Span:
        """The place of what reaches from `first` to `last` in the piece that is parsed."""
        return Span(self._source, self._base + first, self._base + last)

    def rule_name(self, span: Span, token: Token) -> t.Ident:
        return t.Ident(span, str(token))

    # values
    def rule_number(self, span: Span, token: Token) -> t.Number:
        return t.Number(span, int(token) if token.isdigit() and len(token) <= _MAX_DIGITS else float(token))

    def rule_percent(self, span: Span, token: Token) -> t.Percent:
        return t.Percent(span, round(float(token[:-1]) / 100, 12))

    def rule_quantity(self, span: Span, token: Token) -> t.Quantity:
        number = token.rstrip(ascii_lowercase).rstrip()
        unit = token[len(number) :].strip()
        plural = {"batch": "batches", "epoch": "epochs"}.get(unit, unit)
        return t.Quantity(span, self.rule_number(span, Token("NUMBER", number)).value, plural)

    def rule_text(self, span: Span, token: Token) -> t.Text:
        return t.Text(span, tuple(self._pieces(str(token[1:-1]), span.start + 1)))

    def _pieces(self, body: str, offset: int) -> list[str | t.Expr]:
        parts: list[str | t.Expr] = []
        literal, at = "", 0
        while at < len(body):
            found = _PIECE.search(body, at)
            if found is None:
                literal += body[at:]
                break
            literal += body[at : found.start()]
            piece, at = found.group(), found.end()
            if piece != "{":
                literal += piece[-1]
                continue
            end = body.find("}", at)
            inner = body[at:] if end < 0 else body[at:end]
            expr = self._interpolate(inner, offset + at, closed=end >= 0)
            parts += [literal, expr] if literal else [expr]
            literal = ""
            at += len(inner) + 1
        if literal or not parts:
            parts.append(literal)
        return parts

    def _interpolate(self, inner: str, start: int, *, closed: bool) -> t.Expr:
        """The expression inside of a text that starts at `start` of the source."""
        span = Span(self._source, start, start + len(inner))
        builder = TreeBuilder(self._source, start)
        try:
            if closed:
                value: t.Expr = parse(inner, "value", builder.part, MAX_NESTING)
                self.mistakes += builder.mistakes
                return value
            place = Span(self._source, start - 1, start)
            self.mistakes.append(("R106", "`{` is not closed in this text", place, "`}` closes it; `{{` is a brace"))
        except Unexpected:
            help = 'write a parameter\'s name or small arithmetic, as in "unit{i + 1}"; `{{` is a brace'
            self.mistakes.append(("R106", f"`{{{inner}}}` is not an expression", span, help))
        except TooDeep as error:
            message, help = TOO_DEEP
            self.mistakes.append(("R105", message, builder.span(error.start, error.start + 1), help))
        return t.Illegible(span)

    def rule_ref(self, span: Span, *names: t.Ident) -> t.Ref:
        return t.Ref(span, tuple([name.name for name in names]))

    def rule_list(self, span: Span, *items: t.Expr) -> t.Listing:
        return t.Listing(span, items)

    def rule_tuple(self, span: Span, *items: t.Expr) -> t.Listing:
        return t.Listing(span, items, "(")

    def rule_group(self, span: Span, inner: t.Expr) -> t.Group:
        return t.Group(span, inner)

    def rule_fork(self, span: Span, *branches: t.Expr) -> t.Fork:
        return t.Fork(span, branches)

    def rule_ratio(self, span: Span, *parts: t.Expr) -> t.Ratio:
        return t.Ratio(span, parts)

    def rule_sum(self, span: Span, *children: Any) -> t.Sum:
        return t.Sum(span, tuple([str(operator) for operator in children[1::2]]), children[::2])

    def rule_product(self, span: Span, *children: Any) -> t.Product:
        return t.Product(span, tuple([str(operator) for operator in children[1::2]]), children[::2])

    def rule_negative(self, span: Span, _minus: Token, operand: t.Expr) -> t.Negative:
        return t.Negative(span, operand)

    def rule_argument(self, span: Span, *parts: Any) -> t.Argument:
        name, value = parts if len(parts) > 1 else (None, *parts)
        return t.Argument(span, name, value)

    def rule_call(self, span: Span, function: t.Ref, *arguments: t.Argument) -> t.Apply:
        return t.Apply(span, function, arguments)

    def rule_repeat(self, span: Span, function: t.Ref, *rest: Any) -> t.Repeat:
        return t.Repeat(span, function, rest[:-1], rest[-1])

    def rule_cut(self, span: Span, base: t.Ref, layer: t.Ref | t.Text | t.Range) -> t.Cut:
        return t.Cut(span, base, layer)

    def rule_up_to(self, span: Span, *layers: t.Ref | t.Text) -> t.Range:
        first, last = layers if len(layers) > 1 else (None, *layers)
        return t.Range(span, first, last)

    def rule_from_on(self, span: Span, first: t.Ref | t.Text) -> t.Range:
        return t.Range(span, first, None)

    def rule_link(self, span: Span, step: t.Expr, alias: t.Ident | None = None) -> t.Link:
        return t.Link(span, step, alias)

    def rule_chain(self, span: Span, *links: t.Link) -> t.Chain:
        return t.Chain(span, links)

    def rule_chain_named(self, span: Span, step: t.Expr, alias: t.Ident) -> t.Chain:
        return t.Chain(span, (t.Link(span, step, alias),))

    def rule_hashed(self, span: Span, value: t.Expr, digits: t.Text) -> t.Hashed:
        return t.Hashed(span, value, digits)

    def rule_rule(self, span: Span, left: t.Expr, comparison: Token, right: t.Expr, result: t.Expr) -> t.Rule:
        return t.Rule(span, left, str(comparison), right, result)

    # declarations
    def rule_setting(self, span: Span, key: t.Ident, *values: t.Expr) -> t.Setting:
        return t.Setting(span, key, values[-1], values[0] if len(values) > 1 else None)

    def rule_data(self, span: Span, name: t.Ident, *settings: t.Setting) -> t.Data:
        return t.Data(span, name, settings)

    def rule_backbone(self, span: Span, name: t.Ident, value: t.Expr) -> t.Backbone:
        return t.Backbone(span, name, value)

    def rule_parameter(self, span: Span, name: t.Ident, default: t.Expr | None = None) -> t.Parameter:
        return t.Parameter(span, name, default)

    def rule_block(self, span: Span, name: t.Ident, *rest: Any) -> t.Block:
        return t.Block(span, name, rest[:-1], rest[-1])

    def rule_model(self, span: Span, name: t.Ident, value: t.Expr) -> t.Model:
        return t.Model(span, name, value)

    def rule_augment(self, span: Span, name: t.Ident, value: t.Expr) -> t.Augment:
        return t.Augment(span, name, value)

    def rule_sampling(self, span: Span, name: t.Ident, value: t.Expr) -> t.Sampling:
        return t.Sampling(span, name, value)

    def rule_train(self, span: Span, name: t.Ident, *rest: Any) -> t.Train:
        parent, settings = (rest[0], rest[1:]) if rest and isinstance(rest[0], t.Ident) else (None, rest)
        return t.Train(span, name, parent, settings)

    def rule_ensemble(self, span: Span, name: t.Ident, *settings: t.Setting) -> t.Ensemble:
        return t.Ensemble(span, name, settings)

    def rule_use(self, span: Span, target: t.Text | t.Ref) -> t.Use:
        return t.Use(span, target)

    def rule_start(self, _span: Span, *declarations: t.Declaration) -> tuple[t.Declaration, ...]:
        return declarations

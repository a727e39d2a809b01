"""The rules of layout: where a line may break, what is indented, which blanks stand between words.

Enters: the tokens of a text and the syntax tree of one declaration after the other. Leaves: a document for each. The
tree says what belongs together, the words come from the tokens, one by one: what the tree does not keep, such as
parentheses, numbers as they were written and comments, cannot get lost.

What was on one line stays on one line if it fits; what its author broke stays broken:

* a chain, fork, block of settings: broken where any two of their parts stand on different lines;
* a list, the options of a call, parameters: broken if a line break follows the opening bracket;
* what stands behind the `=` of a chain or a network: on a line of its own if it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TypeAlias

from retdsl.records import replace
from retdsl.syntax import tree as t
from retdsl.syntax.formatter.document import Doc, Group, Indent, Line, Pad, Tab, Word, columns_of, group
from retdsl.syntax.formatter.tokens import Token
from retdsl.syntax.text import CLOSING

_Item: TypeAlias = "Callable[[], Doc]"
"""Takes the tokens of an item of a list, when its turn has come."""


class Layout:
    """Takes the tokens of a file from its beginning to its end, and makes documents of them.

    Each method takes the tokens of the node that it gets, no more and no less.
    """

    def __init__(self, tokens: Iterable[Token]) -> None:
        self._tokens = iter(tokens)
        self._next = next(self._tokens)

    def end(self) -> Doc:
        """The comments behind the last declaration."""
        return (Line(keeps_blank=True), self._comments())

    def declaration(self, node: t.Declaration) -> Doc:
        """A declaration on a line of its own."""
        head = (Line(keeps_blank=True), self._word(), " ")
        match node:
            case t.Data(settings=settings) | t.Ensemble(settings=settings):
                return (*head, self._word(), Tab(), " ", self._settings(settings))
            case t.Train(parent=None, settings=settings):
                return (*head, self._word(), Tab(), " ", self._settings(settings))
            case t.Train(settings=settings):
                parent = (self._word(), Tab(), " ", self._word("from"), " ", self._word())
                return (*head, parent, Tab(), " ", self._settings(settings))
            case t.Block(parameters=parameters, value=value):
                return (*head, self._word(), self._parameters(parameters), Tab(), self._assigned(value, apart=True))
            case t.Model(value=value) | t.Augment(value=value):
                return (*head, self._word(), Tab(), self._assigned(value, apart=True))
            case t.Backbone(value=value) | t.Sampling(value=value):
                return (*head, self._word(), Tab(), self._assigned(value))
            case t.Use(target=target):
                return (*head, self._value(target))
        raise AssertionError(f"{type(node).__name__} has no layout")

    # --- blocks, options, parameters

    def _settings(self, settings: Sequence[t.Setting]) -> Doc:
        opening = self._word("{")
        longest = max((_columns(setting) for setting in settings), default=0)
        broken = False
        parts: list[Doc] = []
        for setting in settings:
            broken = broken or self._next.line_break
            parts.append(Line("  ", keeps_blank=True) if parts else Line(" "))
            key = self._word()
            of = () if setting.part is None else (self._word("("), self._value(setting.part), self._word(")"))
            parts.append((key, *of, Pad(longest - _columns(setting)), self._assigned(setting.value)))
        broken = broken or (bool(settings) and self._next.line_break)
        return self._enclosed(opening, parts, "}", Line(" "), broken)

    def _options(self, arguments: Sequence[t.Argument]) -> Doc:
        longest = _longest(argument.name for argument in arguments)
        each = [partial(self._named, argument.name, argument.value, longest) for argument in arguments]
        return self._listed("(", each, ")")

    def _parameters(self, parameters: Sequence[t.Parameter]) -> Doc:
        longest = _longest(parameter.name for parameter in parameters if parameter.default is not None)
        each = [partial(self._named, parameter.name, parameter.default, longest) for parameter in parameters]
        return self._listed("(", each, ")")

    def _named(self, name: t.Ident | None, value: t.Expr | None, longest: int) -> Doc:
        """`name = value`, or one of them; where each stands on a line of its own, the `=` are in one column."""
        if name is None or value is None:
            return self._word() if value is None else self._value(value)
        return (self._word(), Pad(longest - len(name.name)), self._assigned(value))

    def _assigned(self, value: t.Expr, *, apart: bool = False) -> Doc:
        """`= value`. A chain may go to a line of its own; with `apart` any value that is too long does."""
        equals = (" ", self._word("="))
        if not (apart or isinstance(value, t.Chain | t.Fork | t.Repeat) or self._next.comments):
            return (*equals, " ", self._value(value))
        broken = self._next.line_break
        return (*equals, group(Indent((Line(" "), self._value(value))), broken=broken))

    # --- values

    def _value(self, node: t.Expr) -> Doc:
        match node:
            case t.Number() | t.Percent() | t.Quantity() | t.Text():
                return self._word()
            case t.Negative(operand=operand):
                return (self._word("-"), self._value(operand))
            case t.Ref(parts=parts):
                return tuple(self._word() for _ in range(2 * len(parts) - 1))
            case t.Cut(base=base, layer=layer):
                inside = partial(self._range, layer) if isinstance(layer, t.Range) else partial(self._value, layer)
                return (self._value(base), self._word("["), inside(), self._word("]"))
            case t.Group(inner=inner):
                opening = self._word("(")
                return self._enclosed(opening, [Line(), self._value(inner)], ")", Line(), broken=False)
            case t.Listing(items=items, brackets=opening):
                each = [partial(self._value, item) for item in items]
                comma = opening == "(" and len(items) == 1
                return self._listed(opening, each, CLOSING[opening], comma=comma)
            case t.Apply(function=function, arguments=arguments):
                return (self._value(function), self._options(arguments))
            case t.Repeat(function=function, arguments=arguments, body=body):
                call = (self._value(function), self._options(arguments))
                return (*call, " ", self._braced([body]))
            case t.Fork(branches=branches):
                return self._braced(branches)
            case t.Chain(links=links):
                return self._chain(links)
            case t.Ratio(parts=parts):
                return self._joined(parts)
            case t.Hashed(value=value):
                return group(self._value(value), Indent((Line(" "), self._word("sha256"), " ", self._word())))
            case t.Rule(left=left, right=right, result=result):
                compared = (self._value(left), " ", self._word(), " ", self._value(right))
                return group(*compared, Indent((Line(" "), self._word("->"), " ", self._value(result))))
            case t.Sum(operands=operands) | t.Product(operands=operands):
                return self._joined(operands)
        raise AssertionError(f"{type(node).__name__} has no layout")

    def _range(self, node: t.Range) -> Doc:
        first = () if node.first is None else (self._value(node.first), " ")
        dots = self._word("..")
        return (first, dots, () if node.last is None else (" ", self._value(node.last)))

    def _joined(self, operands: Sequence[t.Expr]) -> Doc:
        """Operands with their operators between them; where they are broken, an operator begins its line."""
        first = self._value(operands[0])
        rest: list[Doc] = []
        for operand in operands[1:]:
            rest += [Line(" "), self._word(), " ", self._value(operand)]
        return group(first, Indent(tuple(rest)))

    def _chain(self, links: Sequence[t.Link]) -> Doc:
        first = self._link(links[0])
        rest: list[Doc] = []
        broken = False
        for link in links[1:]:
            broken = broken or self._next.line_break
            arrow = self._word("=>")
            broken = broken or self._next.line_break
            rest += [Line(" ", keeps_blank=True), arrow, " ", self._link(link)]
        return group(first, Indent(tuple(rest)), broken=broken)

    def _link(self, link: t.Link) -> Doc:
        step = self._value(link.step)
        return step if link.alias is None else (step, " ", self._word("as"), " ", self._word())

    def _braced(self, branches: Sequence[t.Expr]) -> Doc:
        """`{ a | b }`, the branches of a fork or the body of a repeat."""
        opening = self._word("{")
        broken = self._next.line_break
        parts: list[Doc] = [Line(" "), self._value(branches[0])]
        for branch in branches[1:]:
            broken = broken or self._next.line_break
            bar = self._word("|")
            broken = broken or self._next.line_break
            parts += [Line(" ", keeps_blank=True), bar, " ", Indent((self._value(branch),))]
        return self._enclosed(opening, parts, "}", Line(" "), broken or self._next.line_break)

    def _listed(self, opening: str, items: Sequence[_Item], closing: str, *, comma: bool = False) -> Group:
        """Items in brackets with commas between them; with `comma`, also behind the last."""
        opener = self._word(opening)
        broken = bool(items) and self._next.line_break
        parts: list[Doc] = []
        for item in items:
            if parts:
                parts.append(self._word(","))
            parts += [Line(" ", keeps_blank=True) if parts else Line(), item()]
        if comma:
            parts.append(self._word(","))
        elif self._next.text == ",":
            dropped = self._word(",")
            self._next = replace(self._next, comments=(*dropped.comments, *self._next.comments))
        return self._enclosed(opener, parts, closing, Line(), broken)

    def _enclosed(self, opening: Word, parts: list[Doc], closing: str, space: Line, broken: bool) -> Group:
        """Brackets around parts, with the comments before the closing one indented like the parts."""
        if self._next.comments:
            parts = [*parts, Line(keeps_blank=bool(parts)), self._comments()]
        if not parts:
            return group(opening, self._word(closing))
        return group(opening, Indent(tuple(parts)), space, self._word(closing), broken=broken)

    # --- words

    def _word(self, expected: str | None = None) -> Word:
        token = self._next
        if not token.text or expected not in (None, token.text):
            raise AssertionError(f"expected {expected or 'a word'}, found {token.text!r}")
        self._next = next(self._tokens)
        return Word(token.text, token.comments, token.blank)

    def _comments(self) -> Word:
        """The comments of the next word, which then has none."""
        comments = self._next.comments
        self._next = replace(self._next, comments=())
        return Word("", comments)


def _columns(setting: t.Setting) -> int:
    """The width of what stands before the `=`."""
    return len(setting.key.name) + (0 if setting.part is None else 2 + _columns_of_part(setting.part))


def _columns_of_part(part: t.Expr | t.Range) -> int:
    match part:
        case t.Ref(parts=parts):
            return len(".".join(parts))
        case t.Cut(base=base, layer=layer):
            return _columns_of_part(base) + 2 + _columns_of_part(layer)
        case t.Range(first=first, last=last):
            return 2 + sum(1 + _columns_of_part(end) for end in (first, last) if end is not None)
        case _:
            return columns_of(part.span.text)


def _longest(names: Iterable[t.Ident | None]) -> int:
    return max((len(name.name) for name in names if name is not None), default=0)

"""Other spellings of a spec that mean the same: every choice that the language leaves open is drawn anew.

The tree of a text is printed with random layout and comments, declarations and arguments in another order, options
named that were not, percentages as fractions or the other way round, `(a, b)` for `[a, b]`, defaults written out, and
descendants (`train a from b`) written out in full.
"""

from __future__ import annotations

from collections import Counter
from random import Random

from retdsl.diagnostics import Diagnostics
from retdsl.ir import Call
from retdsl.schema import ENTRIES, REQUIRED, Entry
from retdsl.schema.data import DATA_KEYS
from retdsl.schema.ensembles import ENSEMBLE_KEYS
from retdsl.schema.spelling import spell
from retdsl.schema.training import TRAIN_KEYS
from retdsl.schema.types import Choice
from retdsl.source import Source
from retdsl.syntax import parse
from retdsl.syntax import tree as t

GAPS = (" ", "  ", "\n", "\n\n  ", "\t", " # a comment\n")
NAMES = Counter(name for category in ENTRIES.values() for name in category)
CALLED = {name: entry for category in ENTRIES.values() for name, entry in category.items() if NAMES[name] == 1}
"""What a name calls, wherever it stands; of `every`, say, its place decides."""


def respelled(text: str, seed: int) -> str:
    """The same program in other words."""
    out = Diagnostics()
    declarations = list(parse(Source("spec", text), out).declarations)
    assert not len(out)
    return Respelling(Random(seed), declarations).text()


class Respelling:
    """One draw of all choices."""

    def __init__(self, random: Random, declarations: list[t.Declaration]) -> None:
        self.random, self.declarations = random, declarations
        self.trains = {d.name.name: d for d in declarations if isinstance(d, t.Train)}
        self.blocks = {d.name.name: d for d in declarations if isinstance(d, t.Block)}

    def text(self) -> str:
        declared = [self.declaration(d) for d in self.declarations]
        self.random.shuffle(declared)
        return "# respelled\n" + "\n".join(declared)

    def flip(self) -> bool:
        return self.random.random() < 0.5

    def gap(self) -> str:
        return self.random.choice(GAPS)

    def declaration(self, d: t.Declaration) -> str:
        match d:
            case t.Data():
                return f"data{self.gap()}{d.name.name} {self.settings(d.settings, DATA_KEYS)}"
            case t.Train():
                return self.train(d)
            case t.Ensemble():
                return f"ensemble{self.gap()}{d.name.name} {self.settings(d.settings, ENSEMBLE_KEYS)}"
            case t.Block():
                parameters = [
                    p.name.name + (f" ={self.gap()}{self.value(p.default)}" if p.default else "") for p in d.parameters
                ]
                return f"block {d.name.name}({', '.join(parameters)}) ={self.gap()}{self.value(d.value)}"
            case t.Use():
                return f"use {self.value(d.target)}"
            case t.Backbone() | t.Model() | t.Augment() | t.Sampling():
                return f"{type(d).__name__.lower()} {d.name.name} ={self.gap()}{self.value(d.value)}"
        raise AssertionError(d)

    def train(self, d: t.Train) -> str:
        settings = {self.head(s): s for s in d.settings}
        parent = d.parent
        while parent is not None and self.flip():  # one generation more is written out
            above = self.trains[parent.name]
            settings = {**{self.head(s): s for s in above.settings}, **settings}
            parent = above.parent
        whole = TRAIN_KEYS if parent is None else None
        head = f"train {d.name.name}" + ("" if parent is None else f" from {parent.name}")
        return f"{head} {self.settings(tuple(settings.values()), whole)}"

    def head(self, setting: t.Setting) -> str:
        return setting.key.name + (f"({self.value(setting.part)})" if setting.part else "")

    def settings(self, settings: tuple[t.Setting, ...], entry: Entry | None) -> str:
        """A block. entry: says which defaults may be written out; None where a missing key is inherited."""
        written = [f"{self.head(s)}{self.gap()}={self.gap()}{self.value(s.value)}" for s in settings]
        given = {s.key.name for s in settings}
        for option in entry.options if entry else ():
            if option.name not in given and option.default not in (REQUIRED, ()) and self.flip():
                written.append(f"{option.name} = {spell(option.default, option.type)}")
        self.random.shuffle(written)
        return "{" + self.gap() + self.gap().join(f"{w}\n" for w in written) + "}"

    def value(self, expr: t.Expr) -> str:
        match expr:
            case t.Number(value=number):
                return self.number(number)
            case t.Percent(value=number):
                return self.number(number)
            case t.Text() | t.Quantity():
                return expr.span.text
            case t.Ref(parts=(name,)) if self.is_call(name) and self.flip():
                return f"{name}({', '.join(self.defaults(CALLED[name], set()))})"
            case t.Ref(name=name):
                return name
            case t.Listing(items=items):
                written = [self.value(item) for item in items]
                if self.flip() and len(items) > 1:
                    return f"({', '.join(written)})"
                return f"[{', '.join(written)}]"
            case t.Group(inner=inner):
                return f"({self.gap()}{self.value(inner)})"
            case t.Ratio(parts=parts):
                return " : ".join(self.value(part) for part in parts)
            case t.Negative(operand=operand):
                return f"-{self.value(operand)}"
            case t.Sum(operators=operators, operands=operands) | t.Product(operators=operators, operands=operands):
                rest = zip(operators, operands[1:], strict=True)
                return self.value(operands[0]) + "".join(f" {o}{self.gap()}{self.value(x)}" for o, x in rest)
            case t.Apply(function=function, arguments=arguments):
                return f"{function.name}({self.arguments(function.name, arguments)})"
            case t.Repeat(function=function, arguments=arguments, body=body):
                written = ", ".join(self.value(argument.value) for argument in arguments)
                return f"{function.name}({written}){self.gap()}{{{self.gap()}{self.value(body)} }}"
            case t.Cut(base=base, layer=layer):
                name = self.value(layer)
                plain = isinstance(layer, t.Ref) and not name.endswith("_output")
                return f"{base.name}[{name}{'_output' if plain and self.flip() else ''}]"
            case t.Chain(links=links):
                steps = [self.value(link.step) + (f" as {link.alias.name}" if link.alias else "") for link in links]
                return f"{self.gap()}=>{self.gap()}".join(steps)
            case t.Hashed(value=hashed, sha256=digits):
                return f"{self.value(hashed)}{self.gap()}sha256{self.gap()}{digits.span.text}"
            case t.Fork(branches=branches):
                return "{ " + f" |{self.gap()}".join(self.value(branch) for branch in branches) + " }"
        raise AssertionError(expr)

    def number(self, number: int | float) -> str:
        if isinstance(number, int):
            return str(number) if self.flip() else f"{number}.0"
        percent = round(number * 100, 10)
        return f"{percent:f}%" if self.flip() and round(percent / 100, 12) == number else repr(number)

    def is_call(self, name: str) -> bool:
        """Whether a bare name can only be a call without arguments."""
        entry = CALLED.get(name)
        return entry is not None and entry.category not in ("layer", "loss", "backbone source", "network input")

    def arguments(self, name: str, arguments: tuple[t.Argument, ...]) -> str:
        entry, block = CALLED.get(name), self.blocks.get(name)
        if block is not None:
            unnamed = [p.name.name for p in block.parameters]
        elif entry is not None and name != "zoo":
            unnamed = list(entry.unnamed)
        else:
            return ", ".join((f"{a.name.name}={self.gap()}" if a.name else "") + self.value(a.value) for a in arguments)
        named: list[str] = []
        bare: list[str] = []
        given: set[str] = set()
        for argument in arguments:
            option = argument.name.name if argument.name else next(n for n in unnamed if n not in given)
            given.add(option)
            value = argument.value.span.text if is_choice(entry, option, argument.value) else self.value(argument.value)
            if argument.name is None and not named and self.flip():
                bare.append(value)
            else:
                named.append(f"{option} = {value}")
        named += self.defaults(entry, given) if entry is not None and block is None else []
        self.random.shuffle(named)
        return f",{self.gap()}".join([*bare, *named])

    def defaults(self, entry: Entry, given: set[str]) -> list[str]:
        """Options that nobody gave, some of them written out all the same."""
        return [
            f"{option.name} = {spell(option.default, option.type)}"
            for option in entry.options
            if option.name not in given
            and option.default is not REQUIRED
            and not isinstance(option.default, Call)
            and self.flip()
        ]


def is_choice(entry: Entry | None, option: str, value: t.Expr) -> bool:
    """Whether a bare name is a word of the option, and no call: `natural` of `progressive(from = natural)`."""
    described = None if entry is None else entry.option(option)
    kinds = () if described is None else getattr(described.type, "types", (described.type,))
    return isinstance(value, t.Ref) and any(isinstance(kind, Choice) and value.name in kind.names for kind in kinds)

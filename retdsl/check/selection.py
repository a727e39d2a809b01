"""What `freeze` says of a network: `lite`, `lite[.. stage3]`, `"stage1_*"`, as it was written and as it is spelled.

Enters: an evaluated value. Leaves: a `Selection`, which knows the place of each of its names. Which layers it stands
for is another question: it needs the network.
"""

from __future__ import annotations

from retdsl.check.evaluate import CutValue, Env, Val, evaluate
from retdsl.check.scope import Scope
from retdsl.diagnostics import Diagnostics
from retdsl.records import dataclass
from retdsl.schema.types import Name, Word
from retdsl.source import Span
from retdsl.syntax import tree as t


@dataclass(frozen=True, slots=True)
class Named:
    """A name of layers and where it stands. quoted: it is a text that is no plain name."""

    name: str
    span: Span
    quoted: bool

    @property
    def text(self) -> str:
        if not self.quoted:
            return self.name
        from retdsl.schema.spelling import spell  # few specs have such names

        return spell(self.name, Name(quoted=True))


@dataclass(frozen=True, slots=True)
class Selection:
    """Layers that a spec selects: of a backbone, or without one of the whole network.

    first, last: the ends of a range, None where it has none; of a single name both are that name. A backbone without
    either is meant as a whole.
    """

    backbone: str | None
    first: Named | None
    last: Named | None
    span: Span

    @property
    def one(self) -> Named | None:
        """The name, where it is no range."""
        return self.first if self.first is self.last else None

    @property
    def text(self) -> str:
        """The selection as the language writes it."""
        first, last = (end.text if end else "" for end in (self.first, self.last))
        inside = first if self.first is self.last else f"{first} .. {last}".strip()
        if self.backbone is None:
            return inside
        return f"{self.backbone}[{inside}]" if inside else self.backbone


def read_selection(val: Val, scope: Scope, out: Diagnostics, *, anywhere: bool = False) -> Selection | None:
    """The selection that a name, a text or a cut is; None after a mistake.

    anywhere: a name that no backbone has is one of layers.
    """
    match val.value:
        case str(name):
            pattern = Named(name, val.span, quoted=True)
            return Selection(None, pattern, pattern, val.span)
        case Word(name=name) if anywhere and scope.find("backbone", name) is None:
            part = Named(name, val.span, quoted=False)
            return Selection(None, part, part, val.span)
        case Word(name=name):
            if scope.find("backbone", name) is not None:
                return Selection(name, None, None, val.span)
            owner = next((declared.name.name for declared in scope.of_kind("backbone")), "")
            written = f"a part of a backbone is written `{owner}[{name}]`, all up to that part `{owner}[.. {name}]`"
            scope.report_unknown("backbone", name, val.span, out, else_help=written)
            return None
        case CutValue(cut=cut, env=env):
            inside = cut.layer
            if not _is_backbone(cut.base.name, cut.base.span, scope, out):
                return None
            ends = (inside.first, inside.last) if isinstance(inside, t.Range) else (inside,)
            names = [None if end is None else name_of(end, env, out) for end in ends]
            if any(name is None and end is not None for name, end in zip(names, ends, strict=True)):
                return None
            return Selection(cut.base.name, names[0], names[-1], val.span)
        case _:
            raise AssertionError(f"{val.value!r} selects nothing")


def _is_backbone(name: str, span: Span, scope: Scope, out: Diagnostics) -> bool:
    if scope.find("backbone", name) is not None:
        return True
    scope.report_unknown("backbone", name, span, out)
    return False


def name_of(written: t.Ref | t.Text, env: Env, out: Diagnostics) -> Named | None:
    """The name that stands within the brackets of a cut; None after a mistake in a text."""
    val = Val(written.name, written.span) if isinstance(written, t.Ref) else evaluate(written, env, out)
    if val is None:
        return None
    name = str(val.value)
    return Named(name, val.span, quoted=not (name.isidentifier() and name.isascii()))

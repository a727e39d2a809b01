"""Where in nested blocks the checker is, and messages that say so."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from retdsl.check.evaluate import Env
from retdsl.check.scope import Scope
from retdsl.check.trail import Stop, Use, branches, merged, uses, way
from retdsl.diagnostics import Diagnostic, Diagnostics, Fix, Label
from retdsl.ir import Shape
from retdsl.records import dataclass, replace
from retdsl.source import Span
from retdsl.syntax import tree as t


@dataclass(frozen=True, slots=True)
class Frame:
    """Parameters and names in reach, the blocks around (`path` for people, `blocks` by name), their uses from the
    outermost inwards, and the last step that the value which flows has passed.
    """

    env: Env
    scope: Scope
    path: tuple[str, ...] = ()
    uses: tuple[Use, ...] = ()
    blocks: tuple[str, ...] = ()
    last: Stop | None = None

    def passed(self, span: Span, shape: Shape | None, word: str = "") -> Frame:
        """The frame for what comes after a step."""
        return self._behind(Stop(span, shape, self.last, word))

    def forked(self, fork: t.Fork, ends: tuple[tuple[Span, Shape | None], ...]) -> Frame:
        """The frame for what comes after a fork: `ends` are the last steps of its branches, with their shapes."""
        return self._behind(Stop(fork.span, None, self.last, fork=fork, ends=ends))

    def _behind(self, stop: Stop) -> Frame:
        return Frame(self.env, self.scope, self.path, self.uses, self.blocks, stop)

    def report(
        self,
        out: Diagnostics,
        code: str,
        text: str,
        *labels: Label,
        notes: Sequence[str] = (),
        helps: Sequence[str] = (),
        fixes: Sequence[Fix] = (),
    ) -> None:
        """Adds a message about what is written here, whatever flows in."""
        out.report(code, text, *labels, notes=notes, helps=helps, fixes=fixes)

    def report_flow(
        self,
        out: Diagnostics,
        code: str,
        text: str,
        subject: Label,
        step: t.Expr,
        *,
        joins: bool = False,
        notes: Sequence[str] = (),
        helps: Sequence[str] = (),
        fixes: Sequence[Fix] = (),
    ) -> None:
        """Adds a message about what flows into `step`: with the shapes on the way, and where the blocks are used.

        joins: the shapes are those of the branches that `step` joins. One place is told once, however many values
        flow through it.
        """
        stops = branches(self.last) if joins else way(self.last)
        fork = self.last.fork if joins and self.last is not None else None
        shown = merged([*uses(self.uses, fork or step, turns=True), *stops])
        labels = (subject, *(label for label in shown if label.span != subject.span))
        item = Diagnostic(code, text, labels, tuple(notes), tuple(helps), tuple(fixes))
        out.add(item, same="" if self.uses else None, case=self._case())

    def relay(self, found: Diagnostics, call: t.Apply, out: Diagnostics) -> None:
        """Hands on messages about the arguments of `call`; with where the block is used if they depend on that."""
        for item in found:
            value = next(
                (a.value for a in call.arguments if item.labels and _holds(a.value, item.labels[0].span)), None
            )
            if value is None or self.env.names.keys().isdisjoint(t.names_in(value)):
                out.add(item)
            else:
                around = uses(self.uses, value, turns=False)
                out.add(replace(item, labels=(*item.labels, *around)), case=self._case())

    def _case(self) -> Hashable:
        """What tells this use of the block from others; None outside of blocks."""
        return tuple((use.span.source.name, use.span.start, use.turn, use.told()) for use in self.uses) or None


def _holds(expr: t.Expr, span: Span) -> bool:
    return expr.span.source is span.source and expr.span.start <= span.start and span.end <= expr.span.end

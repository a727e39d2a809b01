"""Where in nested blocks the checker is, and messages that say so."""

from __future__ import annotations

from collections.abc import Sequence

from retdsl.check.evaluate import Env
from retdsl.check.scope import Scope
from retdsl.diagnostics import Diagnostics, Fix, Label
from retdsl.records import dataclass
from retdsl.source import Span


@dataclass(frozen=True, slots=True)
class Frame:
    """Parameters and names in reach, the blocks around (`path` for people, `blocks` by name), and their calls."""

    env: Env
    scope: Scope
    path: tuple[str, ...] = ()
    calls: tuple[Span, ...] = ()
    blocks: tuple[str, ...] = ()

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
        """Adds a message; inside a block it also shows where the block is used."""
        used = [Label(call, "used here") for call in self.calls[-1:]]
        out.report(code, text, *labels, *used, notes=notes, helps=helps, fixes=fixes)

"""Which names a file can use: its own declarations and those of the files it uses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from retdsl.check.files import find_used, read_spec, zoo_names
from retdsl.diagnostics import Diagnostics, Label
from retdsl.diagnostics.suggest import did_you_mean
from retdsl.schema import ENTRIES
from retdsl.source import Source, Span
from retdsl.syntax import parse
from retdsl.syntax import tree as t

Named = t.Data | t.Backbone | t.Block | t.Model | t.Augment | t.Sampling | t.Train

# What can stand in one chain shares names; experiments, samplings and augmentations have names of their own.
_ROOM = {"data": "chain", "backbone": "chain", "block": "chain", "model": "chain"}


def kind_of(declaration: Named) -> str:
    """The keyword of a declaration."""
    return type(declaration).__name__.lower()


@dataclass(slots=True)
class Scope:
    """The declarations in reach of one file, in order; later stages look names up by kind."""

    names: dict[tuple[str, str], Named] = field(default_factory=dict)

    def add(self, declaration: Named, out: Diagnostics) -> None:
        """Takes a declaration in; a second one of the same name is reported and left out."""
        kind, name = kind_of(declaration), declaration.name.name
        key = (_ROOM.get(kind, kind), name)
        earlier = self.names.get(key)
        if earlier is not None and earlier is not declaration:
            first = Label(earlier.name.span, f"first declared here, as {_a(kind_of(earlier))}")
            out.report("R202", f"`{name}` is declared twice", Label(declaration.name.span, "declared again"), first)
            return
        if kind == "block" and any(name in ENTRIES[category] for category in ("layer", "loss")):
            text = f"`{name}` is a step of the language already"
            out.report("R202", text, declaration.name.span, helps=["give the block another name"])
            return
        self.names[key] = declaration

    def find(self, kind: str, name: str) -> Named | None:
        """The declaration of that kind and name."""
        found = self.names.get((_ROOM.get(kind, kind), name))
        return found if found is not None and kind_of(found) == kind else None

    def in_chain(self, name: str) -> Named | None:
        """The data, backbone, block or model of that name."""
        return self.names.get(("chain", name))

    def of_kind(self, kind: str) -> Iterator[Named]:
        return (declaration for declaration in self.names.values() if kind_of(declaration) == kind)

    def known(self, *kinds: str) -> list[str]:
        return [declaration.name.name for kind in kinds for declaration in self.of_kind(kind)]

    def report_unknown(self, kind: str, name: str, span: Span, out: Diagnostics) -> None:
        """Says that there is no declaration of that kind and name, and what comes near."""
        other = next((d for d in self.names.values() if d.name.name == name), None)
        known = self.known(kind)
        if other is not None:
            label = Label(other.name.span, f"declared here, as {_a(kind_of(other))}")
            text = f"`{name}` is {_a(kind_of(other))}, and {_a(kind)} is needed here"
            helps = [f"this file has {_a(kind)} `{known[0]}`"] if len(known) == 1 else []
            out.report("R204", text, Label(span), label, helps=helps)
            return
        hint = did_you_mean(name, known)
        helps = [hint] if hint else [f"declared are: {', '.join(f'`{k}`' for k in known)}"] if known else []
        out.report("R201", f"there is no {kind} `{name}`", Label(span, "not declared"), helps=helps)


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else kind if kind == "data" else f"a {kind}"


def collect(file: t.File, out: Diagnostics) -> tuple[Scope, list[Source]]:
    """The scope of a file, and every source it uses, used ones first (itself last)."""
    scope = Scope()
    sources: list[Source] = []
    _collect(file, scope, sources, (), out)
    return scope, sources


def _collect(
    file: t.File, scope: Scope, sources: list[Source], above: tuple[Path | None, ...], out: Diagnostics
) -> None:
    for use in _uses(file.declarations):
        target = use.target.plain if isinstance(use.target, t.Text) else use.target.name
        path = find_used(use.target, file.source)
        if path is None:
            hint = (
                None
                if isinstance(use.target, t.Text)
                else did_you_mean(target or "", [f"zoo.{z}" for z in zoo_names()])
            )
            helps = [hint] if hint else ['write `use zoo.NAME`, or `use "FILE.retina"` relative to this file']
            out.report("R208", f"there is no file `{target}` to use", use.target.span, helps=helps)
        elif path in (*above, file.source.path):
            out.report("R203", f"`{target}` uses this file, directly or through others", use.target.span)
        elif not any(source.path == path for source in sources):
            used = read_spec(path, path.name, out, use.target.span)
            if used is not None:
                _collect(parse(used, out), scope, sources, (*above, file.source.path), out)
    for declaration in file.declarations:
        if not isinstance(declaration, t.Use):
            scope.add(declaration, out)
    sources.append(file.source)


def _uses(declarations: Iterable[t.Declaration]) -> Iterator[t.Use]:
    return (declaration for declaration in declarations if isinstance(declaration, t.Use))

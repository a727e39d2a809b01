"""Which names a file can use: its own declarations and those of the files it uses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import get_args

from retdsl.check.files import files_beside, find_used, read_spec, shown_name, zoo_families, zoo_networks
from retdsl.check.fixes import rename_fixes
from retdsl.diagnostics import Diagnostics, Label
from retdsl.diagnostics.suggest import Guess, guess, suggest
from retdsl.records import dataclass, field, replace
from retdsl.schema import ENTRIES, ESSENTIAL
from retdsl.schema.types import KIND_WORDS, with_article
from retdsl.source import Source, Span
from retdsl.syntax import parse
from retdsl.syntax import tree as t
from retdsl.syntax.parser import MAX_SIZE

Named = t.Data | t.Backbone | t.Block | t.Model | t.Augment | t.Sampling | t.Train | t.Ensemble

MOST_SUGGESTED_FROM = 500
MOST_LISTED = 12

MAX_USES = 50
"""Files that use files that use files ..."""

MAX_PARAMETERS = 200
"""Parameters of a block, each of which costs something whenever the block is used."""

MAX_FILES = 300
"""Files that one file uses, directly or through others."""

MANY = 300
"""After so many messages none is worth comparing a misspelt name with every declaration of a huge file."""

# What can stand in one chain shares names; experiments and ensembles, too; samplings and augmentations
# have names of their own.
_ROOM = {"data": "chain", "backbone": "chain", "block": "chain", "model": "chain", "ensemble": "train"}
_ROOMS = ("chain", "augment", "sampling", "train")


_SHARED = {
    "chain": "what can stand in one chain shares one set of names",
    "train": "experiments and ensembles share one set of names, as both are trained by name",
}
"""Why declarations of several kinds cannot have one name, by their room."""


def kind_of(declaration: Named) -> str:
    """The keyword of a declaration."""
    return _KINDS[type(declaration)]


_KINDS: dict[type, str] = {kind: kind.__name__.lower() for kind in get_args(Named)}


@dataclass(slots=True)
class Scope:
    """The declarations in reach of one file, in order; later stages look names up by kind.

    illegible: names of declarations that could not be understood; incomplete: a file that is used could not be read.
    Both are reported, and what is missing because of them is nobody's further mistake.
    """

    names: dict[tuple[str, str], Named] = field(default_factory=dict)
    kinds: dict[str, list[Named]] = field(default_factory=dict)
    illegible: set[str] = field(default_factory=set)
    incomplete: bool = False

    def add(self, declaration: Named, out: Diagnostics) -> None:
        """Takes a declaration in; a second one of the same name is reported and left out."""
        kind, name = kind_of(declaration), declaration.name.name
        key = (_ROOM.get(kind, kind), name)
        earlier = self.names.get(key)
        if earlier is not None:
            first = Label(earlier.name.span, f"first declared here, as {_a(kind_of(earlier))}")
            again = Label(declaration.name.span, "declared again")
            notes = [] if kind_of(earlier) == kind else [_SHARED[key[0]]]
            helps = ["give one of them another name"]
            if kind == "train":
                helps += [f"`train NAME from {name} {{ ... }}` copies an experiment and changes some keys"]
            out.report("R202", f"`{name}` is declared twice", again, first, notes=notes, helps=helps)
            return
        if kind == "block" and (name in ESSENTIAL or name in ENTRIES["loss"]):
            text = f"`{name}` is a step of the language already"
            out.report("R202", text, declaration.name.span, helps=["give the block another name"])
            return
        if isinstance(declaration, t.Block) and len(declaration.parameters) > MAX_PARAMETERS:
            text = f"the block `{name}` has more than {MAX_PARAMETERS} parameters"
            out.report("R107", text, declaration.name.span, helps=["divide it into several blocks"])
            self.illegible.add(name)
            return
        self.names[key] = declaration
        self.kinds.setdefault(kind, []).append(declaration)

    def put(self, declaration: Named) -> None:
        """Puts a declaration in the place of the one that has its kind and name."""
        kind, name = kind_of(declaration), declaration.name.name
        self.names[_ROOM.get(kind, kind), name] = declaration
        self.kinds[kind] = [declaration if d.name.name == name else d for d in self.kinds[kind]]

    def find(self, kind: str, name: str) -> Named | None:
        """The declaration of that kind and name."""
        found = self.names.get((_ROOM.get(kind, kind), name))
        return found if found is not None and kind_of(found) == kind else None

    def in_chain(self, name: str) -> Named | None:
        """The data, backbone, block or model of that name."""
        return self.names.get(("chain", name))

    def of_kind(self, kind: str) -> Sequence[Named]:
        """All declarations of a kind, in order."""
        return self.kinds.get(kind, ())

    def known(self, *kinds: str) -> list[str]:
        """The names of some kinds, for suggestions: of a huge file not all, since each is compared."""
        names = (declaration.name.name for kind in kinds for declaration in self.of_kind(kind))
        return list(islice(names, MOST_SUGGESTED_FROM))

    def excuses(self, name: str, known: Iterable[str] = ()) -> bool:
        """Whether an unknown name only follows from a mistake that was reported, and resembles none of `known`."""
        return name in self.illegible or (self.incomplete and not suggest(name, known))

    def report_unknown(
        self, kind: str, name: str, span: Span, out: Diagnostics, *also: str, else_help: str | None = None
    ) -> None:
        """Says that there is no declaration of that name and kind (nor of the kinds in `also`), and what comes near.

        else_help: what else may have been meant, said where nothing comes near.
        """
        others = [self.names[room, name] for room in _ROOMS if (room, name) in self.names]
        known = self.known(kind, *also) if len(out) < MANY else []
        if self.excuses(name, known):
            return
        wanted = " or ".join(KIND_WORDS.get(k, k) for k in (kind, *also))
        if others:
            other = others[0]
            label = Label(other.name.span, f"declared here, as {_a(kind_of(other))}")
            text = f"`{name}` is {_a(kind_of(other))}, and {with_article(wanted)} is needed here"
            helps = [f"this file has {_a(kind)} `{known[0]}`"] if len(known) == 1 else []
            out.report("R204", text, Label(span), label, helps=helps)
            return
        meant = guess(name, known)
        helps = [meant.question or _declared(wanted, known)] if known else []
        helps += [else_help] if else_help and known and not meant.names else []
        fixes = rename_fixes(meant, name, span, own=True)
        out.report("R201", f"there is no {wanted} `{name}`", Label(span, "not declared"), helps=helps, fixes=fixes)


def _declared(kind: str, names: Sequence[str]) -> str:
    """Which names there are, as far as anybody would read them."""
    if len(names) == 1:
        return f"the only {kind} is `{names[0]}`"
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return f"declared are {', '.join(f'`{name}`' for name in names[:MOST_LISTED])}{more}"


def _a(kind: str) -> str:
    return with_article(KIND_WORDS.get(kind, kind))


def collect(file: t.File, out: Diagnostics) -> tuple[Scope, list[Source]]:
    """The scope of a file, and every source it uses, used ones first (itself last)."""
    collector = _Collector(out)
    collector.add(file, ())
    return collector.scope, collector.sources


@dataclass(slots=True)
class _Collector:
    """Follows `use` from file to file, each file once. room: characters that all files together may still have."""

    out: Diagnostics
    scope: Scope = field(default_factory=Scope)
    sources: list[Source] = field(default_factory=list)
    seen: set[Path] = field(default_factory=set)
    room: int = MAX_SIZE

    def add(self, file: t.File, above: tuple[Path | None, ...]) -> None:
        """Takes in what a file declares, and before that what the files declare that it uses."""
        self.room -= len(file.source.text)
        for use in _uses(file.declarations):
            used = self._used(use, file, above)
            if used is not None:
                self.add(parse(used, self.out), (*above, file.source.path))
        for declaration in file.declarations:
            if isinstance(declaration, t.IllegibleDeclaration):
                self.scope.illegible.add(declaration.name.name)
                self.scope.incomplete = self.scope.incomplete or not declaration.name.name
            elif not isinstance(declaration, t.Use):
                self.scope.add(declaration, self.out)
        self.sources.append(file.source)

    def _used(self, use: t.Use, file: t.File, above: tuple[Path | None, ...]) -> Source | None:
        """The source that a file uses, unless it is here already or cannot be had."""
        span = use.target.span
        path = find_used(use.target, file.source)
        if path is None:
            _report_no_file(use.target, file.source, self.out)
        elif path in (*above, file.source.path):
            way = [p.name for p in (*above, file.source.path) if p is not None]
            way = [*way[way.index(path.name) :], path.name] if path.name in way else way
            notes = [" uses ".join(way)] if len(way) > 2 else []
            helps = ["move what both need into a third file"] if len(way) > 2 else ["leave the line out"]
            text = f"{path.name} uses itself" + (" through others" if len(way) > 2 else "")
            self.out.report("R203", text, Label(span, "closes the circle"), notes=notes, helps=helps)
            return None
        elif path in self.seen:
            return None
        elif len(above) >= MAX_USES:
            self.out.report("R105", f"files use files more than {MAX_USES} deep", span)
        elif len(self.seen) >= MAX_FILES:
            self.out.report("R107", f"more than {MAX_FILES} files are used", span)
        else:
            self.seen.add(path)
            used = read_spec(path, shown_name(path), self.out, span, self.room)
            self.scope.incomplete = self.scope.incomplete or used is None
            return used
        self.scope.incomplete = True
        return None


def _report_no_file(target: t.Text | t.Ref, user: Source, out: Diagnostics) -> None:
    name = target.name if isinstance(target, t.Ref) else target.plain
    if name is None:
        out.report("R208", "the name of a file to use is a plain text", target.span, helps=["write `{{` for a brace"])
        return
    zoo = [f"zoo.{z}" for z in (*zoo_families(), *zoo_networks())]
    meant = guess(name, zoo) if isinstance(target, t.Ref) else _guess_file(name, user)
    ways = ["write `use zoo.NAME`"] if isinstance(target, t.Ref) else []
    ways.append('a path starts at the folder of this file, as in `use "FILE.retina"`')
    helps = [meant.question] if meant.question else ways
    named = replace(meant, names=tuple(f'"{found}"' if isinstance(target, t.Text) else found for found in meant.names))
    fixes = rename_fixes(named, name, target.span, own=True)
    out.report("R208", f"there is no file `{name}` to use", Label(target.span, "not there"), helps=helps, fixes=fixes)


def _guess_file(name: str, user: Source) -> Guess:
    """The files beside `user` that may be meant; the ending that all of them have makes none alike."""
    stem, dot, ending = name.rpartition(".")
    if not dot:
        return guess(name, files_beside(user))
    alike = [file.removesuffix(f".{ending}") for file in files_beside(user) if file.endswith(f".{ending}")]
    meant = guess(stem, alike)
    return replace(meant, names=tuple(f"{found}.{ending}" for found in meant.names))


def _uses(declarations: Iterable[t.Declaration]) -> Iterator[t.Use]:
    return (declaration for declaration in declarations if isinstance(declaration, t.Use))

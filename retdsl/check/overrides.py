"""Settings from the command line on top of the blocks of a spec: `--set epochs=2`, `--set eyes.source='csv(...)'`.

Enters: settings, with the block that each belongs to, and the declarations in reach. Leaves: the declarations of data
blocks and ensembles with those settings, and the settings that go on top of each train block. Guaranteed: a key that is
set replaces what the spec says, the last one said counts, and everything else stays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from retdsl.check.scope import Scope
from retdsl.diagnostics import Diagnostics
from retdsl.records import dataclass, replace
from retdsl.syntax import tree as t


@dataclass(frozen=True, slots=True)
class Override:
    """A setting from the command line. block: that it belongs to; None: every train block that is chosen."""

    block: t.Ident | None
    setting: t.Setting

    @property
    def key(self) -> str:
        """As it was written: `epochs`, `eyes.source`."""
        name = self.setting.key.name
        return name if self.block is None else f"{self.block.name}.{name}"

    @property
    def said(self) -> tuple[str, str]:
        """The key and the text of its value."""
        return self.key, self.setting.value.span.text


def put_on_top(overrides: Iterable[Override], scope: Scope, out: Diagnostics) -> None:
    """Puts the settings of data blocks and ensembles into their declarations; reports a block that is not there."""
    for override in overrides:
        if override.block is None:
            continue
        name = override.block.name
        declared = scope.find("data", name) or scope.find("train", name) or scope.find("ensemble", name)
        if isinstance(declared, t.Data | t.Ensemble):
            key = override.setting.key.name
            kept = tuple(setting for setting in declared.settings if setting.key.name != key)
            scope.put(replace(declared, settings=(*kept, override.setting)))
        elif declared is None:
            scope.report_unknown("data", name, override.block.span, out, "train", "ensemble")


def with_members(chosen: Collection[str], scope: Scope) -> set[str]:
    """The names of experiments, those of ensembles replaced by their members'."""
    found = set(chosen)
    for declared in scope.of_kind("ensemble"):
        if isinstance(declared, t.Ensemble) and declared.name.name in found:
            of = (setting.value for setting in declared.settings if setting.key.name == "of")
            found.update(name for value in of for name in t.names_in(value))
    return found


def on_top_of(train: str, overrides: Iterable[Override], chosen: Collection[str]) -> list[Override]:
    """The settings for one train block."""
    return [
        override
        for override in overrides
        if (override.block is None and (not chosen or train in chosen))
        or (override.block is not None and override.block.name == train)
    ]


def said_of(data: str, on_top: Sequence[Override], overrides: Iterable[Override]) -> tuple[tuple[str, str], ...]:
    """What the command line says of an experiment: of its data block, then of itself; each key once, the last one."""
    of_data = [override for override in overrides if override.block is not None and override.block.name == data]
    own = [(override.setting.key.name, override.said[1]) for override in on_top]
    return tuple(dict([*(override.said for override in of_data), *own]).items())

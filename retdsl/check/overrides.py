"""Settings from the command line on top of the blocks of a spec: `--set epochs=2`, `--set eyes.source='csv(...)'`.

Enters: settings, with the block that each belongs to, and the declarations in reach. Leaves: the declarations of data
blocks and ensembles with those settings, and the settings that go on top of each train block. Guaranteed: a key that is
set replaces what the spec says, the last one said counts, and everything else stays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TypeAlias

from retdsl.check.scope import Scope
from retdsl.diagnostics import Diagnostics
from retdsl.ir import Experiment
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


OnTop: TypeAlias = "dict[str, list[Override]]"
"""Settings by the train block that they belong to."""


def put_on_top(overrides: Iterable[Override], chosen: Collection[str], scope: Scope, out: Diagnostics) -> OnTop:
    """Puts the settings of data blocks and ensembles into their declarations, and gives those of train blocks. Reports
    a block that is not there. chosen: train blocks and ensembles that settings without a block are for; none: all.
    """
    for_all = _with_members(chosen, scope) or {train.name.name for train in scope.of_kind("train")}
    on_top: OnTop = {}
    for override in overrides:
        names = for_all if override.block is None else {override.block.name}
        for name in names:
            if scope.find("train", name) is not None:
                on_top.setdefault(name, []).append(override)
            elif override.block is not None:
                _put_into(override, override.block, scope, out)
    return on_top


def _put_into(override: Override, block: t.Ident, scope: Scope, out: Diagnostics) -> None:
    declared = scope.find("data", block.name) or scope.find("ensemble", block.name)
    if isinstance(declared, t.Data | t.Ensemble):
        key = override.setting.key.name
        kept = tuple(setting for setting in declared.settings if setting.key.name != key)
        scope.put(replace(declared, settings=(*kept, override.setting)))
    else:
        scope.report_unknown("data", block.name, block.span, out, "train", "ensemble")


def _with_members(chosen: Collection[str], scope: Scope) -> set[str]:
    """The names of experiments, those of ensembles replaced by their members'."""
    found = set(chosen)
    for declared in scope.of_kind("ensemble"):
        if isinstance(declared, t.Ensemble) and declared.name.name in found:
            of = (setting.value for setting in declared.settings if setting.key.name == "of")
            found.update(name for value in of for name in t.names_in(value))
    return found


def with_said(experiment: Experiment, on_top: Sequence[Override], overrides: Iterable[Override]) -> Experiment:
    """The experiment with what the command line says of its data block, then of itself; the last of each key counts."""
    data = experiment.data.name
    of_data = [override.said for override in overrides if override.block is not None and override.block.name == data]
    own = [(override.setting.key.name, override.said[1]) for override in on_top]
    return replace(experiment, overrides=tuple(dict([*of_data, *own]).items()))

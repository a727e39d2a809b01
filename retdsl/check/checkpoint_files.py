"""Which files a checkpoint's name means, and which others may have been meant where they are not there.

Enters: what a spec gives as prefix and epoch. Leaves: the names of two files, and for those that are missing R801, with
the names that come near.
"""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path

from retdsl.check.files import is_file, report_absent
from retdsl.check.options import Given
from retdsl.diagnostics import Diagnostics, Fix, Label
from retdsl.diagnostics.suggest import guess
from retdsl.records import dataclass
from retdsl.schema.spelling import spell
from retdsl.schema.types import Name
from retdsl.source import Span

SYMBOL = "-symbol.json"
_WITH_ENDING = re.compile(r"(?P<prefix>.+?)(?:-symbol(?:\.json)?|-(?P<epoch>\d{4}|[1-9]\d{4,5})(?:\.params)?)")
MOST_FILES = 10_000
"""Names of files in a folder that are looked through."""
SHOWN = 5


@dataclass(frozen=True, slots=True)
class CheckpointFiles:
    """The files of a checkpoint, relative to `root`."""

    root: Path
    prefix: str
    epoch: int

    @property
    def symbol(self) -> str:
        return f"{self.prefix}{SYMBOL}"

    @property
    def params(self) -> str:
        return params_of(self.prefix, self.epoch)

    @property
    def missing(self) -> list[str]:
        return [name for name in (self.symbol, self.params) if not is_file(self.root / name)]

    def epochs(self) -> list[int]:
        """The epochs whose parameters lie there, in order."""
        start = f"{Path(self.prefix).name}-"
        endings = [name.removeprefix(start) for name in self._beside() if name.startswith(start)]
        found = [re.fullmatch(r"(\d{4}|[1-9]\d{4,5})\.params", ending) for ending in endings]
        return sorted(int(match[1]) for match in found if match is not None)

    def other_epochs(self) -> list[int]:
        """The same without the one that is asked for."""
        return [epoch for epoch in self.epochs() if epoch != self.epoch]

    def other_prefixes(self) -> list[str]:
        """The prefixes of other networks in the same folder."""
        folder = self.prefix.removesuffix(Path(self.prefix).name) if self.prefix[-1:] != "/" else self.prefix
        return sorted(folder + name.removesuffix(SYMBOL) for name in self._beside() if name.endswith(SYMBOL))

    def _beside(self) -> list[str]:
        try:
            return [path.name for path in islice((self.root / self.prefix).parent.iterdir(), MOST_FILES)]
        except (OSError, ValueError):
            return []


def params_of(prefix: str, epoch: int) -> str:
    return f"{prefix}-{epoch:04d}.params"


def report_missing(files: CheckpointFiles, given: Given, at: Span, out: Diagnostics) -> None:
    """R801 for the files that are not there. at: the call that names them."""
    missing = files.missing
    if not missing:
        return
    prefix, there = files.prefix, files.symbol not in missing
    label = Label(at, f"no {' and no '.join(missing)}")
    text = f"the {'parameters of the ' if there else ''}checkpoint `{prefix}` {'are' if there else 'is'} not here"
    notes = [] if there else ["what follows from its layers cannot be checked"]
    helps = ["put the files there, or name their folder with `--root DIR`"]
    fixes: list[Fix] = []
    ending = _WITH_ENDING.fullmatch(prefix)
    if ending is not None and not there:
        bare = ending["prefix"]
        epoch = files.epoch if ending["epoch"] is None else int(ending["epoch"])
        text = f"`{prefix}` is a file of a checkpoint, not its prefix"
        label = Label(given.spans["prefix"], "the name of a file")
        helps = [f"the prefix is {_quoted(bare)}: write `checkpoint({_quoted(bare)}, epoch = {epoch})`"]
        fixes = [Fix.at(given.spans["prefix"], _quoted(bare), safe=epoch == files.epoch)]
    elif there:
        epochs = files.other_epochs()
        if epochs:
            helps = [_did_you_mean(epochs)]
            fixes = [Fix.at(given.spans["epoch"], str(epochs[0]))] if len(epochs) == 1 else []
    else:
        meant = guess(prefix, files.other_prefixes())
        if meant.question:
            helps = [meant.question, *helps]
            names = meant.names if len(meant.names) == 1 else ()
            fixes = [Fix.at(given.spans["prefix"], _quoted(name)) for name in names]
    report_absent(text, label, files.root, out, notes=notes, helps=helps, fixes=fixes)


def _quoted(path: str) -> str:
    return spell(path, Name("a path", quoted=True))


def _did_you_mean(epochs: list[int]) -> str:
    """A question that names epochs, the last ones if there are many."""
    *others, last = [f"`epoch = {epoch}`" for epoch in epochs[-SHOWN:]]
    more = f" ({len(epochs)} epochs are there)" if len(epochs) > SHOWN else ""
    return f"did you mean {', '.join(others)} or {last}?{more}" if others else f"did you mean {last}?"

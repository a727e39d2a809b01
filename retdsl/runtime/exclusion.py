"""`audit`: photographs that an audit has flagged stay out of a study.

Enters: the photographs that a source lists, and the table that `retdsl audit` has written. Leaves: an `Exclusion`:
those that stay, and what is left out, by flag. Guaranteed: nothing is left out for what a photograph, or its label, was
before it was changed.
"""

from __future__ import annotations

import csv as csv_format
import io
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from retdsl.runtime.decode import Photograph
from retdsl.runtime.errors import RunError
from retdsl.runtime.paths import near_files
from retdsl.runtime.prepared import Looked
from retdsl.runtime.problems import Problems, did_you_mean
from retdsl.runtime.sample import Sample
from retdsl.runtime.sources import read_file, sha256_of_photograph

NEEDED = ("image", "label", "flags", "sha256")
"""Columns of an audit's table that an exclusion reads; a table of several joined sources has `origin`, too."""

ABOUT_LABELS = frozenset({"conflicting", "eyes_disagree", "suspected_label"})
"""Flags that mean nothing any more once a label is another one."""

UNREADABLE = "unreadable"
"""The flag of photographs that are not there, or cannot be decoded."""

AGAIN = "run `retdsl audit` again"

Read = Callable[[Path, Sample], bytes | Photograph]


class Audited(NamedTuple):
    """What an audit's table says of a photograph. sha256: the first digits of what `sha256_of_photograph` gave, none
    if there was nothing to read.
    """

    label: str
    flags: tuple[str, ...]
    sha256: str

    def is_of(self, digest: str) -> bool:
        """Whether a photograph with this digest is the one that the audit has seen."""
        return digest.startswith(self.sha256) and bool(digest) == bool(self.sha256)


@dataclass(frozen=True, slots=True)
class Exclusion:
    """kept: the photographs that stay, in their order; audited: what the table says, by origin and image; counts: how
    many photographs are left out for each flag (one may have several); out: how many in all; unseen: names of those
    that the audit has not seen, which stay.
    """

    kept: tuple[Sample, ...]
    audited: Mapping[tuple[int, str], Audited]
    counts: Mapping[str, int]
    out: int
    unseen: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """For lock.json and `check --data`: `{"photographs": 12, "flags": {"blurred": 9, ...}, "unseen": [...]}`."""
        return {"photographs": self.out, "flags": dict(self.counts), "unseen": list(self.unseen)}

    def line(self) -> str:
        """`left out: 12 of 945 photographs (9 blurred, 4 duplicate)`."""
        counts = ", ".join(f"{count} {flag}" for flag, count in self.counts.items())
        unseen = f"; the audit has not seen {len(self.unseen)}, which stay" if self.unseen else ""
        return f"left out: {self.out} of {self.out + len(self.kept)} photographs ({counts}){unseen}"

    def require_unchanged(self, looked: Mapping[int, Looked], table: str) -> None:
        """Raises RunError if photographs that stay are others than those that the audit has seen: it says nothing of
        them. looked: by their index in `kept`.
        """
        problems = Problems()
        for index in sorted(looked):
            sample = self.kept[index]
            known = self.audited.get((sample.origin, sample.image))
            if known is not None and not known.is_of(looked[index].sha256):
                problems.add(f"photographs that are others since `{table}` was written", sample.image, AGAIN)
        problems.raise_any("the audit cannot be used")


@dataclass(frozen=True, slots=True)
class audit:
    """Leaves out the photographs that have one of `flags` in the table that `retdsl audit` wrote.

    path: of that table, relative to root. Of photographs that are one, `duplicate` leaves out all but the first by
    name.
    """

    path: str
    flags: tuple[str, ...]

    def apply(self, root: Path, samples: Sequence[Sample], classes: Sequence[str], read: Read) -> Exclusion:
        """What stays. read: gives a photograph as its source has it.

        Raises RunError, with all that is wrong, if the table is not there, is none, or is of other photographs, and if
        nothing of a class stays.
        """
        table = root / self.path
        audited = read_table(table, self.path, root)
        unseen = tuple(s.image for s in samples if (s.origin, s.image) not in audited)
        if samples and len(unseen) == len(samples):
            items = [f"the study has {samples[0].image}, the table {next(iter(audited), (0, 'nothing'))[1]}"]
            raise RunError(f"`{self.path}` is of another collection", where=table, help=AGAIN, items=items)
        kept: list[Sample] = []
        counts: Counter[str] = Counter(dict.fromkeys(self.flags, 0))
        problems = Problems()
        gone: dict[int, Counter[str]] = {}
        for sample in samples:
            known = audited.get((sample.origin, sample.image))
            flags = [flag for flag in self.flags if known is not None and flag in known.flags]
            if known is None or not flags:
                kept.append(sample)
                continue
            counts.update(flags)
            gone.setdefault(sample.label, Counter()).update(flags)
            if known.label != classes[sample.label] and ABOUT_LABELS & {*flags}:
                case = f"{sample.image}: `{known.label}`, now `{classes[sample.label]}`"
                problems.add("labels that have changed since the audit", case, AGAIN)
            elif not known.is_of(_digest(root, sample, read)):
                problems.add("photographs that have changed since the audit", sample.image, AGAIN)
        for label in sorted(gone.keys() - {sample.label for sample in kept}):
            flags_of_class = ", ".join(f"{count} {flag}" for flag, count in gone[label].most_common())
            problems.add(
                "classes of which every photograph is left out",
                f"`{classes[label]}`: {flags_of_class}",
                "leave out fewer flags, or add photographs",
            )
        problems.raise_any(f"`{self.path}` cannot be used", table)
        return Exclusion(tuple(kept), audited, counts, len(samples) - len(kept), unseen)


def read_table(table: Path, name: str, root: Path) -> dict[tuple[int, str], Audited]:
    """The table of an audit, by origin and image. Raises RunError if it is none."""
    if not table.exists():
        helps = (*near_files(table, root), "`retdsl audit` writes it")
        raise RunError(f"there is no file `{name}`", where=table, help=helps)
    try:
        text = read_file(table).decode("utf-8-sig", "surrogateescape")
        reader = csv_format.DictReader(io.StringIO(text, newline=""), restval="", strict=True)
        header, rows = reader.fieldnames or (), list(reader)
    except csv_format.Error as error:
        raise RunError(f"`{name}` is no readable table: {error}", where=table, help=AGAIN) from None
    problems = Problems()
    for column in NEEDED:
        if column not in header:
            problems.add("columns that an audit's table has", f"`{column}`{did_you_mean(column, header)}", AGAIN)
    problems.raise_any(f"`{name}` is no table of an audit", table)
    return {
        (_origin(row.get("origin", "")), row["image"]): Audited(
            row["label"], tuple(row["flags"].split()), row["sha256"]
        )
        for row in rows
    }


def _origin(cell: str) -> int:
    """The place of a photograph's source; where the table has none, there is one source."""
    return int(cell) if re.fullmatch("-?[0-9]{1,9}", cell) else 0


def _digest(root: Path, sample: Sample, read: Read) -> str:
    try:
        return sha256_of_photograph(read(root, sample))
    except RunError:
        return ""

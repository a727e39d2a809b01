"""What the frozen part makes of photographs, computed once for every variant of each, in this run and in later ones.

Enters: what an epoch asks for. Leaves: its batches behind the frozen part. Guaranteed: the numbers are those that the
frozen part gives, to the last bit, wherever they come from: its rows do not depend on their neighbours (a test looks at
that for each engine), and it always takes batches of one size.

The order of an epoch is known at its start. Those of its images that nobody knows pass the frozen part in full batches,
in the order in which they are wanted, made ahead of time by threads. An image that never comes again, because something
continuous was drawn for it, passes and is not kept. Where images of a batch are blended, batches come as they are, and
pass the frozen part while the network is trained.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from typing import Any, TypeAlias

import numpy as np

from retdsl.runtime.feature_cache import FeatureCache, Row, Rows, features, processor
from retdsl.runtime.frozen_part import BehindFrozen, FrozenPart
from retdsl.runtime.loader import Asked, Batch, Part, Turn, indices_of
from retdsl.runtime.mx import mx
from retdsl.runtime.network_input import normalize
from retdsl.runtime.workers import Workers

COMPUTATION = 1
"""Goes up whenever images that are the same give other features than before."""

MOST = 4 * 2**30
"""Bytes of features of all photographs, each in one variant, above which none are kept: they would take longer to read
than it takes to compute them.
"""

Name: TypeAlias = bytes | Turn
"""What a row is known by: the key of an image that comes again, or the one turn of an image that does not."""


@dataclass
class Counts:
    """How many different rows a process found kept already, and how many it computed, in all phases."""

    found: int = 0
    computed: int = 0

    def of_all(self, workers: Workers) -> dict[str, int]:
        """Those of all workers together, by name."""
        found = workers.joined({name: np.array([count]) for name, count in asdict(self).items()})
        return {name: int(counts.sum()) for name, counts in found.items()}


class FeatureFeed:
    """Batches behind the frozen part of one phase.

    frozen: that part; rows: where features are kept; None where they are not; pixels: the digest of each prepared
    photograph, by index; counts: those of the phases before, to be gone on with.
    """

    def __init__(
        self, frozen: FrozenPart, rows: Rows | None, pixels: Mapping[int, bytes], counts: Counts | None = None
    ) -> None:
        self.rows = rows
        self.counts = counts or Counts()
        self._frozen = frozen
        self._pixels = pixels
        self._known: set[bytes] = set()

    def of(self, asked: Asked) -> Iterator[Batch | BehindFrozen]:
        """The batches of an epoch, in its order."""
        if self.rows is None or asked.mixes:
            yield from asked
            return
        named = [[self._name(turn, asked) for turn in part] for part in asked.parts]
        missing = self._missing(asked.parts, named)
        if self.counts.found and not missing:
            self._frozen.spared(lambda: self._first(asked).images)
        if missing and all(name in missing and not isinstance(name, bytes) for names in named for name in names):
            yield from asked
            return
        passing: dict[Name, Row] = {}
        with closing(self._pass(asked, missing)) as passed:
            for number, (part, names) in enumerate(zip(asked.parts, named, strict=True)):
                while not missing.keys().isdisjoint(names):
                    for name, row in next(passed):
                        del missing[name]
                        if not (isinstance(name, bytes) and self._keep(name, row)):
                            passing[name] = row
                rows = [passing.pop(name, None) or self._find(name) for name in names]
                taken = None if asked.rows is None else asked.rows[number]
                yield replace(self._behind(part, rows, asked), rows=taken)

    def facts(self, policy: features | None, workers: Workers) -> dict[str, Any] | None:
        """What lock.json says of it; None where nothing was kept. To be asked by all workers."""
        if self.rows is None or policy is None:
            return None
        folder = self.rows.cache.folder
        return {
            "folder": None if folder is None else str(folder),
            "engine": self._frozen.engine,
            "draws": policy.draws,
            **self.counts.of_all(workers),
        }

    def notes(self) -> Iterator[str]:
        """What went wrong with what is kept, for people."""
        if self.rows is not None:
            yield from self.rows.cache.trouble
            if self.rows.damaged:
                yield f"{self.rows.damaged} features in the cache were damaged, and have been computed anew"

    def _missing(self, parts: Sequence[Part], named: Sequence[Sequence[Name]]) -> dict[Name, Turn]:
        """What nobody knows, once each, in the order in which it is wanted, with a turn that shows it."""
        missing: dict[Name, Turn] = {}
        for part, names in zip(parts, named, strict=True):
            for turn, name in zip(part, names, strict=True):
                if name in missing:
                    continue
                if not self._knows(name):
                    missing[name] = turn
                elif name not in self._known:
                    self.counts.found += 1
                if isinstance(name, bytes):
                    self._known.add(name)
        return missing

    def _pass(self, asked: Asked, missing: Mapping[Name, Turn]) -> Generator[list[tuple[Name, Row]], None, None]:
        """What the frozen part makes of these, one full batch after the other."""
        names = list(missing)
        size = self._frozen.batch
        chunks = [names[start : start + size] for start in range(0, len(names), size)]
        for chunk, batch in zip(chunks, asked.made([missing[name] for name in chunk] for chunk in chunks), strict=True):
            outputs = [output.asnumpy() for output in self._frozen(batch.images)]
            self.counts.computed += len(chunk)
            yield [(name, tuple(output[at] for output in outputs)) for at, name in enumerate(chunk)]

    def _first(self, asked: Asked) -> Batch:
        """The first images that are asked for, each once: those that would pass first if nothing were known."""
        turns = dict.fromkeys(turn for part in asked.parts for turn in part)
        return next(asked.made([list(turns)[: self._frozen.batch]]))

    def _behind(self, part: Part, rows: Sequence[Row | None], asked: Asked) -> BehindFrozen:
        def photographs() -> Batch:
            return next(asked.made([part]))

        images: list[Any] = []  # of a batch in which this worker has no row
        if None in rows:  # there was no room for a row that is wanted once more
            images = [array.copy() for array in self._frozen(photographs().images)]
        elif rows:
            images = [mx.nd.array(values, ctx=self._frozen.where) for values in self._full(rows)]
        return BehindFrozen(images, asked.labels(part), indices_of(part), photographs)

    def _full(self, rows: Sequence[Any]) -> Iterable[Any]:
        """Rows as arrays [batch, ...]."""
        for column, shape in zip(zip(*rows, strict=True), self._frozen.cuts.values(), strict=True):
            values = np.zeros((self._frozen.batch, *shape), np.float32)
            np.stack(column, out=values[: len(rows)])
            yield values

    def _keep(self, name: bytes, row: Row) -> bool:
        assert self.rows is not None
        if self._frozen.is_as_identified:
            self.rows.keep(name, row)
        return self._knows(name)

    def _knows(self, name: Name) -> bool:
        assert self.rows is not None
        return isinstance(name, bytes) and self.rows.knows(name)

    def _find(self, name: Name) -> Row | None:
        assert self.rows is not None
        return self.rows.find(name) if isinstance(name, bytes) else None

    def _name(self, turn: Turn, asked: Asked) -> Name:
        height, width = self._frozen.shape[1:]
        variant = asked.variant(turn, (height, width))
        if variant is None:
            return turn
        return blake2b(self._pixels[turn[0]] + variant, digest_size=32).digest()


def feature_rows(
    frozen: FrozenPart,
    last: normalize | None,
    policy: features | None,
    photographs: int,
    *,
    lasts: bool = True,
) -> Rows | None:
    """Where the features of a frozen part are kept; None where they are not.

    last: what is done to prepared photographs before they enter; photographs: how many there are; lasts: False to leave
    the user's cache alone.
    """
    size = frozen.bytes
    if policy is None or size is None or size * photographs > MOST:
        return None
    shapes = ", ".join(f"{name} {list(shape)}" for name, shape in frozen.cuts.items())
    about = (f"{shapes}, by {frozen.engine}", COMPUTATION, frozen.identity(), _told(last), processor())
    return Rows(FeatureCache("\n".join(map(str, about)), lasts=lasts), frozen.cuts)


def _told(last: normalize | None) -> str:
    """The last step with all its numbers."""
    if last is None:
        return "none"
    mean = None if last.mean is None else blake2b(np.asarray(last.mean, np.float64).tobytes()).hexdigest()
    return repr((mean, last.mean_image, tuple(last.std), last.scale))

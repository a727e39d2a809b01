"""The workers of a job: what `Workers` promises, by MXNet's `dist_sync` store and the line to the foreman.

Enters: arrays of one worker. Leaves: sums and rows of all. Guaranteed: all workers leave with the same numbers, to the
bit: a server adds up what all have pushed, and all pull that one sum.

Gradients go through MXNet's store as they are computed: its engine pushes each as soon as the backward pass has written
it, while the layers before it are still at work. The store only adds; each worker takes the same step by itself, so
that every one could go on from what it has.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.job_line import bundled, packed, unbundled, unpacked
from retdsl.runtime.member import Member
from retdsl.runtime.workers import Workers


class Together(Workers):
    """One worker among several. member: its place in the job, which it has taken."""

    def __init__(self, member: Member) -> None:
        self.rank = member.place.rank
        self.count = member.place.workers
        self.servers = member.place.servers
        self.beside = member.place.local
        self._member = member
        self._store: Any = None
        self._keys: set[str] = set()

    def sum(self, arrays: Mapping[str, Any]) -> None:
        self._pass_through(arrays, arrays)
        self._member.moved()

    def broadcast(self, arrays: Mapping[str, Any]) -> None:
        from retdsl.runtime.mx import mx

        own = arrays if self.rank == 0 else {name: mx.nd.zeros_like(array) for name, array in arrays.items()}
        self._pass_through(own, arrays)

    def joined(self, columns: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        answers = [unbundled(body) for body in self._member.exchange(bundled([*map(packed, columns.values())]))]
        columns_of = zip(*([unpacked(part) for part in answer] for answer in answers), strict=True)
        return {name: _stacked(parts) for name, parts in zip(columns, columns_of, strict=True)}

    def fail(self, code: int, text: str) -> NoReturn:
        self._member.fail(code, text)

    def on_end(self, then: Callable[[], None]) -> None:
        self._member.on_end = then

    def leave(self) -> None:
        self._member.done()
        os._exit(0)

    def _pass_through(self, given: Mapping[str, Any], out: Mapping[str, Any]) -> None:
        """Sums up what all workers give; returns at once, MXNet's engine waits."""
        store = self._open()
        for name in given:
            if name not in self._keys:
                store.init(name, given[name])
                self._keys.add(name)
        for place, name in enumerate(given):
            store.push(name, given[name], priority=-place)
            store.pull(name, out[name], priority=-place)

    def _open(self) -> Any:
        if self._store is None:
            from retdsl.runtime.mx import mx

            self._store = mx.kv.create("dist_sync")
        return self._store


def _stacked(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """One behind the other; who has no row may not know how wide they are."""
    return np.concatenate([part for part in parts if len(part)] or parts[:1])

"""One engine for all workers of a job: what computes for one of them computes for all.

Enters: what each worker could compute with, or why it cannot. Leaves: why not all of them can. Guaranteed: all workers
leave with the same answer, so that no result hangs on which of them has what.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from retdsl.runtime.same_everywhere import HOST, seen_by_all
from retdsl.runtime.workers import Workers

ENGINE, WHY = "engine", "why"


def why_not_all(workers: Workers, engine: str | None, why: str) -> tuple[str, bool]:
    """Why the workers do not compute with an engine, empty if they do; and whether any of them could have.

    engine: what this one would compute with, with its version, None where it has none; why: it must not, empty if it
    may. To be asked by all of them at the same point.
    """
    seen = seen_by_all(workers, {ENGINE: engine, WHY: why})
    return _reason(seen), any(one[ENGINE] is not None for one in seen)


def _reason(seen: Sequence[Mapping[str, Any]]) -> str:
    first = seen[0]
    if len(reasons := {one[WHY] for one in seen}) == 1 and "" not in reasons:
        return str(first[WHY])
    for rank, one in enumerate(seen):
        if one[WHY]:
            return f"worker {rank} on {one[HOST]}: {one[WHY]}"
        if one[ENGINE] != first[ENGINE]:
            return f"worker {rank} on {one[HOST]} has {one[ENGINE]}, worker 0 on {first[HOST]} has {first[ENGINE]}"
    return ""

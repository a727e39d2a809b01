"""Whether all workers of a job train the same network on the same photographs.

Enters: what each of them sees. Leaves: the machines that they are on, or a `RunError` that says who sees something
else. Guaranteed: nothing trains where two workers do not see the same: their gradients would be of two studies.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from retdsl.runtime.errors import RunError
from retdsl.runtime.place import own_host
from retdsl.runtime.workers import Workers

HOST = "host"


def require_same_everywhere(workers: Workers, facts: Mapping[str, object]) -> list[str]:
    """The machine of each worker. facts: what must be the same, by what it is called in messages."""
    seen = seen_by_all(workers, facts)
    if items := list(_differences(seen)):
        help = "copy program and photographs anew, or let all machines read the same files"
        raise RunError("the workers do not see the same", items=items, help=help)
    return [str(one[HOST]) for one in seen]


def seen_by_all(workers: Workers, facts: Mapping[str, object]) -> list[Mapping[str, Any]]:
    """The facts of each worker, with its machine as `HOST`. facts: of this one, as JSON can have them."""
    text = np.frombuffer(json.dumps({HOST: own_host(), **facts}).encode(), np.uint8)
    found = workers.joined({"text": text, "length": np.array([len(text)])})
    ends = np.cumsum(found["length"])
    return [json.loads(part.tobytes()) for part in np.split(found["text"], ends[:-1])]


def _differences(seen: Sequence[Mapping[str, object]]) -> list[str]:
    first = seen[0]
    return [
        f"{what}: worker {rank} on {one[HOST]} has {one[what]}, worker 0 on {first[HOST]} has {first[what]}"
        for rank, one in enumerate(seen)
        for what in first
        if what != HOST and one[what] != first[what]
    ]

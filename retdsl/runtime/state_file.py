"""A state on the disk: all that a training remembers at one moment, in one file that checks itself.

Enters: where a training stands, and arrays by owner and name. Leaves: the parts of a file, and the same back from it.
Guaranteed: a file of which one bit is another, or that is not whole, is never taken for a state; neither is one that
another version of this format wrote. The layout:

    retdsl state 1\\n                      the format and its version
    the SHA-256 of all that follows\\n     64 hexadecimal digits
    {"epoch": 3, ..., "arrays": [[owner, name, type, shape], ...]}\\n
    the numbers of each array, one after another, little-endian
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.files import write_parts

FORMAT = b"retdsl state "
VERSION = 1

Arrays: TypeAlias = Mapping[str, NDArray[Any]]


class BadState(Exception):
    """A file that cannot be taken for a state; says why."""


@dataclass(frozen=True)
class Position:
    """Where a training stands: before a batch of an epoch. epoch: from 1, and one more than there are when all are
    done; batch: from 0; batches: how many there were in all.
    """

    epoch: int = 1
    batch: int = 0
    batches: int = 0

    def __str__(self) -> str:
        """After what: `epoch 3`, `batch 200 of epoch 4`, `nothing`."""
        if self.batch:
            return f"batch {self.batch} of epoch {self.epoch}"
        return f"epoch {self.epoch - 1}" if self.epoch > 1 else "nothing"


@dataclass(frozen=True)
class State:
    """files: the SHA-256 of every checkpoint file that belongs to it, by name; owners: what each owner remembers."""

    at: Position
    files: Mapping[str, str]
    owners: Mapping[str, Arrays]


def write_state(path: Path, state: State) -> None:
    """Makes `path` hold the state. Raises RunError when the system refuses."""
    write_parts(path, state_parts(state))


def state_parts(state: State) -> list[bytes | memoryview]:
    """A file of the state, in parts."""
    arrays = [
        (owner, name, np.asarray(value, _type(value.dtype), order="C"))
        for owner, values in state.owners.items()
        for name, value in values.items()
    ]
    at = state.at
    head = {
        "epoch": at.epoch,
        "batch": at.batch,
        "batches": at.batches,
        "files": dict(state.files),
        "owners": list(state.owners),
        "arrays": [[owner, name, value.dtype.str, list(value.shape)] for owner, name, value in arrays],
    }
    body: list[bytes | memoryview] = [json.dumps(head).encode() + b"\n"]
    body += [value.data.cast("B") if value.ndim and value.size else value.tobytes() for _, _, value in arrays]
    digest = sha256()
    for part in body:
        digest.update(part)
    return [b"%s%d\n%s\n" % (FORMAT, VERSION, digest.hexdigest().encode()), *body]


def read_state(path: Path) -> State:
    """The state in a file. Raises BadState."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadState(error.strerror or str(error)) from None
    return state_of(content)


def state_of(content: bytes) -> State:
    """The state that a file holds. Raises BadState."""
    first, _, rest = content.partition(b"\n")
    if not first.startswith(FORMAT):
        raise BadState("it is damaged")
    if first[len(FORMAT) :] != b"%d" % VERSION:
        raise BadState("another version of retdsl wrote it, or it is damaged")
    said, _, body = rest.partition(b"\n")
    if said != sha256(body).hexdigest().encode():
        raise BadState("it is damaged")
    # From here on it is what we once wrote, to the last bit.
    end = body.index(b"\n") + 1
    head = json.loads(body[:end])
    owners: dict[str, dict[str, NDArray[Any]]] = {owner: {} for owner in head["owners"]}
    for owner, name, kind, shape in head["arrays"]:
        count, dtype = math.prod(shape), np.dtype(kind)
        owners[owner][name] = np.frombuffer(body, dtype, count, end).reshape(shape).copy()
        end += count * dtype.itemsize
    return State(Position(head["epoch"], head["batch"], head["batches"]), head["files"], owners)


def _type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return dtype.newbyteorder("<")

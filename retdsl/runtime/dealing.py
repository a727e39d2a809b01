"""Which worker takes which photographs of a joined batch.

Enters: the patients of a data set, and the batches of an epoch, which are the same for any number of workers. Leaves:
the rows of each batch that a worker takes. Guaranteed: every row is taken once; no worker takes more than one row more
than another.

Patients are dealt out once, so that a worker mostly needs the photographs of its own. A batch is what the sampling
drew, whoever is in it: where it holds more of a worker's patients than are its share, others take what is too much.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.errors import RunError

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Deal:
    """owners: the worker of each photograph [n], by its place in the data set; rank: whose rows are taken."""

    owners: Numbers
    rank: int
    count: int

    def rows(self, indices: Numbers) -> Numbers:
        """The rows of a batch that this worker takes, in order. indices: of its photographs."""
        return dealt(self.owners[indices], self.count)[self.rank]

    def most(self, batch: int) -> int:
        """How many rows of a batch of so many a worker takes at most."""
        return -(-batch // self.count)


def require_rows_for_all(batch: int, workers: int) -> None:
    """Raises RunError if some workers would never have an image of a batch to learn from."""
    if workers > batch:
        raise RunError(
            f"{workers} workers would share a batch of {batch}: some would have nothing to do",
            help="`batch` is that of all workers together: take fewer workers, or a larger batch",
        )


def owners_of(patients: Numbers, count: int) -> Numbers:
    """The worker that each photograph [n] belongs to. patients: the patient of each, numbered; all photographs of one
    belong to one. Patients with many are dealt first, each to whoever has fewest photographs so far.
    """
    _, patient, sizes = np.unique(patients, return_inverse=True, return_counts=True)
    has = np.zeros(count, np.int64)
    owner = np.zeros(len(sizes), np.int64)
    for one in np.argsort(-sizes, kind="stable"):
        owner[one] = has.argmin()
        has[owner[one]] += sizes[one]
    found: Numbers = owner[patient.ravel()]
    return found


def dealt(owners: Numbers, count: int) -> list[Numbers]:
    """The rows that each worker takes of a batch whose rows have these owners [n]."""
    own = [np.flatnonzero(owners == rank) for rank in range(count)]
    least, more = divmod(len(owners), count)
    # One row more goes to those who have most of them anyway.
    eager = np.argsort([-len(rows) for rows in own], kind="stable")[:more]
    room = [least + (rank in eager) for rank in range(count)]
    spare = np.sort(np.concatenate([rows[place:] for rows, place in zip(own, room, strict=True)]))
    taken = []
    for rows, place in zip(own, room, strict=True):
        mine = rows[:place]
        missing = place - len(mine)
        taken.append(np.sort(np.concatenate([mine, spare[:missing]])).astype(np.int64))
        spare = spare[missing:]
    return taken

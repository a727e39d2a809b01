"""One labelled photograph, as every source of photographs lists it.

Enters: nothing. Leaves: `Sample`, the record that sources make, that the split divides and that the loader reads.
It stands in a module of its own so that sources and data sets can share it without importing one another.
"""

from __future__ import annotations

from typing import NamedTuple


class Sample(NamedTuple):
    """One photograph of one eye.

    image: where its source finds it: a path relative to the root of the source, or a name such as `synthetic/00012`.
    label: its class, as a position in the experiment's `classes`.
    patient: whose eye it is; photographs of one patient never stand on both sides of a split.
    side: the side of the split that its source puts it on, in the source's own word; None where it says nothing.
    target: how far it belongs to each class, in the order of `classes`, where `label` does not say it all: graders who
    disagree, several findings at once. Of findings, `label` is the last.
    origin: the place of its source among several that are joined; negative in an external test set (see `test_set`).
    """

    image: str
    label: int
    patient: str
    side: str | None = None
    target: tuple[float, ...] | None = None
    origin: int = 0

    @property
    def classes(self) -> tuple[int, ...]:
        """Every class that it shows: its label, or all of its findings."""
        return (self.label,) if self.target is None else shown(self.label, self.target)


def shown(label: int, target: tuple[float, ...]) -> tuple[int, ...]:
    """The positions of all findings in a target; of graders who disagree, that of the label alone."""
    return tuple(position for position, share in enumerate(target) if share == 1) or (label,)

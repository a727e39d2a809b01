"""Name tables of networks: a row a layer, with the zoo's name for it and each library's.

A table is written in the order in which the network computes, so that libraries that number their layers can be
followed with a counter. Which tensors a layer has, and what its library calls them, is said once a library, in its
`Column`; so `layer1.0.bn1.running_var` of torchvision is known as `stage1_unit1_bn1_moving_var` because the table says
that `layer1.0.bn1` is the batch normalisation `stage1_unit1_bn1`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal, NamedTuple, TypeAlias


class Column(NamedTuple):
    """How one library names the tensors of a layer.

    origin: whose names they are; separator: between the layer and its tensor; norm: its names for the tensors of a
    batch normalisation with MXNet's, None for one that no network needs; unused: how names begin that belong to parts
    of the network that the zoo does not have.
    """

    origin: str
    separator: str
    norm: Mapping[str, str | None]
    unused: tuple[str, ...] = ()


class Row(NamedTuple):
    """A layer: the zoo's name for it, what tensors it has, and its name in each of the table's columns."""

    ours: str
    kind: Literal["conv", "biased", "norm"]
    theirs: tuple[str, ...]


class Table(NamedTuple):
    """The layers of one network under the names of some libraries."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


Layout: TypeAlias = Mapping[str, Callable[[], Table]]
"""The networks of a family by their names in the zoo, each with a function that makes its table."""

_TORCH = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_var"}
_GLUON = {"gamma": "gamma", "beta": "beta", "running_mean": "moving_mean", "running_var": "moving_var"}
_MXNET = {name: name for name in _TORCH.values()}

TORCHVISION = Column("torchvision", ".", {**_TORCH, "num_batches_tracked": None})
"""torchvision's names, which timm shares for some families."""

TIMM = TORCHVISION._replace(origin="timm")

GLUON = Column("Gluon", ".", _GLUON)
"""The names by structure that `save_parameters` of MXNet's Gluon writes."""

GLUON_PREFIXED = Column("Gluon", "_", _GLUON)
"""Gluon's names by prefix and number: in symbols and exports, and in the files of its former `save_params`."""

OWN = Column("retdsl", "_", _MXNET)
"""The zoo's own names, as MXNet saves them."""


def conv(ours: str, *theirs: str) -> Row:
    """A convolution without bias."""
    return Row(ours, "conv", theirs)


def biased(ours: str, *theirs: str) -> Row:
    """A convolution or a fully connected layer with bias."""
    return Row(ours, "biased", theirs)


def norm(ours: str, *theirs: str) -> Row:
    """A batch normalisation."""
    return Row(ours, "norm", theirs)


class Numbers:
    """Numbers layers as Gluon does: by kind, from 0, anew in each scope."""

    def __init__(self) -> None:
        self._next: Counter[str] = Counter()

    def __call__(self, kind: str, scope: str = "") -> str:
        name = scope + kind
        self._next[name] += 1
        return f"{name}{self._next[name] - 1}"


def named_tensors(table: Table, at: int | None, rows: Iterable[Row] | None = None) -> Iterator[tuple[str, str | None]]:
    """Each tensor's name in a column of the table (None: `OWN`), with the zoo's: None if no network needs it.

    rows: those that are asked for, None for all.
    """
    column = column_of(table, at)
    plain = {"conv": {"weight": "weight"}, "biased": {"weight": "weight", "bias": "bias"}}
    for row in table.rows if rows is None else rows:
        layer = row.ours if at is None else row.theirs[at]
        for theirs, ours in plain.get(row.kind, column.norm).items():
            yield f"{layer}{column.separator}{theirs}", None if ours is None else f"{row.ours}_{ours}"


def ends_of(table: Table, at: int | None) -> tuple[str, str]:
    """The names of the first and of the last tensor of the network in a column of the table."""
    ends = [name for name, _ in named_tensors(table, at, (table.rows[0], table.rows[-1]))]
    return ends[0], ends[-1]


def column_of(table: Table, at: int | None) -> Column:
    return OWN if at is None else table.columns[at]


def table(columns: tuple[Column, ...], rows: Callable[..., Iterable[Row]], *of: object) -> Callable[[], Table]:
    """A function that makes the table of `rows(*of)` when it is needed."""
    return lambda: Table(columns, tuple(rows(*of)))

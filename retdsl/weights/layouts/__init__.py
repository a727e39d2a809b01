"""Which tensor of a weights file is which parameter of a network.

Enters: a layout, which is a family of the zoo (`resnet`, the name of its file), and the names and shapes of a file's
tensors. Leaves: the network's parameters by the names that they have there. The names are those of torchvision, timm
or Gluon, or the network's own; `tables` says how they are written down, and a module a family has them. Nothing is
matched by its place in the file: a name that stands in no table is unknown. Without a layout, as for a checkpoint or a
block, names are the network's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from retdsl.weights.layouts.densenet import DENSENET
from retdsl.weights.layouts.efficientnet import EFFICIENTNET_LITE
from retdsl.weights.layouts.inception import INCEPTION_V3
from retdsl.weights.layouts.mobilenet import EFFICIENTNET_LITE_TIMM, MOBILENET_V1, MOBILENET_V2
from retdsl.weights.layouts.resnet import RESNET, RESNET_V1, RESNET_V2
from retdsl.weights.layouts.squeezenet import SQUEEZENET
from retdsl.weights.layouts.tables import Layout, Table, column_of, named_tensors
from retdsl.weights.layouts.vgg import VGG
from retdsl.weights.model import Sizes

Shape = tuple[int | None, ...]

LAYOUTS: Mapping[str, Layout] = {
    "densenet": DENSENET,
    "efficientnet_lite": EFFICIENTNET_LITE,
    "efficientnet_lite_timm": EFFICIENTNET_LITE_TIMM,
    "inception_v3": INCEPTION_V3,
    "mobilenet_v1": MOBILENET_V1,
    "mobilenet_v2": MOBILENET_V2,
    "resnet": RESNET,
    "resnet_v1": RESNET_V1,
    "resnet_v2": RESNET_V2,
    "squeezenet": SQUEEZENET,
    "vgg": VGG,
}
"""The families whose layers have other names elsewhere."""


class Renamed(NamedTuple):
    """A file's tensors by what they are in a network.

    names: the network's parameters, each with the file's name for it; unused: tensors that such files have and no
    network needs; unknown: those that the layout has no place for. origin: whose names they are (`torchvision`, which
    timm shares for some families, `timm`, `Gluon`, ...), None for the network's own.
    """

    names: Mapping[str, str]
    unused: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    origin: str | None = None


class Recognised(NamedTuple):
    """A network of the zoo whose tensors a file has, all of them and nothing else, but perhaps without the last layer.

    layout: its family; origin: as in `Renamed`.
    """

    network: str
    layout: str
    origin: str | None


def rename(layout: str | None, shapes: Mapping[str, Sizes]) -> Renamed:
    """The tensors of a file, given by name and shape, under the names of a network of this layout.

    The networks of the family and the libraries are told apart by the names alone: what counts is under whose names
    most tensors are known, and then which network has the fewest others.
    """
    plain = _plain_names(shapes)
    family = LAYOUTS.get(layout or "")
    if family is None:
        return Renamed(plain)
    best = max(_read_in_turn(family, plain), key=lambda read: (read.known, -len(read.missing)))
    return best.renamed if best.known else Renamed({}, unknown=tuple(shapes))


def fits(stored: Sizes, wanted: Shape | None) -> bool:
    """Whether numbers of the shape `stored` can be a parameter of the shape `wanted` (None: of any).

    A fully connected layer's `[n, c * h * w]` may be stored as the convolution `[n, c, h, w]` that does the same.
    """
    if wanted is None or stored == wanted:
        return True
    flat = (*stored[:1], _product(stored[1:]))
    return len(wanted) == 2 and flat == wanted


def misfits(
    needed: Mapping[str, Shape | None], renamed: Renamed, shapes: Mapping[str, Sizes], whole: bool = False
) -> list[str]:
    """What is wrong with the file for a network that needs these parameters: a line for each missing or misshapen.

    whole: whether `needed` is all that the network has, before any cut; then what it does not need is wrong as well.
    """
    problems = []
    for name, wanted in needed.items():
        stored = renamed.names.get(name)
        if stored is None:
            problems.append(f"{name}: missing" + ("" if wanted is None else f", the network needs {list(wanted)}"))
        elif not fits(shapes[stored], wanted):
            called = name if stored == name else f"{name} ({stored})"
            problems.append(f"{called}: {list(shapes[stored])} in the file, the network needs {list(wanted or ())}")
    if whole:
        extra = [stored for name, stored in renamed.names.items() if name not in needed]
        problems += [f"{stored}: the network has no such parameter" for stored in (*extra, *renamed.unknown)]
    return problems


def recognise(
    shapes: Mapping[str, Sizes], parameters: Mapping[str, Mapping[str, Shape | None]] | None = None
) -> list[Recognised]:
    """The networks of the zoo that a file may be meant for, judged by the names of its tensors.

    parameters: what networks need, by name of the network; of those given, only those are named whose shapes fit, too.
    """
    plain = _plain_names(shapes)
    found = []
    for layout, family in LAYOUTS.items():
        for read in _read_in_turn(family, plain):
            if read.complete and not read.renamed.unknown:
                needed = (parameters or {}).get(read.network, {})
                held = {name: shape for name, shape in needed.items() if name in read.renamed.names}
                if not misfits(held, read.renamed, shapes):
                    found.append(Recognised(read.network, layout, read.renamed.origin))
    return found


def describe(found: list[Recognised]) -> str | None:
    """What a file looks like, in words: `torchvision's resnet50`; None if like nothing that is known."""
    whose: dict[str | None, list[str]] = {}
    for network, _, origin in found:
        names = whose.setdefault(origin, [])
        names += [] if f"`{network}`" in names else [f"`{network}`"]
    said = [
        " or ".join(names) if origin is None else f"{origin}'s {' or '.join(names)}" for origin, names in whose.items()
    ]
    return " or ".join(said) or None


class _Read(NamedTuple):
    """A file's names read as those of one network in one library. missing: parameters that are not there."""

    network: str
    renamed: Renamed
    missing: tuple[str, ...]
    last: str

    @property
    def known(self) -> int:
        return len(self.renamed.names) + len(self.renamed.unused)

    @property
    def complete(self) -> bool:
        """Whether all is there, but perhaps the layer that gives the scores."""
        return all(name.rpartition("_")[0] == self.last for name in self.missing)


def _read_in_turn(family: Layout, plain: Mapping[str, str]) -> Iterator[_Read]:
    """The file as each network of the family, under the names of each library and under its own."""
    for network, made in family.items():
        table = made()
        for at in (None, *range(len(table.columns))):
            yield _read(network, table, at, plain)


def _read(network: str, table: Table, at: int | None, plain: Mapping[str, str]) -> _Read:
    column, expected = column_of(table, at), dict(named_tensors(table, at))
    prefix = "" if at is None else _prefix(plain, next(iter(expected)), column.separator)
    names: dict[str, str] = {}
    unused, unknown = [], []
    for name, stored in plain.items():
        theirs = name[len(prefix) :] if name.startswith(prefix) else ""
        ours = expected.get(theirs)
        if ours is not None:
            names[ours] = stored
        elif theirs in expected or theirs.startswith(column.unused):
            unused.append(stored)
        else:
            unknown.append(stored)
    missing = tuple(ours for ours in expected.values() if ours is not None and ours not in names)
    renamed = Renamed(names, tuple(unused), tuple(unknown), None if at is None else column.origin)
    return _Read(network, renamed, missing, table.rows[-1].ours)


def _prefix(names: Mapping[str, str], first: str, separator: str) -> str:
    """What stands before all names of a file: `resnetv10_` in Gluon's, `module.` in those of a parallel model.

    It is what stands before the first tensor of the network. Others may end in the same words, but longer ones.
    """
    found = [name.removesuffix(first) for name in names if name.endswith(first)]
    return min((prefix for prefix in found if not prefix or prefix.endswith(separator)), key=len, default="")


def _plain_names(shapes: Mapping[str, Sizes]) -> dict[str, str]:
    """The file's names by what is left of them without MXNet's `arg:` and `aux:`."""
    plain: dict[str, str] = {}
    for name in shapes:
        short = name.removeprefix("arg:").removeprefix("aux:")
        plain[name if short in plain else short] = name
    return plain


def _product(sizes: Sizes) -> int:
    product = 1
    for size in sizes:
        product *= size
    return product

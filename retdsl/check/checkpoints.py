"""MXNet checkpoints as backbones: the network in `PREFIX-symbol.json`, the parameters in `PREFIX-0039.params`."""

from __future__ import annotations

from pathlib import Path

from retdsl.check.files import is_file
from retdsl.check.graph import Wire
from retdsl.check.options import place_of
from retdsl.diagnostics import Diagnostics, Label
from retdsl.ir import Call, Node, Shape
from retdsl.records import dataclass
from retdsl.source import Span


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The network of a checkpoint, and how its parameters are loaded."""

    nodes: tuple[Node, ...]
    output: Wire
    load: Call


def read_checkpoint(
    source: Call, at: Span, shape: Shape, root: Path, out: Diagnostics, *, needed: bool
) -> Checkpoint | None:
    """The checkpoint that `source` names, for an input of `shape`; None after a mistake, or where it is not at hand.

    needed: whether a model is built on it, so that missing files are worth a warning.
    """
    prefix, epoch = str(source["prefix"]), int(str(source["epoch"]))
    symbol, params = f"{prefix}-symbol.json", f"{prefix}-{epoch:04d}.params"
    missing = [name for name in (symbol, params) if not is_file(root / name)]
    if missing and needed:
        label = Label(at, f"no {' and no '.join(missing)}")
        notes = [f"paths start at {root}"]
        notes += ["what follows from its layers cannot be checked"] if symbol in missing else []
        helps = ["put the files there, or name their folder with `--root DIR`"]
        text = f"the checkpoint `{prefix}` is not here"
        if symbol not in missing:
            text = f"the parameters of the checkpoint `{prefix}` are not here"
        out.report("R801", text, label, notes=notes, helps=helps)
    if symbol in missing:
        return None
    from retdsl.check.imported import BadSymbol, read_symbol

    try:
        nodes, output = read_symbol(root / symbol, shape, place_of(at))
    except BadSymbol as error:
        label = Label(at, "this is its network")
        out.report("R802", f"cannot use {symbol}: {error}", label, helps=error.helps)
        return None
    load = Call("weights_file", (("path", params),))
    return Checkpoint(nodes, Wire(output.name, output.shape), load)

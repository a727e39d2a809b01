"""MXNet checkpoints as backbones: the network in `PREFIX-symbol.json`, the parameters in `PREFIX-0039.params`.

Enters: what `checkpoint(...)` says. Leaves: the network's layers, with the shapes that follow from the file and from
its parameters. Of the params file only the header is read. What no program can hold, and parameters that are missing
or of another shape, are mistakes only of a cut that needs them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from retdsl.check.checkpoint_files import SHOWN, SYMBOL, CheckpointFiles, report_missing
from retdsl.check.fit import does_not_fit, listed
from retdsl.check.fixes import as_written
from retdsl.check.graph import Wire
from retdsl.check.imported import Imported, Stored
from retdsl.check.old_pooling import Rounded, read_rounded
from retdsl.check.options import Given, place_of
from retdsl.check.symbol_file import BadSymbol, SymbolFile, open_symbol
from retdsl.diagnostics import Diagnostics, Label
from retdsl.ir import Node, Parameter, Place, Shape
from retdsl.records import dataclass
from retdsl.source import Span
from retdsl.weights.files import open_weights
from retdsl.weights.layouts import Renamed, fits, misfits, rename
from retdsl.weights.model import BadWeights


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The network of a checkpoint.

    rounded: the network, and what there is to say of its Poolings; at: the call that names it; stored: the shapes in
    the params file by the network's names; None if it is not at hand.
    """

    rounded: Rounded
    files: CheckpointFiles
    at: Span
    stored: Stored | None

    @property
    def network(self) -> Imported:
        return self.rounded.network

    @property
    def output(self) -> Wire:
        """What comes out if it is not cut: what its loss gets, else its last layer."""
        name = self.network.outputs[0] if self.network.outputs else self.network.nodes[-1].name
        return Wire(name, next(node.shape for node in self.network.nodes if node.name == name))

    def report_outputs(self, span: Span, name: str, out: Diagnostics) -> bool:
        """Whether it gives several values, with a message. span: where it is used without a cut."""
        outputs = self.network.outputs
        if len(outputs) < 2:
            return False
        text = f"{self.files.symbol} gives {len(outputs)} values, and a chain starts from one"
        cuts = [f"`{name}[{as_written(output)}]`" for output in outputs[:SHOWN]]
        helps = [f"cut it: {' or '.join(cuts)}"]
        out.report("R802", text, Label(span, "used whole"), Label(self.at, "this is its network"), helps=helps)
        return True

    def report_unusable(self, needed: Sequence[Node], span: Span, out: Diagnostics) -> bool:
        """Whether layers that a cut needs cannot be used, with a message. span: the place of the cut."""
        self._report_pooling(needed, out)
        return self._report_refused(needed, span, out) or self._report_misfits(needed, span, out)

    def _report_pooling(self, needed: Sequence[Node], out: Diagnostics) -> None:
        read = self.rounded
        if not any(node.name in read.concerned for node in needed):
            return
        text = f"the Poolings of {self.files.symbol} {read.said}"
        helps = ["if that is wrong, write `pooling_convention` at the Poolings of the file, as MXNet does today"]
        out.report("R804", text, Label(self.at, read.why), notes=read.notes, helps=helps)

    def _report_refused(self, needed: Sequence[Node], span: Span, out: Diagnostics) -> bool:
        reasons = {node.name: self.network.refused[node.name] for node in needed if node.name in self.network.refused}
        lines = {name: refused.why for name, refused in reasons.items()}
        owners: dict[str, str] = {}
        for node in needed:
            for parameter in node.parameters:
                other = owners.setdefault(parameter.name, node.name)
                if other != node.name:
                    lines.setdefault(node.name, f"it shares `{parameter.name}` with `{other}`, which is not supported")
        if not lines:
            return False
        first = next(iter(lines))
        text = f"cannot use the layer `{first}` of {self.files.symbol}: {lines.pop(first)}"
        notes = [f"nor `{name}`: {why}" for name, why in list(lines.items())[:SHOWN]]
        helps = list(reasons[first].helps) if first in reasons else []
        before = next(node for node in needed if node.name == first).inputs
        known = [source for source in before if source in owners or any(node.name == source for node in needed)]
        if not helps and known:
            helps = [f"a cut before it works, as at `{known[0]}`"]
        out.report(
            "R802", text, Label(self.at, "this is its network"), Label(span, "needs it"), notes=notes, helps=helps
        )
        return True

    def _report_misfits(self, needed: Sequence[Node], span: Span, out: Diagnostics) -> bool:
        if self.stored is None:
            return False
        wanted: dict[str, Shape | None] = {p.name: p.shape for node in needed for p in node.parameters}
        lines = misfits(wanted, Renamed({name: name for name in self.stored}), self.stored)
        if not lines:
            return False
        extent = f"{len(lines)} of {len(wanted)} parameters"
        text = f"{does_not_fit(self.files.params, self.files.symbol)}: {extent}"
        helps = _causes(needed, wanted, self.stored, self.files)
        labels = Label(self.at, "these are its parameters"), Label(span, "needs them")
        out.report("R802", text, *labels, notes=[listed(lines)], helps=helps)
        return True


def _causes(
    needed: Sequence[Node], wanted: Mapping[str, Shape | None], stored: Stored, files: CheckpointFiles
) -> list[str]:
    """What may be the reason that parameters do not fit, and what to do."""

    def fitting(parameter: Parameter) -> bool:
        return parameter.name in stored and fits(stored[parameter.name], parameter.shape)

    if not any(name in stored for name in wanted):
        some = ", ".join(f"`{name}`" for name in list(stored)[:3]) or "nothing"
        return [f"name the parameters of this network; this file holds {some}{', ...' if len(stored) > 3 else ''}"]
    bad = [node for node in needed if not all(map(fitting, node.parameters))]
    learned = [node for node in needed if node.parameters]
    first = bad[0]
    at = next((source for source in first.inputs if any(node.name == source for node in needed)), None)
    cut = f", or cut before it, as at `{at}`" if at is not None else ""
    weight = next((stored[p.name] for p in first.parameters if p.name in stored and not fitting(p)), None)
    shape = first.parameters[0].shape
    if first.op == "FullyConnected" and weight is not None and shape is not None and weight[0] == shape[0]:
        return [f"`{first.name}` takes as many values as an image of another size gives: `resize` to that size{cut}"]
    if len(bad) < len(learned) and learned[-len(bad) :] == bad:
        before = "" if at is None else f"cut before them, as at `{at}`, or "
        symbol = f"give the {SYMBOL} file that these parameters are for"
        return [f"only the last layers differ, from `{first.name}` on: {before}{symbol}"]
    epochs = ", ".join(str(epoch) for epoch in files.other_epochs()[-SHOWN:])
    return ["is it the same network?" + (f" Other epochs are there: {epochs}" if epochs else "")]


def read_checkpoint(
    given: Given, at: Span, shape: Shape, root: Path, out: Diagnostics, *, needed: bool
) -> Checkpoint | None:
    """The checkpoint that a call names, for an input of `shape`; None after a mistake, or where it is not at hand.

    at: the call. needed: whether a model is built on it, so that missing files are worth a warning.
    """
    files = CheckpointFiles(root, str(given.values["prefix"]), int(str(given.values["epoch"])))
    missing = files.missing
    if missing and needed:
        report_missing(files, given, at, out)
    if files.symbol in missing:
        return None
    try:
        symbol = open_symbol(root / files.symbol)
        stored = None
        if files.params not in missing and _learns(symbol):
            stored = _stored(files, at, out)
            if stored is None:
                return None
        rounded = read_rounded(symbol, shape, place_of(at), stored)
    except BadSymbol as error:
        label = Label(at, "this is its network")
        out.report("R802", f"cannot use {files.symbol}: {error}", label, helps=error.helps)
        return None
    return Checkpoint(rounded, files, at, stored)


@dataclass(frozen=True, slots=True)
class Usable:
    """The layers at which a checkpoint can be cut, at least one. last: that at the end of the longest way; outputs:
    what the file gives.
    """

    nodes: tuple[Node, ...]
    last: str
    outputs: tuple[str, ...]


def usable_part(path: Path, params: Path, shape: Shape) -> Usable | None:
    """All of a symbol file that can be used; None if nothing can be, or if the file cannot be read.

    params: its parameters; what they do not fit cannot be used, where they can be read. shape: of the input.
    """
    try:
        stored = open_weights(params).shapes
        stored = {ours: stored[theirs] for ours, theirs in rename(None, stored).names.items()}
    except BadWeights:
        stored = {}
    try:
        found = read_rounded(open_symbol(path), shape, Place(path.name, 1, 1), stored).network
    except BadSymbol:
        return None
    layers = {node.name for node in found.nodes}
    ways: dict[str, int] = {}
    for node in found.nodes:
        sources = [name for name in node.inputs if name in layers]
        fitting = all(p.name not in stored or fits(stored[p.name], p.shape) for p in node.parameters)
        if fitting and node.name not in found.refused and all(source in ways for source in sources):
            ways[node.name] = 1 + max((ways[source] for source in sources), default=0)
    if not ways:
        return None
    nodes = tuple(node for node in found.nodes if node.name in ways)
    return Usable(nodes, max(reversed(ways), key=ways.__getitem__), found.outputs)


def _learns(symbol: SymbolFile) -> bool:
    """Whether a network has anything besides its input that could be a parameter."""
    return sum(node.is_variable for node in symbol.nodes) > 1


def _stored(files: CheckpointFiles, at: Span, out: Diagnostics) -> Stored | None:
    """The shapes in the params file by the network's names; None, with a message, if it cannot be read."""
    try:
        shapes = open_weights(files.root / files.params).shapes
    except BadWeights as error:
        label = Label(at, "these are its parameters")
        out.report("R802", f"cannot use {files.params}: {error}", label, helps=error.helps)
        return None
    return {ours: shapes[theirs] for ours, theirs in rename(None, shapes).names.items()}

"""Where the values of a network come from: its input, and backbones, whole or cut.

Enters: the first step of a chain. Leaves: the value that flows on, unknown after a mistake, and in the graph the layers
of backbones that it needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from retdsl.check.backbones import BackboneFinder, Elaborate, Found, FoundBackbone
from retdsl.check.evaluate import Env, evaluate
from retdsl.check.fixes import as_written, rename_fixes
from retdsl.check.frame import Frame
from retdsl.check.graph import UNKNOWN, Graph, Wire, ancestors
from retdsl.check.groups import exits, guess_name, named_layers
from retdsl.check.options import Context, check_arguments
from retdsl.check.scope import Scope
from retdsl.diagnostics import Diagnostics, Fix, Label
from retdsl.ir import Network, Shape
from retdsl.records import dataclass, field, replace
from retdsl.schema import ENTRIES
from retdsl.schema.data import INPUT
from retdsl.schema.shapes import shape_text
from retdsl.source import Span
from retdsl.syntax import tree as t

INPUT_NAME = "data"

MOST_PLACES = 4
"""So many places to cut are offered to somebody whose word comes near to none."""

MOST_EXITS = 4
"""Layers that a message names."""


@dataclass(slots=True)
class Inputs:
    """The inputs and backbones of one network.

    shape: of the network's input, as soon as it is known. elaborate: writes out a block that is a backbone. found: what
    other networks of the file have found already.
    missing: whether a backbone's layers are not known, for a mistake or because its files are not at hand.
    """

    scope: Scope
    out: Diagnostics
    env: Env
    root: Path
    graph: Graph
    elaborate: Elaborate
    shape: Shape | None = None
    found: Found = field(default_factory=Found)
    backbones: dict[str, FoundBackbone] = field(default_factory=dict)
    missing: bool = False

    def called(self, call: t.Apply, frame: Frame) -> Wire:
        """`input(3, 224, 224)`."""
        given = check_arguments(INPUT, call.arguments, call.span, frame.env, Context(frame.scope, self.out))
        if given is None:
            return UNKNOWN
        channels, height, width = (int(str(given.values[key])) for key in ("channels", "height", "width"))
        return self.of_shape((None, channels, height, width), call.span, frame)

    def of_shape(self, shape: Shape | None, span: Span, frame: Frame) -> Wire:
        """The network's input, which must be the same wherever it is taken."""
        if shape is not None and self.shape is not None and shape != self.shape:
            text = f"the network takes {shape_text(shape)}, the photographs come as {shape_text(self.shape)}"
            helps = ["make `resize(...)` of the data block agree with it"]
            frame.report(self.out, "R401", text, Label(span), helps=helps)
        if shape is not None:
            self.shape = shape
        return Wire(INPUT_NAME, shape)

    def backbone(self, declared: t.Backbone, *, needed: bool = True) -> FoundBackbone:
        """The network behind a backbone; its layers' names are taken from now on."""
        name = declared.name.name
        if name not in self.backbones:
            key, errors = (name, self.shape), self.out.errors
            found = self.found.backbones.get(key)
            if found is None:
                finder = BackboneFinder(
                    self.scope, self.out, self.env, self.root, self.shape, self.elaborate, self.found, needed
                )
                found = finder.find(declared)
            if self.out.errors == errors:
                self.found.backbones[key] = found
            self.shape = found.input_shape
            self.missing = self.missing or not found.nodes
            self.backbones[name] = found
            self.graph.reserve((node.name for node in found.nodes), declared.name.span)
        return self.backbones[name]

    def whole(self, declared: t.Backbone, span: Span) -> Wire:
        """What comes out of a backbone that is not cut."""
        found = self.backbone(declared)
        if found.checkpoint is not None and found.checkpoint.report_outputs(span, declared.name.name, self.out):
            return UNKNOWN
        return self._keep(found, found.output, span)

    def cut(self, base: t.Ref, cut_at: t.Ref | t.Text | t.Range, frame: Frame) -> Wire:
        """`backbone[layer]`, or of a group of layers what comes out of it; `backbone[.. layer]` is the same."""
        declared = frame.scope.in_chain(base.name)
        if not isinstance(declared, t.Backbone):
            frame.scope.report_unknown("backbone", base.name, base.span, self.out)
            return UNKNOWN
        found = self.backbone(declared)
        if not found.nodes:
            return UNKNOWN
        layer = cut_at.last if isinstance(cut_at, t.Range) and cut_at.first is None else cut_at
        if layer is None or isinstance(layer, t.Range):
            self._report_begins_inside(base, cut_at, frame)
            return UNKNOWN
        val = evaluate(layer, frame.env, self.out) if isinstance(layer, t.Text) else None
        asked = layer.name if isinstance(layer, t.Ref) else str(val.value if val else "")
        part = named_layers(found.nodes, asked)
        if not part and found.output.node is None:
            return UNKNOWN  # the layer may stand behind the mistake in the backbone
        if not part:
            label = Label(declared.name.span, f"this backbone has {len(found.nodes)} layers")
            text = f"`{base.name}` has no layer `{asked}`"
            meant = guess_name(found.nodes, asked)
            helps = [meant.question or _places_to_cut(found), f"`{_listing(found, declared)}` shows all its layers"]
            quoted = replace(meant, names=tuple(as_written(name) for name in meant.names))
            fixes = rename_fixes(quoted, asked, layer.span, own=True)
            subject = Label(layer.span, "no such layer")
            frame.report(self.out, "R206", text, subject, label, helps=helps, fixes=fixes)
            return UNKNOWN
        ends = exits(found.nodes, part)
        if len(ends) > 1:
            self._report_several_exits(base, layer, asked, [node.name for node in ends], frame)
            return UNKNOWN
        return self._keep(found, Wire(ends[0].name, ends[0].shape), base.span)

    def _report_begins_inside(self, base: t.Ref, cut_at: t.Expr | t.Range, frame: Frame) -> None:
        """Says that a network cannot begin in the middle of a backbone."""
        last = cut_at.last if isinstance(cut_at, t.Range) else None
        upto = base.name if last is None else f"{base.name}[{last.span.text}]"
        text = f"this leaves out how `{base.name}` begins, so that nothing flows in"
        helps = [f"write `{upto}`; ranges that begin at a layer are for `freeze`"]
        frame.report(
            self.out, "R404", text, Label(cut_at.span), helps=helps, fixes=[Fix.at(base.span.to(cut_at.span), upto)]
        )

    def _report_several_exits(self, base: t.Ref, layer: t.Expr, asked: str, ends: Sequence[str], frame: Frame) -> None:
        """Says that more than one value comes out of a part."""
        text = f"{len(ends)} values come out of the part `{asked}` of `{base.name}`"
        shown = ", ".join(f"`{name}`" for name in ends[:MOST_EXITS]) + (", ..." if len(ends) > MOST_EXITS else "")
        notes = [f"others take {shown}"]
        helps = [f"name one of these layers, as `{base.name}[{as_written(ends[-1])}]`"]
        frame.report(self.out, "R713", text, Label(layer.span, "which one?"), notes=notes, helps=helps)

    def _keep(self, found: FoundBackbone, wire: Wire, span: Span) -> Wire:
        if wire.node is None:
            return UNKNOWN
        needed = ancestors(found.nodes, wire.node)
        if found.checkpoint is not None and found.checkpoint.report_unusable(needed, span, self.out):
            return UNKNOWN
        kept = self.graph.take_over(needed, span, self.out)
        return wire if kept else UNKNOWN


def _places_to_cut(found: FoundBackbone) -> str:
    """The best places to cut a backbone, the last one first, as the help of a message."""
    from retdsl.outline import places

    nodes, backbone = found.nodes, found.backbone
    whole = Network("", INPUT_NAME, found.input_shape or (), nodes, str(found.output.node), None, (), backbone.place)
    ends = [whole.node(name) for name, worth in places(whole).items() if worth == "stage"] or [nodes[-1]]
    written = [f"`{as_written(node.alias or node.name)}`" for node in reversed(ends[-MOST_PLACES:])]
    return f"good places to cut it: {', '.join(written)}"


def _listing(found: FoundBackbone, declared: t.Backbone) -> str:
    """The command that shows the layers of a backbone."""
    source = found.backbone.source
    if source.name == "zoo" and len(source.options) == len(ENTRIES["backbone source"]["zoo"].options):
        return f"retdsl layers {source['name']}"
    return f"retdsl layers {declared.name.span.source.name} --backbone {declared.name.name}"

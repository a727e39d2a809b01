"""Chains to networks: every layer checked, named and given its shape, blocks written out, backbones cut.

Enters: a chain and the shape of the network's input, where that is known. Leaves: a graph. After a mistake the value
that flows on is unknown, so that one mistake gives one message.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from retdsl.check.backbones import BackboneFinder, Found, FoundBackbone
from retdsl.check.blocks import bind
from retdsl.check.evaluate import Env, Val, evaluate
from retdsl.check.frame import Frame
from retdsl.check.graph import UNKNOWN, Graph, Wire, ancestors, cut_help, find_cut
from retdsl.check.heads import report_after_loss
from retdsl.check.layers import add_layer, check_loss
from retdsl.check.limits import Limits
from retdsl.check.option_messages import report_unknown_call
from retdsl.check.options import (
    FAILED,
    Context,
    Failed,
    check_arguments,
    check_value,
)
from retdsl.check.scope import MANY, Scope, kind_of
from retdsl.diagnostics import Diagnostics, Label
from retdsl.ir import Loss, Node, Shape
from retdsl.records import dataclass, field, replace
from retdsl.schema import ENTRIES, ESSENTIAL, LAYERS, Layer, find_layer
from retdsl.schema.data import INPUT
from retdsl.schema.lookup import other_layers, refusal
from retdsl.schema.shapes import shape_text
from retdsl.schema.types import Integer
from retdsl.source import Span
from retdsl.syntax import tree as t

INPUT_NAME = "data"

MAX_REPEAT = 1000
MAX_BLIND = 500
"""Uses of blocks that are still looked into once the value that flows is unknown."""

Flow: TypeAlias = "Wire | tuple[Wire, ...]"


@dataclass(slots=True)
class Builder:
    """Builds one network.

    env: knows `data.classes`; data_shapes: of each data block's image; input_shape: of the network's input, where it
    is known from outside. limits: what all networks of the file take up, this one included. found: what other networks
    of the file have found.
    """

    scope: Scope
    out: Diagnostics
    env: Env
    data_shapes: dict[str, Shape | None]
    root: Path
    input_shape: Shape | None = None
    graph: Graph = field(default_factory=Graph)
    backbones: dict[str, FoundBackbone] = field(default_factory=dict)
    loss: Loss | None = None
    incomplete: bool = False
    uses: dict[str, int] = field(default_factory=dict)
    models: tuple[str, ...] = ()

    steps: int = 0
    blind: int = 0
    depth: int = 0
    given_up: bool = False
    limits: Limits = field(default_factory=Limits)
    found: Found = field(default_factory=Found)

    # --- chains

    def chain(self, expr: t.Expr, incoming: Flow | None, frame: Frame) -> Flow:
        """What comes out of a chain; `incoming` is None where the chain has to bring its own input."""
        self.depth += 1
        flow = incoming
        for link in t.links_of(expr):
            self.steps += 1
            self.limits.steps += 1
            self._watch_size(link, frame)
            if self.given_up:
                flow = UNKNOWN
                break
            if self.loss is not None:
                report_after_loss(self.loss, link.step, t.links_of(expr)[0].step, frame, self.out)
                flow = UNKNOWN
                break
            flow = self.head(link.step, frame) if flow is None else self.step(link.step, flow, frame)
            if link.alias is not None:
                self._name_output(link.alias, flow, frame)
        self.depth -= 1
        return UNKNOWN if flow is None else flow

    def _watch_size(self, link: t.Link, frame: Frame) -> None:
        """Stops at a network that no machine could hold, and at one that would take Python's whole stack."""
        if self.given_up:
            return
        passed = self.limits.passed(self.depth, self.steps, len(self.graph.nodes))
        if passed is None:
            return
        code, text = passed
        self.given_up = True
        if code not in self.limits.told:
            frame.report(self.out, code, text, Label(link.span))
        self.limits.told.add(code)

    def _name_output(self, alias: t.Ident, flow: Flow, frame: Frame) -> None:
        if isinstance(flow, tuple):
            frame.report(self.out, "R403", "branches have no common name before they are joined", Label(alias.span))
            return
        if flow.node is None or flow.node not in self.graph.nodes:
            return
        earlier = self.graph.aliases.get(alias.name)
        if earlier is not None:
            first = [] if earlier == alias.span else [Label(earlier, "the other one is named here")]
            helps = ["a block that is used twice cannot name its output with `as`"] if earlier == alias.span else []
            text = f"two outputs are named `{alias.name}`"
            frame.report(self.out, "R207", text, Label(alias.span, "named again"), *first, helps=helps)
            return
        self.graph.aliases[alias.name] = alias.span
        self.graph.nodes[flow.node] = replace(self.graph.nodes[flow.node], alias=alias.name)

    def head(self, step: t.Expr, frame: Frame) -> Flow:
        """The first value of a chain: an input, a backbone whole or cut, another model, or a fork of such."""
        match step:
            case t.Group(inner=inner):
                return self.chain(inner, None, frame)
            case t.Fork(branches=branches):
                return self._fork(branches, None, frame)
            case t.Cut(base=base, layer=layer):
                return self._cut(base, layer, frame)
            case t.Apply(function=t.Ref(parts=(INPUT.name,))):
                return self._input(step, frame)
            case t.Ref(parts=(name, "image")):
                if name in self.data_shapes:
                    return self._take_input(self.data_shapes[name], step.span, frame)
                frame.scope.report_unknown("data", name, step.span, self.out)
                return UNKNOWN
            case t.Ref(parts=(name,)):
                declared = frame.scope.in_chain(name)
                if isinstance(declared, t.Model):
                    return self._model(declared, frame)
                if isinstance(declared, t.Backbone):
                    found = self.backbone(declared)
                    return self._keep(found, found.output, step.span)
                if isinstance(declared, t.Data):
                    helps = [f"write `{name}.image`"]
                    frame.report(
                        self.out, "R204", f"`{name}` is data, not a value that flows", Label(step.span), helps=helps
                    )
                    return UNKNOWN
        self._report_no_input(step, frame)
        return UNKNOWN

    def _report_no_input(self, step: t.Expr, frame: Frame) -> None:
        called = step.function if isinstance(step, t.Apply) else step
        if isinstance(called, t.Ref) and len(called.parts) == 1:
            name = called.name
            is_step = name in ENTRIES["loss"] or frame.scope.find("block", name) or find_layer(name)
            if not is_step:
                if isinstance(step, t.Ref):
                    frame.scope.report_unknown("backbone", name, called.span, self.out, "model")
                else:
                    self._unknown_step(called, frame)
                return
        helps = [
            "start with a cut backbone `NAME[layer]`, with `NAME.image` of a data block, or with `input(3, 224, 224)`"
        ]
        frame.report(self.out, "R404", "the network has no input", Label(step.span, "what flows in here?"), helps=helps)

    def step(self, step: t.Expr, flow: Flow, frame: Frame) -> Flow:
        """What a step makes of the value that flows into it."""
        match step:
            case t.Group() | t.Chain():
                return self.chain(step, flow, frame)
            case t.Fork(branches=branches):
                return self._fork(branches, flow, frame)
            case t.Repeat():
                return self._repeat(step, flow, frame)
            case t.Ref(parts=(name,)):
                return self._call(t.Apply(step.span, step, ()), name, flow, frame)
            case t.Apply(function=t.Ref(parts=(name,))):
                return self._call(step, name, flow, frame)
            case t.Apply(function=ref) | t.Cut(base=ref):
                self._unknown_step(ref, frame)
            case t.Ref():
                self._unknown_step(step, frame)
            case _:
                frame.report(self.out, "R205", "this is not a step of a network", Label(step.span))
        return UNKNOWN

    def _call(self, call: t.Apply, name: str, flow: Flow, frame: Frame) -> Flow:
        if name == "identity":
            return flow
        if name in ESSENTIAL:
            return self._layer(call, LAYERS[name], flow, frame)
        if name in ENTRIES["loss"]:
            if isinstance(flow, tuple):
                self.report_not_joined(call.span, frame)
                return UNKNOWN
            self.loss = check_loss(call, name, flow, frame, self.out)
            self.incomplete = self.incomplete or self.loss is None
            return flow
        block = frame.scope.find("block", name)
        if isinstance(block, t.Block):
            return self._block(call, block, flow, frame)
        other = None if frame.scope.excuses(name) else find_layer(name)  # it may be a block that could not be read
        if other is not None:
            return self._layer(call, other, flow, frame)
        self._unknown_step(call.function, frame)
        return UNKNOWN

    def _layer(self, call: t.Apply, layer: Layer, flow: Flow, frame: Frame) -> Flow:
        return add_layer(call, layer, flow if isinstance(flow, tuple) else (flow,), self.graph, frame, self.out)

    def _unknown_step(self, ref: t.Ref, frame: Frame) -> None:
        declared = frame.scope.in_chain(ref.parts[0])
        if declared is not None and not isinstance(declared, t.Block):
            label = Label(declared.name.span, "declared here")
            text = f"a {kind_of(declared)} cannot stand in the middle of a chain"
            frame.report(self.out, "R204", text, Label(ref.span), label, helps=["start the chain with it"])
            return
        refused = refusal(ref.name)
        if refused is not None:
            text = f"`{ref.name}` cannot stand in a chain"
            label = Label(ref.span, "MXNet has it, the language has not")
            frame.report(self.out, "R205", text, label, notes=[refused.why], helps=[refused.instead])
            return
        few = len(self.out) < MANY
        layers = [e for name, e in ENTRIES["layer"].items() if few or name in ESSENTIAL]
        entries = [*layers, *ENTRIES["loss"].values()]
        names = [*frame.scope.known("block"), "repeat"]
        if not frame.scope.excuses(ref.name, [*names, *ESSENTIAL, *ENTRIES["loss"]]):
            names += (layer.name for layer in other_layers()) if few else ()
            report_unknown_call("layer", ref.name, ref.span, self.out, entries, names)

    # --- inputs and backbones

    def _input(self, call: t.Apply, frame: Frame) -> Wire:
        given = check_arguments(INPUT, call.arguments, call.span, frame.env, Context(frame.scope, self.out))
        if given is None:
            return UNKNOWN
        channels, height, width = (int(str(given.values[key])) for key in ("channels", "height", "width"))
        return self._take_input((None, channels, height, width), call.span, frame)

    def _take_input(self, shape: Shape | None, span: Span, frame: Frame) -> Wire:
        if shape is not None and self.input_shape is not None and shape != self.input_shape:
            text = f"the network takes {shape_text(shape)}, the photographs come as {shape_text(self.input_shape)}"
            frame.report(
                self.out, "R401", text, Label(span), helps=["make `resize(...)` of the data block agree with it"]
            )
        if shape is not None:
            self.input_shape = shape
        return Wire(INPUT_NAME, shape)

    def _model(self, declared: t.Model, frame: Frame) -> Flow:
        name = declared.name.name
        if name in self.models:  # reported as a circle already
            return UNKNOWN
        self.models = (*self.models, name)
        flow = self.chain(declared.value, None, Frame(self.env, frame.scope))
        self.models = self.models[:-1]
        return flow

    def backbone(self, declared: t.Backbone, *, needed: bool = True) -> FoundBackbone:
        """The network behind a backbone; its layers' names are taken from now on."""
        name = declared.name.name
        if name not in self.backbones:
            key, errors = (name, self.input_shape), self.out.errors
            found = self.found.backbones.get(key)
            if found is None:
                finder = BackboneFinder(
                    self.scope, self.out, self.env, self.root, self.input_shape, self._elaborate, self.found, needed
                )
                found = finder.find(declared)
            if self.out.errors == errors:
                self.found.backbones[key] = found
            self.input_shape = found.input_shape
            self.incomplete = self.incomplete or not found.nodes
            self.backbones[name] = found
            self.graph.reserve((node.name for node in found.nodes), declared.name.span)
        return self.backbones[name]

    def _elaborate(
        self, call: t.Apply, block: t.Block, scope: Scope, shape: Shape | None
    ) -> tuple[Sequence[Node], Wire]:
        """The nodes of a block that is a backbone on its own."""
        inner = Builder(scope, self.out, self.env, {}, self.root, shape, limits=self.limits)
        flow = inner._block(call, block, Wire(INPUT_NAME, shape), Frame(self.env, scope))
        self.incomplete = self.incomplete or inner.incomplete
        return list(inner.graph.nodes.values()), flow if isinstance(flow, Wire) else UNKNOWN

    def _cut(self, base: t.Ref, layer: t.Ref | t.Text, frame: Frame) -> Wire:
        declared = frame.scope.in_chain(base.name)
        if not isinstance(declared, t.Backbone):
            frame.scope.report_unknown("backbone", base.name, base.span, self.out)
            return UNKNOWN
        found = self.backbone(declared)
        if not found.nodes:
            return UNKNOWN
        val = evaluate(layer, frame.env, self.out) if isinstance(layer, t.Text) else None
        asked = layer.name if isinstance(layer, t.Ref) else str(val.value if val else "")
        node = find_cut(found.nodes, asked)
        if node is None and found.output.node is None:
            return UNKNOWN  # the layer may stand behind the mistake in the backbone
        if node is None:
            label = Label(declared.name.span, f"this backbone has {len(found.nodes)} layers")
            text = f"`{base.name}` has no layer `{asked}`"
            helps = [cut_help(found.nodes, asked)]
            frame.report(self.out, "R206", text, Label(layer.span, "no such layer"), label, helps=helps)
            return UNKNOWN
        return self._keep(found, Wire(node.name, node.shape), base.span)

    def _keep(self, found: FoundBackbone, wire: Wire, span: Span) -> Wire:
        if wire.node is None:
            return UNKNOWN
        kept = self.graph.take_over(ancestors(found.nodes, wire.node), span, self.out)
        return wire if kept else UNKNOWN

    # --- structure

    def _fork(self, branches: Sequence[t.Expr], flow: Flow | None, frame: Frame) -> Flow:
        if isinstance(flow, tuple):
            self.report_not_joined(branches[0].span, frame)
            return UNKNOWN
        wires: list[Wire] = []
        for branch in branches:
            result = self.chain(branch, flow, frame)
            if isinstance(result, tuple):
                self.report_not_joined(branch.span, frame)
                result = UNKNOWN
            wires.append(result)
        return tuple(wires)

    def report_not_joined(self, span: Span, frame: Frame) -> None:
        """Says that branches go where one value is needed."""
        helps = ["put `Concat`, `Add` or `Multiply` behind the fork"]
        frame.report(self.out, "R403", "the branches of a fork must be joined first", Label(span), helps=helps)

    def _repeat(self, step: t.Repeat, flow: Flow, frame: Frame) -> Flow:
        if step.function.name != "repeat":
            helps = ["only `repeat(n, i) { chain }` has a chain in braces"]
            frame.report(
                self.out, "R205", f"`{step.function.name}` takes no chain in braces", Label(step.span), helps=helps
            )
            return UNKNOWN
        unnamed = [argument.value for argument in step.arguments if argument.name is None]
        if len(unnamed) != len(step.arguments) or not 1 <= len(unnamed) <= 2 or not self._is_counter(unnamed[1:]):
            frame.report(self.out, "R303", "repeat is written `repeat(n, i) { chain }`", Label(step.span))
            return UNKNOWN
        context = Context(frame.scope, self.out, frame.env.known)
        counter = [expr.parts[0] for expr in unnamed[1:] if isinstance(expr, t.Ref)]
        val = evaluate(unnamed[0], frame.env, self.out)
        count = FAILED if val is None else check_value(val, Integer(0, MAX_REPEAT), context, "the count of `repeat`")
        if isinstance(count, Failed):
            env = replace(frame.env, unknown=frame.env.unknown | set(counter))
            self.chain(step.body, UNKNOWN, replace(frame, env=env))
            return UNKNOWN
        for i in range(int(str(count))):
            names = {**frame.env.names, **{name: Val(i, step.span) for name in counter}}
            env = Env(names, frame.env.dotted, frame.env.unknown - set(counter))
            flow = self.chain(step.body, flow, replace(frame, env=env))
            if flow == UNKNOWN:
                break
        return flow

    @staticmethod
    def _is_counter(rest: Sequence[t.Expr]) -> bool:
        return all(isinstance(expr, t.Ref) and len(expr.parts) == 1 for expr in rest)

    def _block(self, call: t.Apply, block: t.Block, flow: Flow, frame: Frame) -> Flow:
        name = block.name.name
        names = bind(call, block, frame, self.out)
        if names is None or name in frame.blocks:  # such a circle has been reported
            return UNKNOWN
        self.blind += flow == UNKNOWN
        if self.blind > MAX_BLIND:
            return UNKNOWN
        self.uses[name] = self.uses.get(name, 0) + 1
        label = names["name"].value if "name" in names else None
        path = f"{name}({label if isinstance(label, str) else self.uses[name]})"
        inner = Frame(
            Env(names, frame.env.dotted),
            frame.scope,
            (*frame.path, path),
            (*frame.calls, call.span),
            (*frame.blocks, name),
        )
        return self.chain(block.value, flow, inner)

"""Chains to networks: every layer checked, named and given its shape, blocks written out, backbones cut.

Enters: a `model` and the shape of its input, where that is known. Leaves: a `Network`. After a mistake the value that
flows on is unknown, so that one mistake gives one message.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from retdsl.check.backbones import BackboneFinder, FoundBackbone
from retdsl.check.evaluate import Env, Val, evaluate
from retdsl.check.frame import Frame
from retdsl.check.graph import MAX_NODES, UNKNOWN, Graph, Wire, ancestors, find_cut, near_cuts
from retdsl.check.layers import add_layer, check_loss
from retdsl.check.options import (
    FAILED,
    Context,
    Failed,
    check_arguments,
    check_value,
    place_of,
    report_unknown_call,
)
from retdsl.check.scope import Scope, kind_of
from retdsl.diagnostics import Diagnostics, Label
from retdsl.ir import Backbone, Loss, Network, Node, Shape
from retdsl.schema import ENTRIES, LAYERS
from retdsl.schema.data import INPUT
from retdsl.schema.shapes import shape_text
from retdsl.schema.types import Integer
from retdsl.source import Span
from retdsl.syntax import tree as t

INPUT_NAME = "data"
MAX_REPEAT = 1000

Flow: TypeAlias = "Wire | tuple[Wire, ...]"


@dataclass(slots=True)
class Builder:
    """Builds one network. `env` knows `data.classes`; `data_shapes` the shape of each data block's image."""

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

    # --- chains

    def chain(self, expr: t.Expr, incoming: Flow | None, frame: Frame) -> Flow:
        """What comes out of a chain; `incoming` is None where the chain has to bring its own input."""
        if isinstance(expr, t.Group):
            return self.chain(expr.inner, incoming, frame)
        flow = incoming
        for link in t.links_of(expr):
            if self.loss is not None:
                head = Label(link.step.span, "follows the loss head")
                frame.report(self.out, "R504", "nothing can follow a loss head", head)
                return UNKNOWN
            flow = self.head(link.step, frame) if flow is None else self.step(link.step, flow, frame)
            if link.alias is not None:
                self._name_output(link.alias, flow, frame)
            if len(self.graph.nodes) > MAX_NODES:
                frame.report(self.out, "R405", f"the network has more than {MAX_NODES} layers", Label(link.span))
                return UNKNOWN
        return UNKNOWN if flow is None else flow

    def _name_output(self, alias: t.Ident, flow: Flow, frame: Frame) -> None:
        if isinstance(flow, tuple):
            frame.report(self.out, "R403", "branches have no common name before they are joined", Label(alias.span))
        elif flow.node is not None and flow.node in self.graph.nodes:
            node = self.graph.nodes[flow.node]
            self.graph.nodes[flow.node] = replace(node, alias=alias.name)

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
            case t.Ref(parts=(name, "image")) if name in self.data_shapes:
                return self._take_input(self.data_shapes[name], step.span, frame)
            case t.Ref(parts=(name,)):
                declared = frame.scope.in_chain(name)
                if isinstance(declared, t.Model):
                    return self._model(declared, step.span, frame)
                if isinstance(declared, t.Backbone):
                    found = self._backbone(declared)
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
            steps = [*LAYERS, *ENTRIES["loss"]]
            if name not in steps and frame.scope.find("block", name) is None:
                if isinstance(step, t.Ref):
                    frame.scope.report_unknown("backbone", name, called.span, self.out)
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
        if name in LAYERS:
            wires = flow if isinstance(flow, tuple) else (flow,)
            return add_layer(call, LAYERS[name], wires, self.graph, frame, self.out)
        if name in ENTRIES["loss"]:
            if isinstance(flow, tuple):
                self._report_not_joined(call.span, frame)
                return UNKNOWN
            self.loss = check_loss(call, name, flow, frame, self.out)
            self.incomplete = self.incomplete or self.loss is None
            return flow
        block = frame.scope.find("block", name)
        if isinstance(block, t.Block):
            return self._block(call, block, flow, frame)
        self._unknown_step(call.function, frame)
        return UNKNOWN

    def _unknown_step(self, ref: t.Ref, frame: Frame) -> None:
        declared = frame.scope.in_chain(ref.parts[0])
        if declared is not None and not isinstance(declared, t.Block):
            label = Label(declared.name.span, "declared here")
            text = f"a {kind_of(declared)} cannot stand in the middle of a chain"
            frame.report(self.out, "R204", text, Label(ref.span), label, helps=["start the chain with it"])
            return
        entries = [*(layer.entry for layer in LAYERS.values()), *ENTRIES["loss"].values()]
        names = [*frame.scope.known("block"), "identity", "repeat"]
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

    def _model(self, declared: t.Model, span: Span, frame: Frame) -> Flow:
        name = declared.name.name
        if name in self.models:
            frame.report(self.out, "R203", f"`{name}` is made of itself", Label(span))
            return UNKNOWN
        self.models = (*self.models, name)
        flow = self.chain(declared.value, None, Frame(self.env, frame.scope))
        self.models = self.models[:-1]
        return flow

    def _backbone(self, declared: t.Backbone) -> FoundBackbone:
        name = declared.name.name
        if name not in self.backbones:
            finder = BackboneFinder(self.scope, self.out, self.env, self.root, self.input_shape, self._elaborate)
            found = finder.find(declared)
            self.input_shape = found.input_shape
            self.incomplete = self.incomplete or not found.nodes
            self.backbones[name] = found
            self.graph.reserve((node.name for node in found.nodes), declared.name.span)
        return self.backbones[name]

    def _elaborate(
        self, call: t.Apply, block: t.Block, scope: Scope, shape: Shape | None
    ) -> tuple[Sequence[Node], Wire]:
        """The nodes of a block that is a backbone on its own."""
        inner = Builder(scope, self.out, self.env, {}, self.root, shape)
        flow = inner._block(call, block, Wire(INPUT_NAME, shape), Frame(self.env, scope))
        self.incomplete = self.incomplete or inner.incomplete
        return list(inner.graph.nodes.values()), flow if isinstance(flow, Wire) else UNKNOWN

    def _cut(self, base: t.Ref, layer: t.Ref | t.Text, frame: Frame) -> Wire:
        declared = frame.scope.in_chain(base.name)
        if not isinstance(declared, t.Backbone):
            frame.scope.report_unknown("backbone", base.name, base.span, self.out)
            return UNKNOWN
        found = self._backbone(declared)
        if not found.nodes:
            return UNKNOWN
        val = evaluate(layer, frame.env, self.out) if isinstance(layer, t.Text) else None
        asked = layer.name if isinstance(layer, t.Ref) else str(val.value if val else "")
        node = find_cut(found.nodes, asked)
        if node is None:
            near = ", ".join(f"`{name}`" for name in near_cuts(found.nodes, asked))
            label = Label(declared.name.span, f"this backbone has {len(found.nodes)} layers")
            text = f"`{base.name}` has no layer `{asked}`"
            helps = [f"layers of that kind: {near}"]
            frame.report(self.out, "R206", text, Label(layer.span, "no such layer"), label, helps=helps)
            return UNKNOWN
        return self._keep(found, Wire(node.name, node.shape), base.span)

    def _keep(self, found: FoundBackbone, wire: Wire, span: Span) -> Wire:
        if wire.node is not None:
            self.graph.take_over(ancestors(found.nodes, wire.node), span)
        return wire

    # --- structure

    def _fork(self, branches: Sequence[t.Expr], flow: Flow | None, frame: Frame) -> Flow:
        if isinstance(flow, tuple):
            self._report_not_joined(branches[0].span, frame)
            return UNKNOWN
        wires: list[Wire] = []
        for branch in branches:
            result = self.chain(branch, flow, frame)
            if isinstance(result, tuple):
                self._report_not_joined(branch.span, frame)
                result = UNKNOWN
            wires.append(result)
        return tuple(wires)

    def _report_not_joined(self, span: Span, frame: Frame) -> None:
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
        context = Context(frame.scope, self.out)
        val = evaluate(unnamed[0], frame.env, self.out)
        count = FAILED if val is None else check_value(val, Integer(0, MAX_REPEAT), context, "the count of `repeat`")
        if isinstance(count, Failed):
            return UNKNOWN
        for i in range(int(str(count))):
            names = dict(frame.env.names)
            if len(unnamed) == 2 and isinstance(unnamed[1], t.Ref):
                names[unnamed[1].name] = Val(i, unnamed[1].span)
            flow = self.chain(step.body, flow, replace(frame, env=Env(names, frame.env.dotted)))
            if len(self.graph.nodes) > MAX_NODES:
                break
        return flow

    @staticmethod
    def _is_counter(rest: Sequence[t.Expr]) -> bool:
        return all(isinstance(expr, t.Ref) and len(expr.parts) == 1 for expr in rest)

    def _block(self, call: t.Apply, block: t.Block, flow: Flow, frame: Frame) -> Flow:
        name = block.name.name
        if name in frame.blocks:
            frame.report(self.out, "R203", f"the block `{name}` is made of itself", Label(call.function.span))
            return UNKNOWN
        names = self._bind(call, block, frame)
        if names is None:
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

    def _bind(self, call: t.Apply, block: t.Block, frame: Frame) -> dict[str, Val] | None:
        """The parameters of a block as this call gives them."""
        parameters = {parameter.name.name: parameter for parameter in block.parameters}
        given: dict[str, t.Expr] = {}
        declared = Label(block.name.span, "declared here")
        ok = True
        for i, argument in enumerate(call.arguments):
            key = (
                argument.name.name if argument.name else next((p for p in list(parameters)[i:] if p not in given), None)
            )
            if key is None or key not in parameters:
                takes = ", ".join(parameters) or "nothing"
                text = (
                    f"the block `{block.name.name}` has no parameter `{key}`"
                    if key
                    else "too many values for the block"
                )
                notes = [f"`{block.name.name}` takes {takes}"]
                frame.report(self.out, "R302" if key else "R306", text, Label(argument.span), declared, notes=notes)
                ok = False
            elif key in given:
                frame.report(self.out, "R305", f"`{key}` is given twice", Label(argument.span))
                ok = False
            else:
                given[key] = argument.value
        names: dict[str, Val] = {}
        for key, parameter in parameters.items():
            if key in given:
                val = evaluate(given[key], frame.env, self.out)
            elif parameter.default is not None:
                val = evaluate(parameter.default, Env(names, frame.env.dotted), self.out)
            else:
                text = f"the block `{block.name.name}` needs `{key}`"
                frame.report(self.out, "R301", text, Label(call.span, f"`{key}` is missing"), declared)
                val = None
            if val is None:
                ok = False
            else:
                names[key] = val
        return names if ok else None


def build_network(model: t.Model, builder: Builder) -> Network | None:
    """The network of a model; None after a mistake, or where a backbone's files are not at hand."""
    errors = builder.out.errors
    builder.models = (model.name.name,)
    flow = builder.chain(model.value, None, Frame(builder.env, builder.scope))
    if isinstance(flow, tuple):
        builder._report_not_joined(model.value.span, Frame(builder.env, builder.scope))
    if builder.out.errors > errors or builder.incomplete or isinstance(flow, tuple) or flow.node is None:
        return None
    nodes = ancestors(tuple(builder.graph.nodes.values()), flow.node)
    if not nodes or builder.input_shape is None:
        return None
    used = {node.backbone for node in nodes}
    backbones: tuple[Backbone, ...] = tuple(b.backbone for b in builder.backbones.values() if b.backbone.name in used)
    return Network(
        name=model.name.name,
        input=INPUT_NAME,
        input_shape=builder.input_shape,
        nodes=tuple(nodes),
        output=flow.node,
        loss=builder.loss,
        backbones=backbones,
        place=place_of(model.name.span),
    )

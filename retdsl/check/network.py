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
from retdsl.check.graph import MAX_NODES, UNKNOWN, Graph, Wire, ancestors, find_cut, near_cuts
from retdsl.check.options import (
    FAILED,
    NAME,
    Context,
    Failed,
    Given,
    check_arguments,
    check_value,
    place_of,
    report_unknown_call,
)
from retdsl.check.scope import Scope, kind_of
from retdsl.diagnostics import Diagnostics, Label
from retdsl.ir import Backbone, Loss, Network, Node, Parameter, Shape, Value
from retdsl.schema import ENTRIES, LAYERS, Layer, Option, ShapeError
from retdsl.schema.data import INPUT
from retdsl.schema.shapes import shape_text
from retdsl.schema.types import Integer
from retdsl.source import Span
from retdsl.syntax import tree as t

INPUT_NAME = "data"
MAX_REPEAT = 1000

Flow: TypeAlias = "Wire | tuple[Wire, ...]"


@dataclass(frozen=True, slots=True)
class Frame:
    """Where in nested blocks the builder is: parameters, names in reach, the blocks around, and their calls."""

    env: Env
    scope: Scope
    path: tuple[str, ...] = ()
    calls: tuple[Span, ...] = ()
    blocks: tuple[str, ...] = ()


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
                self._report("R504", "nothing can follow a loss head", frame, head)
                return UNKNOWN
            flow = self.head(link.step, frame) if flow is None else self.step(link.step, flow, frame)
            if link.alias is not None:
                self._name_output(link.alias, flow, frame)
            if len(self.graph.nodes) > MAX_NODES:
                self._report("R405", f"the network has more than {MAX_NODES} layers", frame, Label(link.span))
                return UNKNOWN
        return UNKNOWN if flow is None else flow

    def _name_output(self, alias: t.Ident, flow: Flow, frame: Frame) -> None:
        if isinstance(flow, tuple):
            self._report("R403", "branches have no common name before they are joined", frame, Label(alias.span))
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
                    self._report("R204", f"`{name}` is data, not a value that flows", frame, Label(step.span), helps=helps)
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
        helps = ["start with a cut backbone `backbone[layer]`, with `NAME.image` of a data block, or with `input(3, 224, 224)`"]
        self._report("R404", "the network has no input", frame, Label(step.span, "what flows in here?"), helps=helps)

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
                self._report("R205", "this is not a step of a network", frame, Label(step.span))
        return UNKNOWN

    def _call(self, call: t.Apply, name: str, flow: Flow, frame: Frame) -> Flow:
        if name == "identity":
            return flow
        if name in LAYERS:
            return self._layer(call, LAYERS[name], flow, frame)
        if name in ENTRIES["loss"]:
            return self._loss(call, name, flow, frame)
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
            self._report("R204", text, frame, Label(ref.span), label, helps=["start the chain with it"])
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
            self._report("R401", text, frame, Label(span), helps=["make `resize(...)` of the data block agree with it"])
        if shape is not None:
            self.input_shape = shape
        return Wire(INPUT_NAME, shape)

    def _model(self, declared: t.Model, span: Span, frame: Frame) -> Flow:
        name = declared.name.name
        if name in self.models:
            self._report("R203", f"`{name}` is made of itself", frame, Label(span))
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

    def _elaborate(self, call: t.Apply, block: t.Block, scope: Scope, shape: Shape | None) -> tuple[Sequence[Node], Wire]:
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
            self._report("R206", text, frame, Label(layer.span, "no such layer"), label, helps=helps)
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
        self._report("R403", "the branches of a fork must be joined first", frame, Label(span), helps=helps)

    def _repeat(self, step: t.Repeat, flow: Flow, frame: Frame) -> Flow:
        if step.function.name != "repeat":
            helps = ["only `repeat(n, i) { chain }` has a chain in braces"]
            self._report("R205", f"`{step.function.name}` takes no chain in braces", frame, Label(step.span), helps=helps)
            return UNKNOWN
        unnamed = [argument.value for argument in step.arguments if argument.name is None]
        if len(unnamed) != len(step.arguments) or not 1 <= len(unnamed) <= 2 or not self._is_counter(unnamed[1:]):
            self._report("R303", "repeat is written `repeat(n, i) { chain }`", frame, Label(step.span))
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
            self._report("R203", f"the block `{name}` is made of itself", frame, Label(call.function.span))
            return UNKNOWN
        names = self._bind(call, block, frame)
        if names is None:
            return UNKNOWN
        self.uses[name] = self.uses.get(name, 0) + 1
        label = names["name"].value if "name" in names else None
        path = f"{name}({label if isinstance(label, str) else self.uses[name]})"
        inner = Frame(
            Env(names, frame.env.dotted), frame.scope, (*frame.path, path), (*frame.calls, call.span), (*frame.blocks, name)
        )
        return self.chain(block.value, flow, inner)

    def _bind(self, call: t.Apply, block: t.Block, frame: Frame) -> dict[str, Val] | None:
        """The parameters of a block as this call gives them."""
        parameters = {parameter.name.name: parameter for parameter in block.parameters}
        given: dict[str, t.Expr] = {}
        declared = Label(block.name.span, "declared here")
        ok = True
        for i, argument in enumerate(call.arguments):
            key = argument.name.name if argument.name else next((p for p in list(parameters)[i:] if p not in given), None)
            if key is None or key not in parameters:
                takes = ", ".join(parameters) or "nothing"
                text = f"the block `{block.name.name}` has no parameter `{key}`" if key else "too many values for the block"
                notes = [f"`{block.name.name}` takes {takes}"]
                self._report("R302" if key else "R306", text, frame, Label(argument.span), declared, notes=notes)
                ok = False
            elif key in given:
                self._report("R305", f"`{key}` is given twice", frame, Label(argument.span))
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
                self._report("R301", text, frame, Label(call.span, f"`{key}` is missing"), declared)
                val = None
            if val is None:
                ok = False
            else:
                names[key] = val
        return names if ok else None

    # --- layers and losses

    def _layer(self, call: t.Apply, layer: Layer, flow: Flow, frame: Frame) -> Wire:
        given = check_arguments(
            layer.entry, call.arguments, call.span, frame.env, Context(frame.scope, self.out), (NAME,)
        )
        wires = flow if isinstance(flow, tuple) else (flow,)
        if isinstance(flow, tuple) and not layer.joins:
            text = f"`{layer.entry.name}` takes one value and gets {len(flow)} branches"
            helps = ["put `Concat`, `Add` or `Multiply` before it"]
            self._report("R403", text, frame, Label(call.span), helps=helps)
            return UNKNOWN
        if given is None or any(wire.node is None for wire in wires):
            return UNKNOWN
        name = given.values.pop("name")
        if name is None:
            name = self.graph.automatic_name(layer.prefix.format(**{k: str(v) for k, v in given.values.items()}))
        shapes = [wire.shape for wire in wires if wire.shape is not None]
        shape: Shape | None = None
        parameters: tuple[Parameter, ...] = ()
        if len(shapes) == len(wires):
            try:
                shape = layer.shape(shapes, given.values)
            except ShapeError as error:
                self._report_shape(error, call, layer, wires, frame)
                return UNKNOWN
            parameters = tuple(
                Parameter(f"{name}_{suffix}", size, auxiliary)
                for suffix, size, auxiliary in layer.parameters(shapes, given.values)
            )
        node = Node(
            name=str(name),
            op=layer.entry.name,
            options=written_options(layer.entry.options, given),
            inputs=tuple(str(wire.node) for wire in wires),
            shape=shape,
            parameters=parameters,
            place=place_of(call.span),
            path=frame.path,
        )
        span = given.spans.get("name", call.function.span)
        return Wire(node.name, shape) if self.graph.add(node, span, self.out) else UNKNOWN

    def _report_shape(self, error: ShapeError, call: t.Apply, layer: Layer, wires: Sequence[Wire], frame: Frame) -> None:
        labels = [Label(call.span, "gets " + ", ".join(shape_text(wire.shape) for wire in wires))]
        for wire in wires:
            made = self.graph.spans.get(wire.node or "")
            if made is not None and len(wires) > 1:
                labels.append(Label(made, f"gives {shape_text(wire.shape)}"))
        code = "R402" if layer.joins and len(wires) > 1 else "R401"
        notes = [error.note] if error.note else []
        self._report(code, error.message, frame, *labels, notes=notes, helps=[error.help] if error.help else [])

    def _loss(self, call: t.Apply, name: str, flow: Flow, frame: Frame) -> Wire:
        entry = ENTRIES["loss"][name]
        given = check_arguments(entry, call.arguments, call.span, frame.env, Context(frame.scope, self.out), (NAME,))
        if isinstance(flow, tuple):
            self._report_not_joined(call.span, frame)
            return UNKNOWN
        if given is None or flow.node is None:
            self.incomplete = True
            return UNKNOWN
        if flow.shape is not None and len(flow.shape) != 2:
            text = f"a loss needs scores [N, classes] and gets {shape_text(flow.shape)}"
            helps = ["put `Flatten => FullyConnected(num_hidden = count(DATA.classes))` before it"]
            self._report("R401", text, frame, Label(call.span), helps=helps)
            return UNKNOWN
        own = given.values.pop("name")
        label = str(own) if own is not None else "softmax"
        self.loss = Loss(label, name, tuple(given.values.items()), flow.node, place_of(call.span))
        return flow

    def _report(
        self,
        code: str,
        text: str,
        frame: Frame,
        *labels: Label,
        notes: Sequence[str] = (),
        helps: Sequence[str] = (),
    ) -> None:
        used = [Label(call, "used here") for call in frame.calls[-1:]]
        self.out.report(code, text, *labels, *used, notes=notes, helps=helps)


def written_options(options: Sequence[Option], given: Given) -> tuple[tuple[str, Value], ...]:
    """The options to be written out: those that the spec gives, and those that must never be left to MXNet."""
    return tuple(
        (option.name, given.values[option.name])
        for option in options
        if (option.name in given.written or option.always) and given.values[option.name] is not None
    )


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



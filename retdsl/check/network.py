"""Chains to networks: every layer checked, named and given its shape, forks, repeats and blocks written out.

Enters: a chain and the shape of the network's input, where that is known. Leaves: a graph. After a mistake the value
that flows on is unknown, so that one mistake gives one message.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from retdsl.check.backbones import Found
from retdsl.check.blocks import bind
from retdsl.check.evaluate import Env, Val, evaluate
from retdsl.check.fixes import as_written, behind
from retdsl.check.frame import Frame
from retdsl.check.graph import UNKNOWN, Graph, Wire
from retdsl.check.heads import report_after_loss
from retdsl.check.inputs import INPUT_NAME, Inputs
from retdsl.check.layers import add_layer, check_loss
from retdsl.check.limits import Limits
from retdsl.check.options import FAILED, Context, Failed, check_value
from retdsl.check.scope import MANY, Scope, kind_of
from retdsl.check.trail import Use, mark_of
from retdsl.diagnostics import Diagnostics, Fix, Label
from retdsl.ir import Loss, Node, Shape
from retdsl.records import dataclass, field, replace
from retdsl.schema import ENTRIES, ESSENTIAL, LAYERS, Layer, find_layer
from retdsl.schema.data import INPUT
from retdsl.schema.lookup import other_layers, refusal
from retdsl.schema.types import Integer
from retdsl.source import Span
from retdsl.syntax import tree as t

MAX_REPEAT = 1000
MAX_BLIND = 500
"""Uses of blocks that are still looked into once the value that flows is unknown."""

Flow: TypeAlias = "Wire | tuple[Wire, ...]"


@dataclass(slots=True)
class Builder:
    """Builds one network.

    env: knows `data.classes`; data_shapes: of each data block's image; given_shape: of the network's input, where it
    is known from outside. limits: what all networks of the file take up, this one included. found: what other
    networks of the file have found. unfit: backbones whose weights are those of another network.
    """

    scope: Scope
    out: Diagnostics
    env: Env
    data_shapes: dict[str, Shape | None]
    root: Path
    given_shape: Shape | None = None
    limits: Limits = field(default_factory=Limits)
    found: Found = field(default_factory=Found)
    graph: Graph = field(default_factory=Graph)
    inputs: Inputs = field(init=False)
    loss: Loss | None = None
    incomplete: bool = False
    uses: dict[str, int] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    unfit: set[str] = field(default_factory=set)

    steps: int = 0
    blind: int = 0
    depth: int = 0
    given_up: bool = False

    def __post_init__(self) -> None:
        self.inputs = Inputs(
            self.scope, self.out, self.env, self.root, self.graph, self._elaborate, self.given_shape, self.found
        )

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
            frame = _behind(link.step, flow, frame)
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
                return self.inputs.cut(base, layer, frame)
            case t.Apply(function=t.Ref(parts=(INPUT.name,))):
                return self.inputs.called(step, frame)
            case t.Ref(parts=(name, "image")):
                if name in self.data_shapes:
                    return self.inputs.of_shape(self.data_shapes[name], step.span, frame)
                frame.scope.report_unknown("data", name, step.span, self.out)
                return UNKNOWN
            case t.Ref(parts=(name,)):
                declared = frame.scope.in_chain(name)
                if isinstance(declared, t.Model):
                    return self._model(declared, frame)
                if isinstance(declared, t.Backbone):
                    return self.inputs.whole(declared, step.span)
                if isinstance(declared, t.Data):
                    text, helps = f"`{name}` is data, not a value that flows", [f"write `{name}.image`"]
                    fixes = [behind(step.span, ".image", safe=True)]
                    frame.report(self.out, "R204", text, Label(step.span), helps=helps, fixes=fixes)
                    return UNKNOWN
        self._report_no_input(step, frame)
        return UNKNOWN

    def _model(self, declared: t.Model, frame: Frame) -> Flow:
        name = declared.name.name
        if name in self.models:  # reported as a circle already
            return UNKNOWN
        self.models = (*self.models, name)
        flow = self.chain(declared.value, None, Frame(self.env, frame.scope))
        self.models = self.models[:-1]
        return flow

    def _elaborate(
        self, call: t.Apply, block: t.Block, scope: Scope, shape: Shape | None
    ) -> tuple[Sequence[Node], Wire]:
        """The nodes of a block that is a backbone on its own."""
        inner = Builder(scope, self.out, self.env, {}, self.root, shape, self.limits)
        frame = Frame(self.env, scope).passed(call.span, shape, "on ")
        flow = inner._block(call, block, Wire(INPUT_NAME, shape), frame)
        self.incomplete = self.incomplete or inner.incomplete
        return list(inner.graph.nodes.values()), flow if isinstance(flow, Wire) else UNKNOWN

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
        base = frame.scope.in_chain(called.parts[0]) if isinstance(called, t.Ref) else None
        if isinstance(base, t.Backbone) and isinstance(called, t.Ref) and called is step:
            cut = f"{called.parts[0]}[{as_written('.'.join(called.parts[1:]))}]"
            label = Label(step.span, "cuts nothing")
            fixes = [Fix.at(step.span, cut)]
            frame.report(
                self.out, "R404", "a backbone is cut by brackets", label, helps=[f"write `{cut}`"], fixes=fixes
            )
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
        other = find_layer(name)
        if other is not None and frame.scope.excuses(name):  # it may be a block that could not be read
            return UNKNOWN
        if other is not None:
            return self._layer(call, other, flow, frame)
        sure = self._unknown_step(call.function, frame)
        return UNKNOWN if sure is None else self._call(call, sure, flow, frame)

    def _layer(self, call: t.Apply, layer: Layer, flow: Flow, frame: Frame) -> Flow:
        return add_layer(call, layer, flow if isinstance(flow, tuple) else (flow,), self.graph, frame, self.out)

    def _unknown_step(self, ref: t.Ref, frame: Frame) -> str | None:
        """Says what is wrong with the name of a step; gives the one that is surely meant."""
        declared = frame.scope.in_chain(ref.parts[0])
        if declared is not None and not isinstance(declared, t.Block):
            label = Label(declared.name.span, "declared here")
            text = f"a {kind_of(declared)} cannot stand in the middle of a chain"
            frame.report(self.out, "R204", text, Label(ref.span), label, helps=["start the chain with it"])
            return None
        refused = refusal(ref.name)
        if refused is not None:
            text = f"`{ref.name}` cannot stand in a chain"
            label = Label(ref.span, "MXNet has it, the language has not")
            frame.report(self.out, "R205", text, label, notes=[refused.why], helps=[refused.instead])
            return None
        few = len(self.out) < MANY
        layers = [e for name, e in ENTRIES["layer"].items() if few or name in ESSENTIAL]
        entries = [*layers, *ENTRIES["loss"].values()]
        names = [*frame.scope.known("block"), "repeat"]
        if frame.scope.excuses(ref.name, [*names, *ESSENTIAL, *ENTRIES["loss"]]):
            return None
        names += (layer.name for layer in other_layers()) if few else ()
        from retdsl.check.option_messages import report_unknown_call

        sure = report_unknown_call("layer", ref.name, ref.span, self.out, entries, names)
        return sure if sure is not None and (sure in ENTRIES["loss"] or find_layer(sure)) else None

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
        head = mark_of(step)
        for i in range(int(str(count))):
            own = {name: Val(i, step.span) for name in counter}
            env = Env({**frame.env.names, **own}, frame.env.dotted, frame.env.unknown - set(counter))
            entered = (*frame.uses, Use(head, (unnamed[0],), own, i + 1))
            flow = self.chain(step.body, flow, replace(frame, env=env, uses=entered))
            if flow == UNKNOWN:
                break
            frame = frame.passed(head, flow.shape if isinstance(flow, Wire) else None, "after ")
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
            (*frame.uses, Use(mark_of(call), tuple(argument.value for argument in call.arguments), names)),
            (*frame.blocks, name),
            frame.last,
        )
        return self.chain(block.value, flow, inner)


def _behind(step: t.Expr, flow: Flow, frame: Frame) -> Frame:
    """The frame for what comes after a step, which knows the shape that it gave; of a fork, that of every branch."""
    if isinstance(flow, Wire):
        return frame.passed(mark_of(step), flow.shape)
    if not isinstance(step, t.Fork):
        return frame
    ends = (mark_of(t.links_of(branch)[-1].step) for branch in step.branches)
    return frame.forked(step, tuple((end, wire.shape) for end, wire in zip(ends, flow, strict=False)))

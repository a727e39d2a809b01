"""One layer or loss head of a chain: its options, its shape, its parameters, its node."""

from __future__ import annotations

from collections.abc import Sequence

from retdsl.check.fixes import step_before
from retdsl.check.frame import Frame
from retdsl.check.graph import UNKNOWN, Graph, Wire
from retdsl.check.options import NAME, Context, Given, check_arguments, place_of
from retdsl.diagnostics import Diagnostics, Label
from retdsl.ir import Loss, Node, Parameter, Shape, Value
from retdsl.schema import ENTRIES, Entry, Layer, Option, ShapeError
from retdsl.schema.losses import FINDINGS_LOSS
from retdsl.schema.model import parameter_names
from retdsl.schema.shapes import shape_text
from retdsl.syntax import tree as t


def add_layer(call: t.Apply, layer: Layer, wires: Sequence[Wire], graph: Graph, frame: Frame, out: Diagnostics) -> Wire:
    """Adds the layer that a step names to the graph; gives what comes out of it, unknown after a mistake."""
    given = _options(layer.entry, call, frame, out)
    if not layer.joins and len(wires) != len(layer.inputs):
        _report_count(call, layer, len(wires), frame, out)
        return UNKNOWN
    if given is None or any(wire.node is None for wire in wires):
        return UNKNOWN
    name = given.values.pop("name")
    if name is None:
        name = graph.automatic_name(layer.prefix.format(**{k: str(v) for k, v in given.values.items()}))
    shapes = [wire.shape for wire in wires if wire.shape is not None]
    shape: Shape | None = None
    roles = parameter_names(layer, given.values)
    sizes: Sequence[Shape | None] = [None] * len(roles)
    if layer.shape is not None and len(shapes) == len(wires):
        try:
            shape = layer.shape(shapes, given.values)
        except ShapeError as error:
            _report_shape(error, call, layer, wires, frame, out)
            return UNKNOWN
        sizes = layer.parameters(shapes, given.values) if roles else ()
    node = Node(
        name=str(name),
        op=layer.entry.name,
        options=written_options(layer.entry.options, given),
        inputs=tuple(str(wire.node) for wire in wires),
        shape=shape,
        parameters=tuple(
            Parameter(f"{name}_{role}", size, role.startswith("moving"))
            for role, size in zip(roles, sizes, strict=False)  # a layer without a bias has one name less
        ),
        place=place_of(call.span),
        path=frame.path,
    )
    span = given.spans.get("name", call.function.span)
    return Wire(node.name, shape) if graph.add(node, span, out) else UNKNOWN


def _options(entry: Entry, call: t.Apply, frame: Frame, out: Diagnostics) -> Given | None:
    """The options of a call inside of blocks, whose parameters they may depend on."""
    found = Diagnostics()
    given = check_arguments(entry, call.arguments, call.span, frame.env, Context(frame.scope, found), (NAME,))
    frame.relay(found, call, out)
    return given


def written_options(options: Sequence[Option], given: Given) -> tuple[tuple[str, Value], ...]:
    """The options to be written out: those that differ from the default, and those never to be left to MXNet."""
    return tuple(
        (option.name, given.values[option.name])
        for option in options
        if option.always or given.values[option.name] != option.default
    )


def _report_count(call: t.Apply, layer: Layer, count: int, frame: Frame, out: Diagnostics) -> None:
    name, wanted = layer.entry.name, layer.inputs
    gets = "one" if count == 1 else f"{count} branches"
    if len(wanted) == 1:
        text, helps = f"`{name}` takes one value and gets {gets}", ["put `Concat`, `Add` or `Multiply` before it"]
    else:
        text = f"`{name}` takes {len(wanted)} values ({', '.join(wanted)}) and gets {gets}"
        helps = [f"a fork gives them in this order: `{{ {' | '.join(wanted)} }} => {name}`"]
    frame.report_flow(out, "R403", text, Label(call.span), call, joins=True, helps=helps)


def _report_shape(
    error: ShapeError, call: t.Apply, layer: Layer, wires: Sequence[Wire], frame: Frame, out: Diagnostics
) -> None:
    joins = layer.joins and len(wires) > 1
    subject = Label(call.span, "joins these" if joins else f"gets {shape_text(wires[0].shape)}")
    notes = [error.note] if error.note else []
    helps = [error.help] if error.help else []
    fixes = [step_before(call.span, error.missing)] if error.missing else []
    code = "R402" if joins else "R401"
    frame.report_flow(out, code, error.message, subject, call, joins=joins, notes=notes, helps=helps, fixes=fixes)


def check_loss(call: t.Apply, name: str, wire: Wire, frame: Frame, out: Diagnostics) -> Loss | None:
    """The loss head that a step names, on the scores that flow into it; None after a mistake, here or before."""
    entry = ENTRIES["loss"][name]
    given = _options(entry, call, frame, out)
    if given is None or wire.node is None:
        return None
    if wire.shape is not None and len(wire.shape) != 2:
        text = f"a loss needs scores [N, classes] and gets {shape_text(wire.shape)}"
        helps = ["put `Flatten => FullyConnected(num_hidden = count(DATA.classes))` before it"]
        frame.report_flow(out, "R401", text, Label(call.span), call, helps=helps)
        return None
    own = given.values.pop("name")
    usual = "sigmoid" if name == FINDINGS_LOSS else "softmax"
    return Loss(usual if own is None else str(own), name, tuple(given.values.items()), wire.node, place_of(call.span))

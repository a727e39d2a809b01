"""The nodes of a symbol file to layers of a checked program, without MXNet: the schema knows the shapes.

Enters: a symbol file, the shape of the network's input, and, where they are at hand, the shapes of the parameters.
Leaves: layers under the names that the file gives them. Layers that the schema does not know keep their options as they
are and have no shape. What no program can say is kept, too, as a layer that is refused, with the reason: a cut that
does not need it can still be used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from retdsl.check.imported_layers import (
    Options,
    differing_options,
    likely_layer,
    options_of,
    shape_of,
    understood,
    with_defaults,
)
from retdsl.check.imported_pooling import pools_alike, rounded, says_nothing
from retdsl.check.limits import MAX_NODES
from retdsl.check.symbol_file import BadSymbol, FileNode, SymbolFile
from retdsl.ir import Node, Parameter, Place, Shape
from retdsl.records import dataclass
from retdsl.schema import Layer, ShapeError
from retdsl.schema.lookup import find_operator
from retdsl.schema.model import Stricter, parameter_names
from retdsl.schema.shapes import shape_text
from retdsl.weights.layouts import fits

INPUT = "data"
MAX_PARTS = 1000
"""Parts into which one layer may divide a value."""

LOSSES = {
    *("SoftmaxOutput", "LinearRegressionOutput", "LogisticRegressionOutput", "MAERegressionOutput", "SVMOutput"),
    *("MakeLoss", "make_loss", "CTCLoss", "softmax_cross_entropy"),
}
_GONE = dict.fromkeys(("CaffeOp", "CaffeLoss", "TorchModule", "TorchCriterion", "WarpCTC"), "a plugin of MXNet's past")
_GONE |= dict.fromkeys(("Custom", "_Native", "_NDArray", "_CustomFunction"), "Python code that the file does not hold")


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a layer cannot be part of a program, and what to do."""

    why: str
    helps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Imported:
    """A network from a file. outputs: the layers that it gives, or that its losses get; refused: layers that no program
    can hold, by name; clashes: layers whose inputs do not have the shapes that they need.
    """

    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]
    refused: Mapping[str, Refused]
    clashes: tuple[str, ...]


Stored = Mapping[str, tuple[int, ...]]


def read_network(
    file: SymbolFile,
    input_shape: Shape,
    place: Place,
    stored: Stored | None = None,
    *,
    round_up: bool = False,
) -> Imported:
    """The layers of a symbol file in their order.

    stored: the shapes of the parameters that are at hand, by the file's names. round_up: Poolings that do not say how
    they round do it as before July 2016. Raises BadSymbol.
    """
    reader = _Reader(file, input_shape, place, stored or {}, round_up)
    for index, item in enumerate(file.nodes):
        if not item.is_variable:
            reader.add(index, item)
    return Imported(tuple(reader.nodes.values()), reader.outputs(), reader.refused, tuple(reader.clashes))


def input_of(file: SymbolFile) -> str | None:
    """The variable that is the network's input: `data`, else the first that a layer takes as its value."""
    found: list[str] = []
    for item in file.nodes:
        values = () if item.is_variable else item.inputs[: _value_count(item, find_operator(item.op))]
        found += [file.nodes[source].name for source, _ in values if file.nodes[source].is_variable]
    return INPUT if INPUT in found else next(iter(found), None)


def _value_count(item: FileNode, likely: Layer | None) -> int:
    """How many of a node's inputs are values that flow; the others are parameters."""
    return len(item.inputs) if likely is None or likely.joins else len(likely.inputs)


def _is_loss(item: FileNode) -> bool:
    likely = find_operator(item.op)
    return likely is not None and likely.operator in LOSSES


class _Refusal(Exception):
    def __init__(self, why: str, *helps: str) -> None:
        super().__init__(why)
        self.refused = Refused(why, helps)


class _Reader:
    """Reads one node after the other. flows: the layer that an output of a node is."""

    def __init__(self, file: SymbolFile, input_shape: Shape, place: Place, stored: Stored, round_up: bool) -> None:
        self.file, self.place, self.stored, self.round_up = file, place, stored, round_up
        self.input = input_of(file)
        self.shapes: dict[str, Shape | None] = {INPUT: input_shape}
        self.flows: dict[tuple[int, int], str] = {}
        self.nodes: dict[str, Node] = {}
        self.refused: dict[str, Refused] = {}
        self.clashes: list[str] = []

    def add(self, index: int, item: FileNode) -> None:
        """Takes in a node whose inputs are here already."""
        try:
            self._add(index, item)
        except _Refusal as refusal:
            sources = (self.flows.get(entry) for entry in item.inputs[: 1 if _is_loss(item) else None])
            known = tuple(source for source in sources if source is not None)
            self._keep(Node(item.name, item.op, (), known, None, (), self.place), (index, 0))
            self.refused[item.name] = refusal.refused

    def outputs(self) -> tuple[str, ...]:
        """The layers that the heads of the file give. A loss gives what flows into it."""
        heads = self.file.heads or ((len(self.file.nodes) - 1, 0),)
        found: list[str | None] = []
        for source, output in heads:
            item = self.file.nodes[source]
            found.append(self.flows.get(item.inputs[0] if _is_loss(item) and item.inputs else (source, output)))
        return tuple(dict.fromkeys(name for name in found if name is not None))

    def _add(self, index: int, item: FileNode) -> None:
        likely = likely_layer(item)
        if _is_loss(item):
            before = self.flows.get(item.inputs[0]) if item.inputs else None
            cut = () if before is None else (f"cut at `{before}`, which flows into it",)
            raise _Refusal("it is a loss, which needs labels", *cut)
        if item.op in _GONE:
            raise _Refusal(f"`{item.op}` is {_GONE[item.op]}")
        sources, variables = self._inputs(item, likely)
        options = options_of(item)
        if likely is not None and options.get("output_mean_var") is True:
            del options["output_mean_var"]  # nothing takes them, and the first output is the same
        if likely is not None and likely.operator == "SliceChannel":
            self._divide(index, item, options, sources)
            return
        if self.round_up and says_nothing(item) and len(sources) == 1:
            options = rounded(options, self.shapes[sources[0]])
        layer, op = self._layer(item, likely, options, sources)
        shape, sizes = self._shape(item, layer, likely, options, sources, variables)
        kept = options if layer is None else differing_options(layer, options)
        parameters = self._parameters(item, likely, options, variables, sizes)
        self._keep(Node(item.name, op, tuple(kept.items()), sources, shape, parameters, self.place), (index, 0))

    def _keep(self, node: Node, flow: tuple[int, int]) -> None:
        if node.name in self.nodes or node.name == INPUT:
            raise BadSymbol(f"two of its nodes are named `{node.name}`")
        if len(self.nodes) >= MAX_NODES:
            raise BadSymbol(f"it has more than {MAX_NODES:,} layers")
        self.nodes[node.name] = node
        self.flows[flow] = node.name
        self.shapes[node.name] = node.shape

    def _inputs(self, item: FileNode, likely: Layer | None) -> tuple[tuple[str, ...], list[str]]:
        """What flows into a node, and the names of its parameters."""
        count = _value_count(item, likely)
        sources: list[str] = []
        variables: list[str] = []
        for place, (source, output) in enumerate(item.inputs):
            origin = self.file.nodes[source]
            flow = self.flows.get((source, output))
            if origin.is_variable and place >= count:
                variables.append(origin.name)
            elif origin.is_variable and origin.name == self.input:
                sources.append(INPUT)
            elif origin.is_variable:
                raise _Refusal(f"it is not known what it does with the variable `{origin.name}`")
            elif flow is None:
                raise _Refusal(f"it takes output {output} of `{origin.name}` ({origin.op}), which is not supported")
            elif place >= count:
                raise _Refusal(f"`{flow}` computes its parameters, which are learned in a program")
            else:
                sources.append(flow)
        roles = () if likely is None else likely.learns
        if len(variables) > len(roles):
            raise _Refusal(f"it is not known what it does with the variable `{variables[len(roles)]}`")
        return tuple(sources), variables

    def _layer(
        self, item: FileNode, likely: Layer | None, options: Options, sources: Sequence[str]
    ) -> tuple[Layer | None, str]:
        """The schema's layer, and what the node is called in a program."""
        if item.op == "Pooling_v1":
            pooling = understood(find_operator("Pooling"), options, len(sources))
            return pooling, "Pooling" if pools_alike(options) else item.op
        layer = understood(likely, options, len(sources))
        return layer, item.op if layer is None else layer.name

    def _shape(
        self,
        item: FileNode,
        layer: Layer | None,
        likely: Layer | None,
        options: Options,
        sources: Sequence[str],
        variables: Sequence[str],
    ) -> tuple[Shape | None, dict[str, Shape]]:
        """The output's shape and those of the parameters by their roles, as far as they follow."""
        inputs = [self.shapes[source] for source in sources]
        known = [shape for shape in inputs if shape is not None]
        if layer is None or len(known) < len(inputs):
            scores = layer is not None and layer.name == "FullyConnected"
            hidden = options.get("num_hidden")
            return ((None, hidden), {}) if scores and isinstance(hidden, int) else (None, {})
        try:
            shape, sizes = shape_of(layer, options, known)
        except Stricter:
            return None, {}
        except ShapeError as error:
            gets = ", ".join(map(shape_text, known))
            if len(sources) > 1:
                self.clashes.append(item.name)
            raise _Refusal(f"it gets {gets}, and {error}") from error
        for role, variable in zip(() if likely is None else likely.learns, variables, strict=False):
            found = self.stored.get(variable)
            if layer.name == "FullyConnected" and found is not None and not fits(found, sizes.get(role)):
                self.clashes.append(item.name)
        return shape, sizes

    def _parameters(
        self,
        item: FileNode,
        likely: Layer | None,
        options: Options,
        variables: Sequence[str],
        sizes: Mapping[str, Shape],
    ) -> tuple[Parameter, ...]:
        """A node's parameters. Before 0.9, files left out the moving statistics; MXNet names them after their roles."""
        if likely is None:
            return ()
        names = [*variables]
        if len(names) < len(parameter_names(likely, with_defaults(likely, options))):
            names += [f"{item.name}_{role}" for role in likely.learns[len(names) :] if role.startswith("moving")]
        return tuple(
            Parameter(name, sizes.get(role) or self.stored.get(name), role.startswith("moving"))
            for name, role in zip(names, likely.learns, strict=False)
        )

    def _divide(self, index: int, item: FileNode, options: Options, sources: Sequence[str]) -> None:
        """A layer that gives several values becomes a layer for each, under MXNet's names for them."""
        shape = self.shapes[sources[0]] if len(sources) == 1 else None
        parts, axis, squeeze = (options.get(k, v) for k, v in (("num_outputs", 1), ("axis", 1), ("squeeze_axis", 0)))
        if shape is None or not isinstance(parts, int) or not isinstance(axis, int):
            raise _Refusal("it divides a value whose shape is not known")
        size = shape[axis] if 0 < axis < len(shape) else None
        if size is None or not 0 < parts <= min(size, MAX_PARTS) or size % parts or (squeeze and parts != size):
            raise _Refusal(f"it divides {shape_text(shape)} into {parts} parts along axis {axis}")
        step = size // parts
        for i in range(parts):
            name = item.name if parts == 1 else f"{item.name}_output{i}"
            cut = (*shape[:axis], step, *shape[axis + 1 :])
            where: Options = {"axis": axis, "begin": i * step, "end": (i + 1) * step}
            part = f"{name}_part" if squeeze else name
            self._keep(Node(part, "slice_axis", tuple(where.items()), tuple(sources), cut, (), self.place), (index, i))
            if squeeze:
                flat = (*shape[:axis], *shape[axis + 1 :])
                self._keep(Node(name, "squeeze", (("axis", axis),), (part,), flat, (), self.place), (index, i))

"""An experiment to the text of its training program.

The text is complete and readable: every layer spelled out under its name with its shape, a comment at every line that
names the line of the spec it comes from. It leans on `retdsl.runtime` and MXNet alone.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from functools import cache
from importlib import resources

from jinja2 import Environment, StrictUndefined, Template

from retdsl import __version__
from retdsl.engines.mxnet.carried_out import held_lines, pieces_of, predicting_lines
from retdsl.engines.mxnet.layout import WIDTH, Line, Places, filled, laid_out, one_line
from retdsl.engines.mxnet.lower import literal, lower_call, lower_node, safe, variable_names
from retdsl.ir import Call, Experiment, Network, Node, Piece, Shape, TrainingPlan, Value
from retdsl.outline import outline
from retdsl.schema.data import DATA_KEYS
from retdsl.schema.sources import JOINED, sources_of
from retdsl.schema.spelling import default_of, option_type, spell
from retdsl.schema.training import TRAIN_KEYS


def emit_program(experiment: Experiment, root: str | None = None) -> str:
    """The text of `train.py`, always valid Python. root: where relative data paths start; None: beside the program."""
    network = experiment.network
    pieces = pieces_of(experiment)
    text = _template().render(
        version=__version__,
        experiment=experiment,
        imports=_imports(experiment),
        parts=[
            {"name": _function(piece), "doc": _doc(experiment, pieces, piece), "lines": _piece_lines(network, piece)}
            for piece in pieces
        ],
        network=_network_lines(experiment, pieces),
        data=_data_lines(experiment),
        rest=_rest_lines(experiment),
        root=root,
    )
    ast.parse(text)
    return text


@cache
def _template() -> Template:
    environment = Environment(
        undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["lines"] = laid_out
    environment.filters["literal"] = literal
    environment.filters["one_line"] = one_line
    source = resources.files("retdsl.engines.mxnet").joinpath("templates/train.py.j2").read_text("utf-8")
    return environment.from_string(source)


def _shape_text(shape: Shape | None) -> str:
    return "" if shape is None else "[" + ", ".join("N" if axis is None else str(axis) for axis in shape) + "]"


# --- the network


def _shapes(network: Network) -> dict[str, Shape | None]:
    return {network.input: network.input_shape, **{node.name: node.shape for node in network.nodes}}


def _node_lines(network: Network, nodes: Sequence[Node], variables: dict[str, str]) -> list[Line]:
    lines: list[Line] = []
    shapes = _shapes(network)
    parts = outline(network)
    places = Places()
    around: tuple[str, ...] = ()
    for node in nodes:
        block = parts[node.name]
        if block != around and block:
            lines.append(Line("", one_line(block[-1]), gap=True))
        shape = _shape_text(node.shape) + (" logits" if node.name == network.output else "")
        code = f"{variables[node.name]} = {lower_node(node, variables, shapes)}"
        lines.append(Line(code, places(node.place, shape), gap=not block and bool(around)))
        around = block
    return lines


def _function(piece: Piece) -> str:
    """What the function of a piece is called."""
    match piece.from_epoch:
        case None:
            return "frozen_part"
        case 1:
            return "trained_part"
        case epoch:
            return f"trained_from_epoch_{epoch}"


def _doc(experiment: Experiment, pieces: Sequence[Piece], piece: Piece) -> str:
    network = experiment.network
    takes = "Those values" if piece is not pieces[0] else f"{network.input} {_shape_text(network.input_shape)}"
    if piece.from_epoch == 1:
        return f"{takes} to the logits, one a class."
    above = "trained" if len(pieces) == 2 else "next"
    if piece.from_epoch is not None:
        frozen = f"Bound for inference until epoch {piece.from_epoch}."
    elif len(pieces) > 2:
        frozen = "Frozen throughout."
    else:
        kind = option_type(TRAIN_KEYS, "freeze")
        frozen = f"Frozen: {', '.join(spell(item, kind) for item in experiment.freeze)}."
    return (
        f"{takes} to the {'values that the ' + above + ' part takes' if piece is pieces[0] else 'next ones'}. {frozen}"
    )


def _piece_lines(network: Network, piece: Piece) -> list[Line]:
    """The body of a piece's function. A part that is never trained takes the image itself, others values by name."""
    names = (*piece.takes, *piece.nodes)
    taken: list[Line] = []
    if piece.from_epoch is None:
        variables = {network.input: "data", **variable_names(names[1:], {"data", "sym"})}
    else:
        shapes = _shapes(network)
        variables = variable_names(names, {"features", "sym"})
        taken = [Line(f"{variables[e]} = features[{literal(e)}]", _shape_text(shapes[e])) for e in piece.takes]
    own = frozenset(piece.nodes)
    lines = _node_lines(network, [node for node in network.nodes if node.name in own], variables)
    if piece.from_epoch == 1:
        return [*taken, *lines, Line(f"return {variables[network.output]}")]
    outputs = ", ".join(f"{literal(cut)}: {variables[cut]}" for cut in piece.gives)
    return [*taken, *lines, Line(f"return {{{outputs}}}", gap=len(piece.nodes) > 8)]


def _network_lines(experiment: Experiment, pieces: Sequence[Piece]) -> list[Line]:
    network, loss = experiment.network, experiment.network.loss
    assert loss is not None, "an experiment's network has a loss"
    keys = {key.name: key.place for key in experiment.keys}
    places = Places()
    head = lower_call(Call(loss.kind, loss.options))
    shape = literal(tuple(network.input_shape[1:]))
    lines = [
        Line(f"input={literal(network.input)},"),
        Line(f"input_shape={shape},", places(experiment.data.place_of("image"))),
    ]
    if pieces[0].from_epoch is None:
        lines.append(Line("frozen=frozen_part,", places(keys.get("freeze"), "bound for inference only")))
    lines += [
        Line("trained=trained_part,", places(keys.get("model"))),
        Line(f"loss={head},", places(loss.place)),
        Line(f"loss_name={literal(loss.name)},"),
    ]
    lines += held_lines(experiment, experiment.phases[0])
    lines += _phase_lines(experiment, pieces, places)
    lines += _pretrained_lines(network, places)
    return [*lines, *predicting_lines(experiment)]


def _phase_lines(experiment: Experiment, pieces: Sequence[Piece], places: Places) -> list[Line]:
    """What changes at a later epoch."""
    functions = {piece.from_epoch: _function(piece) for piece in pieces}
    said = {item["at_epoch"]: item.place for item in experiment.freeze if isinstance(item, Call)}
    lines: list[Line] = []
    for phase in experiment.phases[1:]:
        epoch = phase.from_epoch
        comment = places(said.get(epoch), f"trained from epoch {epoch} on")
        held = [Line(f"        {line.code}", line.comment) for line in held_lines(experiment, phase)]
        begins = [f"from_epoch={epoch}", *([f"part={functions[epoch]}"] if epoch in functions else [])]
        if not held:
            lines.append(Line(f"    Phase({', '.join(begins)}),", comment))
            continue
        lines += [Line("    Phase("), Line(f"        {', '.join(begins)},", comment), *held, Line("    ),")]
    return [Line("phases=("), *lines, Line("),")] if lines else []


def _pretrained_lines(network: Network, places: Places) -> list[Line]:
    lines: list[Line] = []
    others = tuple(sorted(p.name for node, p in network.parameters() if node.backbone is None))
    for backbone in network.backbones:
        if backbone.weights is None:
            continue
        own = tuple(p.name for node, p in network.parameters() if node.backbone == backbone.name)
        names = f"only={literal(own)}" if len(network.backbones) > 1 else f"but={literal(others)}"
        lines += [
            Line("    Pretrained(", places(backbone.place)),
            Line(f"        {backbone.weights.name}("),
            *(Line(f"            {safe(key)}={literal(value)},") for key, value in backbone.weights.options),
            Line("        ),"),
            Line(f"        {names},"),
            Line("    ),"),
        ]
    return [Line("pretrained=("), *lines, Line("),")] if lines else []


# --- data and training


def _data_lines(experiment: Experiment) -> list[Line]:
    data = experiment.data
    places = Places()
    lines = [
        *_source_lines(data.source, places),
        Line(f"classes={literal(data.classes)},", places(data.place_of("classes"))),
        Line(f"split={lower_call(data.split)},", places(data.split.place)),
        Line("prepare=("),
        *(Line(f"    {lower_call(step)},", places(step.place)) for step in data.prepare),
        Line("),"),
    ]
    if data.normalize is not None:
        said = f"what {data.normalize_from} was trained with" if data.normalize_from else ""
        lines.append(Line(f"normalize={lower_call(data.normalize)},", places(data.normalize.place, said)))
    for key, value in data.settings:
        option = DATA_KEYS.option(key)
        if option is not None and value != option.default:
            lines.append(Line(f"{safe(key)}={literal(value)},", places(data.place_of(key))))
    return lines


def _source_lines(source: Call, places: Places) -> list[Line]:
    """Where the photographs come from; of several sources each on a line of its own."""
    if source.name != JOINED:
        return [Line(f"source={lower_call(source)},", places(source.place))]
    return [
        Line("source=joined(", places(source.place)),
        Line("    sources=("),
        *(Line(f"        {lower_call(each)},", places(each.place)) for each in sources_of(source)),
        Line("    )"),
        Line("),"),
    ]


def _rest_lines(experiment: Experiment) -> list[Line]:
    training, keys = experiment.training, {key.name: key.place for key in experiment.keys}
    places = Places()
    lines = [Line(f"sampling={lower_call(experiment.sampling)},", places(experiment.sampling.place))]
    if experiment.augment:
        lines.append(Line("augment=("))
        lines += [Line(f"    {lower_call(step)},", places(step.place)) for step in experiment.augment]
        lines.append(Line("),"))
    values: dict[str, Value] = {
        "optimizer": training.optimizer,
        "schedule": training.schedule,
        "epochs": training.epochs,
        "batch": training.batch,
        "metrics": training.metrics,
        "checkpoint": training.checkpoint,
        "seed": training.seed,
        **dict(_said(training)),
    }
    lines.append(Line("training=Training("))
    lines += [Line(f"    {key}={literal(value)},", places(keys.get(key))) for key, value in values.items()]
    lines += _rate_lines(experiment, places)
    lines.append(Line("),"))
    return lines


def _said(training: TrainingPlan) -> list[tuple[str, Value]]:
    """The settings that are not at their defaults; rates of parts become those of parameters."""
    return [(key, value) for key, value in training.settings if key != "rate" and value != default_of(TRAIN_KEYS, key)]


def _rate_lines(experiment: Experiment, places: Places) -> list[Line]:
    """What the learning rate of parameters is multiplied by, a line for each factor."""
    if not experiment.rates:
        return []
    said = next((key.place for key in experiment.keys if key.name.startswith("rate(")), None)
    rows: dict[float, list[str]] = {}
    for name, factor in experiment.rates:
        rows.setdefault(factor, []).append(f"{literal(name)}: {factor!r}")
    lines = [Line("    rates={", places(said, "what the learning rate is multiplied by"))]
    for items in rows.values():
        lines += [Line(f"        {row}") for row in filled(", ".join(items) + ",", WIDTH - 8)]
    return [*lines, Line("    },")]


def _imports(experiment: Experiment) -> list[str]:
    """The runtime's names that the text uses, sorted."""
    data, training, loss = experiment.data, experiment.training, experiment.network.loss
    assert loss is not None
    calls: list[Value] = [
        data.source,
        data.split,
        *data.prepare,
        *([data.normalize] if data.normalize else []),
        *experiment.augment,
        experiment.sampling,
        training.optimizer,
        training.schedule,
        *training.metrics,
        training.checkpoint,
        Call(loss.kind, loss.options),
        *(b.weights for b in experiment.network.backbones if b.weights is not None),
        *(value for _, value in data.settings),
        *(value for _, value in _said(training)),
    ]
    names = {"Data", "Experiment", "Network", "Training", "main", "sym"}
    names |= {"Predicting"} if predicting_lines(experiment) else set()
    names |= {"Phase"} if len(experiment.phases) > 1 else set()
    names |= {"Pretrained"} if any(b.weights for b in experiment.network.backbones) else set()
    while calls:
        match calls.pop():
            case Call(name=name, options=options):
                names.add(name)
                calls += [value for _, value in options]
            case tuple() as items:
                calls += items
    return sorted(names, key=lambda name: (name.islower(), name))

"""A network as a picture: the chain from left to right, frozen and trained apart, the loss at its end.

Folded, every block of the language is one box (see `fold`); expanded, every layer is one and the blocks are frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from types import MappingProxyType

from retdsl.ir import Backbone, Call, Loss, Network, Node, learned_numbers
from retdsl.outline import Worth, outline
from retdsl.records import replace
from retdsl.schema.spelling import spell, spell_call
from retdsl.viz.fold import Unit, fold
from retdsl.viz.graph import Arrow, Box, Form, Group, Identifiers, Key, Look, Picture
from retdsl.viz.rows import wrap
from retdsl.viz.words import (
    LEFT_BEHIND,
    amount,
    brief,
    clipped,
    counted,
    dimensions,
    layer,
    layer_in_full,
    packed,
    phrase,
    size,
    state,
    value,
)

COLUMNS = 7
EXPANDED_COLUMNS = 10
MOST_INNER = 4
"""Lines about the blocks of a stage."""

ALWAYS_SO: Mapping[str, int | None] = MappingProxyType({})
"""Nothing that is frozen is ever trained."""

JOINTS = {
    "Add": "+",
    "Multiply": "×",
    "Subtract": "−",
    "Divide": "÷",
    "Maximum": "max",
    "Minimum": "min",
    "Concat": "concat",
}


NO_CUTS: Mapping[str, Worth] = {}


def network_picture(
    network: Network,
    *,
    expand: bool = False,
    title: str | None = None,
    cuts: Mapping[str, Worth] = NO_CUTS,
    trained_from: Mapping[str, int | None] = ALWAYS_SO,
) -> Picture:
    """The picture of a network; `expand` opens the blocks; `title` stands above instead of the network's name; `cuts`
    are places to cut, by the names of their nodes: a box tells the ends of stages in it, and where it ends itself.

    What is frozen is read from the nodes: the network of an experiment shows it, a model by itself has nothing frozen.
    trained_from: of what is frozen at first, the epoch that trains each layer first, None for those that none does.
    """
    units = tuple(Unit((node,)) for node in network.nodes) if expand else fold(network)
    ids = Identifiers()
    groups, unit_groups = _groups(network, units, ids, expand, title)
    boxes = [_input_box(network, ids)]
    box_of = {network.input: boxes[0].id}
    for unit, group in zip(units, unit_groups, strict=True):
        box = _unit_box(unit, group, ids, expand, cuts, trained_from)
        boxes.append(box)
        box_of |= dict.fromkeys((node.name for node in unit.nodes), box.id)
    arrows = _arrows(network, box_of)
    if expand:
        arrows = _changes_only(arrows, boxes)
    if network.loss is not None:
        boxes.append(_loss_box(network.loss, ids))
        scores = network.node(network.loss.logits)
        label = f"{dimensions(scores.shape)}\nscores".strip()
        arrows.append(Arrow(box_of[scores.name], boxes[-1].id, label, tooltip=f"the scores, from {scores.name}"))
    return Picture(
        name=network.name,
        title=title or network.name,
        subtitle=_subtitle(network),
        legend=legend(network, trained_from),
        boxes=tuple(boxes),
        arrows=tuple(arrows),
        groups=tuple(groups),
        rows=wrap(boxes, arrows, EXPANDED_COLUMNS if expand else COLUMNS),
    )


def legend(network: Network, trained_from: Mapping[str, int | None] = ALWAYS_SO) -> tuple[Key, ...]:
    """Frozen and trained with their parameters, and what joins these later; a single entry where nothing is frozen."""
    frozen = learned_numbers(node for node in network.nodes if node.frozen)
    trained = learned_numbers(node for node in network.nodes if not node.frozen)
    if not any(node.frozen for node in network.nodes):
        return (Key(Look.TRAINED, f"all trained: {counted(trained, 'parameter')}"),)
    return (
        Key(Look.FROZEN, f"frozen: {counted(frozen, 'parameter')}"),
        Key(Look.TRAINED, f"trained: {counted(trained, 'parameter')}"),
        *(
            Key(
                Look.TRAINED,
                f"from epoch {epoch}: {amount(learned_numbers(_joining(network, trained_from, epoch)))} more",
            )
            for epoch in sorted({epoch for epoch in trained_from.values() if epoch is not None})
        ),
    )


def _joining(network: Network, trained_from: Mapping[str, int | None], epoch: int) -> list[Node]:
    """The layers that are trained from this epoch on."""
    return [node for node in network.nodes if trained_from.get(node.name) == epoch]


def loss_lines(loss: Loss) -> tuple[str, ...]:
    """The options of a loss in words: `weights 1 : 66.7`, `weights inverse frequency`."""
    lines = []
    for key, v in loss.options:
        if v is None:
            continue
        lines.append(f"{key} {phrase(v).replace('_', ' ') if isinstance(v, Call) else value(key, v)}")
    return tuple(map(clipped, packed(lines, 28)))


def _input_box(network: Network, ids: Identifiers) -> Box:
    photograph = len(network.input_shape) == 4
    return Box(
        ids.new(network.input),
        "photograph" if photograph else network.input,
        (dimensions(network.input_shape),),
        tooltip=f"{network.input}: the input",
    )


def _look(frozen: bool, backbone: str | None) -> Look:
    return Look.FROZEN if frozen else Look.LEFT if backbone == LEFT_BEHIND else Look.TRAINED


def _unit_box(
    unit: Unit,
    group: str | None,
    ids: Identifiers,
    expand: bool,
    cuts: Mapping[str, Worth],
    trained_from: Mapping[str, int | None],
) -> Box:
    first, last = unit.nodes[0], unit.nodes[-1]
    look = _look(first.frozen, first.backbone)
    count = learned_numbers(unit.nodes)
    if len(unit.nodes) == 1 and first.op in JOINTS and len(first.inputs) > 1 and first.name not in cuts:
        return Box(
            ids.new(first.name), JOINTS[first.op], (), "", look, Form.JOINT, tooltip=layer_in_full(first), group=group
        )
    figure = counted(count, "parameter") if count else ""
    if unit.blocks or unit.stage:
        title, lines = _block_words(unit)
        name, tooltip = "_".join(unit.blocks[0]) if unit.blocks else unit.stage, _block_in_full(unit)
    else:
        title, lines = layer(first)
        if len(unit.nodes) > 1:
            lines = (*lines, ", ".join(layer(node)[0] for node in unit.nodes[1:]))
        if expand and first.name not in cuts:
            lines = (first.name, *lines)
        name, tooltip = first.name, "\n\n".join(layer_in_full(node) for node in unit.nodes)
    if last.alias:
        lines = (*lines, f"as {last.alias}")
    told = [node for node in unit.nodes if cuts.get(node.name) == "stage" or (node is last and node.name in cuts)]
    epochs = {trained_from.get(node.name) for node in unit.nodes}
    if count and first.frozen and None not in epochs:
        lines = (*lines, f"until epoch {max(epoch for epoch in epochs if epoch)}")
    shown = tuple(clipped(line) for line in lines if line)
    places = tuple(clipped(spell(node.name)) for node in told)
    return Box(ids.new(name), clipped(title), shown, figure, look, tooltip=tooltip, group=group, places=places)


def _block_words(unit: Unit) -> tuple[str, tuple[str, ...]]:
    """`shrink, refine × 2` and `blocks_5 … blocks_7`, `21 layers`."""
    layers = counted(len(unit.nodes), "layer")
    if unit.stage == "stage":
        return f"stage {size(unit.shape)}".rstrip(), (layers,)
    if unit.stage:
        return unit.nodes[0].backbone or "layers", (layers,)
    said = _times(kind for kind, _ in unit.blocks)
    names = [name for _, name in unit.blocks if name]
    inner = _times(unit.inner)
    inner = inner if len(inner) <= MOST_INNER else [*inner[: MOST_INNER - 2], "…", inner[-1]]
    return _first_to_last(said, 3), (_first_to_last(names, 2), *inner, layers)


def _times(kinds: Iterable[str]) -> list[str]:
    """`shrink`, `refine × 2`."""
    runs = [(kind, len(list(run))) for kind, run in groupby(kinds)]
    return [f"{kind} × {n}" if n > 1 else kind for kind, n in runs]


def _first_to_last(items: Sequence[str], most: int) -> str:
    return ", ".join(items) if len(items) <= most else f"{items[0]} … {items[-1]}"


def _block_in_full(unit: Unit) -> str:
    first, last = unit.nodes[0], unit.nodes[-1]
    blocks = ", ".join(f"{kind}({name})" if name else kind for kind, name in unit.blocks)
    count = counted(learned_numbers(unit.nodes), "parameter")
    lines = [
        blocks or unit.stage,
        f"{first.name} to {last.name}, {counted(len(unit.nodes), 'layer')}",
        f"{count}, {state(first)}",
        str(first.place),
    ]
    return "\n".join(lines)


def _loss_box(loss: Loss, ids: Identifiers) -> Box:
    tooltip = f"{loss.name}\n{spell_call(Call(loss.kind, loss.options), 'loss')}\n{loss.place}"
    return Box(ids.new(loss.name), loss.kind, loss_lines(loss), "", Look.LOSS, role="loss", tooltip=tooltip)


def _arrows(network: Network, box_of: dict[str, str]) -> list[Arrow]:
    """One arrow for each pair of boxes; only the first to leave a box says the shape where several do."""
    arrows: dict[tuple[str, str], Arrow] = {}
    said: set[str] = set()
    shapes = {network.input: network.input_shape} | {node.name: node.shape for node in network.nodes}
    for node in network.nodes:
        for name in node.inputs:
            tail, head = box_of[name], box_of[node.name]
            if tail == head or (tail, head) in arrows:
                continue
            label = "" if name in said else dimensions(shapes[name], "\n")
            said.add(name)
            arrows[tail, head] = Arrow(tail, head, label, tooltip=f"{name}\n{dimensions(shapes[name])}".strip())
    return list(arrows.values())


def _changes_only(arrows: Sequence[Arrow], boxes: Sequence[Box]) -> list[Arrow]:
    """The arrows with a label only where the shape has changed or a block ends."""
    group = {box.id: box.group for box in boxes}
    came: dict[str, str | None] = {}
    result = []
    for arrow in arrows:
        said = arrow.label and (arrow.label != came.get(arrow.tail) or group[arrow.tail] != group[arrow.head])
        came[arrow.head] = arrow.label or came.get(arrow.tail)
        result.append(arrow if said else replace(arrow, label=""))
    return result


def _groups(
    network: Network, units: Sequence[Unit], ids: Identifiers, expand: bool, title: str | None
) -> tuple[list[Group], list[str | None]]:
    """A frame around each run of a backbone's units and, expanded, one around each block in it."""
    paths = outline(network)
    groups: list[Group] = []
    found: list[str | None] = []
    band = block = None
    previous: Unit | None = None
    for unit in units:
        backbone, frozen = unit.part
        if previous is None or previous.part != unit.part:
            band = block = None
            if frozen or backbone not in (None, title):
                band = ids.new(f"group_{backbone or 'frozen'}")
                groups.append(Group(band, _band_title(network, backbone, frozen), _look(frozen, backbone)))
        path = paths[unit.nodes[0].name] if expand else ()
        if path and (previous is None or block is None or paths[previous.nodes[0].name][:1] != path[:1]):
            block = ids.new(f"group_{path[0]}")
            groups.append(Group(block, path[0], Look.BLOCK, band))
        elif not path:
            block = None
        found.append(block or band)
        previous = unit
    return groups, found


def backbone_words(declared: Backbone) -> tuple[str, ...]:
    """Where a backbone and its weights come from, in few words; hashes and long names are left out."""
    said = brief(declared.source)
    if declared.weights is None or declared.weights == declared.source or "weights" in dict(declared.source.options):
        return said
    return (*said, f"weights {', '.join(brief(declared.weights))}")


def _band_title(network: Network, backbone: str | None, frozen: bool) -> str:
    words = ["frozen"] if frozen else []
    for declared in network.backbones:
        if declared.name == backbone:
            words += [f"backbone {declared.name}", ", ".join(backbone_words(declared))]
    return " · ".join(words or [backbone or ""])


def _subtitle(network: Network) -> str:
    facts = f"{counted(len(network.nodes), 'layer')} · {counted(learned_numbers(network.nodes), 'parameter')}"
    return f"{dimensions(network.input_shape)} in · {facts}"

"""How two networks differ: in options of layers, in layers, in what is connected with what, in names, in weights.

What is the same in many places is one difference that names them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from retdsl.compare.meaning import computation, learns_or_draws
from retdsl.compare.model import Change, Difference, Layers
from retdsl.compare.pairing import Pairing, automatic, pair_layers
from retdsl.compare.settings import optional_difference
from retdsl.compare.stretches import stretch_differences
from retdsl.compare.wiring import rewired
from retdsl.ir import Backbone, Call, Network, Node, Place, Value
from retdsl.records import dataclass, field, replace
from retdsl.schema.backbones import WEIGHTS
from retdsl.schema.lookup import find_node
from retdsl.schema.spelling import option_type, spell, spell_layer


@dataclass(frozen=True, slots=True)
class Freezing:
    """What one side freezes: as the spec says it, where, and the epoch that trains each such layer first, if any."""

    text: str = "none"
    place: Place | None = None
    trained_from: Mapping[str, int | None] = field(default_factory=dict)

    def of(self, node: Node) -> str:
        """What becomes of a layer, in words."""
        epoch = self.trained_from.get(node.name, 1)
        return "frozen" if epoch is None else "trained" if epoch == 1 else f"trained from epoch {epoch} on"


NOTHING = Freezing()


def network_differences(a: Network, b: Network, freeze_a: Freezing, freeze_b: Freezing) -> tuple[Difference, ...]:
    """All differences of two networks, without their inputs' shapes. freeze_a, freeze_b: what each side freezes."""
    pairing = pair_layers(a, b)
    nodes_a = {node.name: node for node in a.nodes}
    nodes_b = {node.name: node for node in b.nodes}
    both = [(nodes_a[x], nodes_b[y]) for x, y in pairing.pairs.items()]
    structure: list[Difference] = []
    if not pairing.same:
        structure += folded(_changed(both))
        structure += folded(stretch_differences(a, b, pairing))
        structure += folded(_rewired(a, b, pairing))
        if not structure and _loss_name(a) == _loss_name(b):
            structure.append(Difference("network", "", "rewired", (), (), a.place, b.place))
    changed = {layer for found in structure if found.kind == "changed" for layers in found.layers for layer in layers.a}
    return (
        *structure,
        *optional_difference("loss", "", _head(a), _head(b), "loss"),
        *folded(_weights(a, b, both)),
        *folded(_frozen(a, b, both, freeze_a, freeze_b)),
        *_renamed(a, b, both, changed),
    )


def folded(found: Iterable[Difference]) -> list[Difference]:
    """Differences with those that are alike but for the layer put into one."""
    alike: dict[tuple[object, ...], Difference] = {}
    for one in found:
        key = (one.key, one.what, one.kind, one.changes)
        first = alike.get(key)
        alike[key] = one if first is None else replace(first, layers=first.layers + one.layers)
    return list(alike.values())


def _changed(both: list[tuple[Node, Node]]) -> Iterator[Difference]:
    for x, y in both:
        (op_x, options_x), (op_y, options_y) = computation(x), computation(y)
        layers = (Layers((x.name,), (y.name,)),)
        if op_x != op_y:
            change = Change("", spell_layer(x.op, x.options), spell_layer(y.op, y.options))
            yield Difference("network", "", "changed", (change,), layers, x.place, y.place)
        elif options_x != options_y:
            changes = tuple(_options(x.op, dict(options_x), dict(options_y)))
            yield Difference("network", x.op, "changed", changes, layers, x.place, y.place)


def _options(op: str, a: dict[str, Value], b: dict[str, Value]) -> Iterator[Change]:
    layer = find_node(op)
    entry = layer.entry if layer else None
    for option in {**a, **b}:
        if option not in a or option not in b or a[option] != b[option]:
            kind = option_type(entry, option)
            yield Change(option, *(spell(side[option], kind) if option in side else None for side in (a, b)))


def _rewired(a: Network, b: Network, pairing: Pairing) -> Iterator[Difference]:
    for x, y in rewired(a, b, pairing):
        change = Change("takes", ", ".join(x.inputs), ", ".join(y.inputs))
        yield Difference("network", x.op, "rewired", (change,), (Layers((x.name,), (y.name,)),), x.place, y.place)


def _head(network: Network) -> Call | None:
    loss = network.loss
    return None if loss is None else Call(loss.kind, loss.options, loss.place)


def _weights(a: Network, b: Network, both: list[tuple[Node, Node]]) -> Iterator[Difference]:
    """Parameters that start from other values."""
    of_a, of_b = ({backbone.name: backbone for backbone in network.backbones} for network in (a, b))
    for x, y in both:
        from_a, from_b = of_a.get(x.backbone or ""), of_b.get(y.backbone or "")
        if x.parameters and (from_a and from_a.weights) != (from_b and from_b.weights):
            texts = weights_text(from_a), weights_text(from_b)
            if texts[0] == texts[1]:
                texts = _hashed(texts[0], from_a), _hashed(texts[1], from_b)
            change = Change("", *texts)
            layers = (Layers((x.name,), (y.name,)),)
            places = (from_a or x).place, (from_b or y).place
            yield Difference("weights", "", "changed", (change,), layers, *places)


def weights_text(backbone: Backbone | None) -> str | None:
    """Where a backbone's weights come from, as its declaration says it; None if from nowhere."""
    if backbone is None or backbone.weights is None:
        return None
    given = dict(backbone.source.options)
    if isinstance(given.get("weights"), str):
        return spell(given["weights"], WEIGHTS.type)
    return spell(str(backbone.weights["path"]), WEIGHTS.type)


def _hashed(text: str | None, backbone: Backbone | None) -> str | None:
    """The same with the beginning of the hash, where two files have one name."""
    sha256 = dict(backbone.weights.options).get("sha256") if backbone and backbone.weights else None
    return f'{text} sha256 "{str(sha256)[:8]}..."' if sha256 else text


def _frozen(
    a: Network, b: Network, both: list[tuple[Node, Node]], of_a: Freezing, of_b: Freezing
) -> Iterator[Difference]:
    """Layers that are frozen on one side only, or longer."""
    differ = [(x, y) for x, y in both if of_a.of(x) != of_b.of(y) and learns_or_draws(x)]
    if of_a.text != of_b.text and (differ or "none" in (of_a.text, of_b.text)):
        layers = tuple(Layers((x.name,), (y.name,)) for x, y in differ)
        change = Change("", of_a.text, of_b.text)
        yield Difference("freeze", "", "changed", (change,), layers, of_a.place, of_b.place)
        return
    for x, y in differ:  # the same words, but the backbone ends at another layer
        change, layers = Change("", of_a.of(x), of_b.of(y)), (Layers((x.name,), (y.name,)),)
        yield Difference("freeze", "layers", "changed", (change,), layers, a.place, b.place)


def _renamed(a: Network, b: Network, both: list[tuple[Node, Node]], changed: set[str]) -> Iterator[Difference]:
    """Layers that only have other names. A counted name that follows from a changed option is part of that change."""
    layers = [
        Layers((x.name,), (y.name,))
        for x, y in both
        if not _called_alike(x, y) and not (x.name in changed and automatic(x) and automatic(y))
    ]
    if _loss_name(a) and _loss_name(b) and _loss_name(a) != _loss_name(b):
        layers.append(Layers((_loss_name(a),), (_loss_name(b),)))
    if layers:
        yield Difference("names", "", "renamed", (), tuple(layers))


def _called_alike(x: Node, y: Node) -> bool:
    """Whether layers and the parameters that both have are saved under the same names."""
    both = zip(x.parameters, y.parameters, strict=False)
    return x.name == y.name and all(one.name == other.name for one, other in both)


def _loss_name(network: Network) -> str:
    return network.loss.name if network.loss else ""

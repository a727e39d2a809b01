"""Layers that only one of two networks has, stretch by stretch, and where they stand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from retdsl.compare.model import Change, Difference, Kind, Layers
from retdsl.compare.pairing import Pairing
from retdsl.ir import Network, Node
from retdsl.records import dataclass
from retdsl.schema.spelling import spell_call, spell_layer

MOST_SPELLED = 4
"""Layers of a stretch that are written out; of a longer one, how many there are, and the first and the last."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Layers without a pair that hang together, in order, and the paired layers before and behind them."""

    nodes: tuple[Node, ...]
    after: tuple[str, ...]
    before: tuple[str, ...]


def stretch_differences(a: Network, b: Network, pairing: Pairing) -> Iterator[Difference]:
    """Layers that came, went, or took the place of others."""
    there = {a.input: b.input, **pairing.pairs}
    back = {y: x for x, y in there.items()}
    gone: dict[object, list[Stretch]] = defaultdict(list)
    for stretch in _stretches(a, there):
        gone[_ends([there[name] for name in stretch.after], [there[name] for name in stretch.before])].append(stretch)
    for new in _stretches(b, back):
        old = gone[_ends(new.after, new.before)]
        yield _difference(a, b, old.pop(0) if old else None, new, there, back)
    for stretches in gone.values():
        for old_one in stretches:
            yield _difference(a, b, old_one, None, there, back)


def _ends(after: Sequence[str], before: Sequence[str]) -> object:
    return frozenset(after), frozenset(before)


def _stretches(network: Network, paired: Mapping[str, str]) -> list[Stretch]:
    """The layers that have no pair, put together where a value passes from one to the other."""
    lone = [node for node in network.nodes if node.name not in paired]
    group = {node.name: node.name for node in lone}

    def first(name: str) -> str:
        while group[name] != name:
            group[name] = group[group[name]]
            name = group[name]
        return name

    for node in lone:
        for name in node.inputs:
            if name in group:
                group[first(node.name)] = first(name)
    members: dict[str, list[Node]] = defaultdict(list)
    after: dict[str, list[str]] = defaultdict(list)
    before: dict[str, list[str]] = defaultdict(list)
    for node in network.nodes:
        if node.name in group:
            members[first(node.name)].append(node)
            after[first(node.name)] += [name for name in node.inputs if name not in group]
        for name in {first(name) for name in node.inputs if name in group} if node.name not in group else ():
            before[name].append(node.name)
    return [
        Stretch(tuple(nodes), tuple(dict.fromkeys(after[key])), tuple(dict.fromkeys(before[key])))
        for key, nodes in members.items()
    ]


def _difference(
    a: Network,
    b: Network,
    old: Stretch | None,
    new: Stretch | None,
    there: Mapping[str, str],
    back: Mapping[str, str],
) -> Difference:
    if new is not None:
        after = tuple(back[name] for name in new.after), new.after
        before = tuple(back[name] for name in new.before), new.before
    else:
        assert old is not None
        after = old.after, tuple(there[name] for name in old.after)
        before = old.before, tuple(there[name] for name in old.before)
    layers = Layers(
        tuple(node.name for node in old.nodes) if old else (),
        tuple(node.name for node in new.nodes) if new else (),
        (_named(after[0], a), _named(after[1], b)),
        (_named(before[0], a), _named(before[1], b)),
    )
    change = Change("", _said(old.nodes, a) if old else None, _said(new.nodes, b) if new else None)
    places = old.nodes[0].place if old else None, new.nodes[0].place if new else None
    kind: Kind = "replaced" if old and new else "added" if new else "removed"
    return Difference("network", "", kind, (change,), (layers,), *places)


def _named(names: Sequence[str], network: Network) -> str:
    """Layers in words, in the network's own order, so that both ways round give the same."""
    shown = ["the input"] if network.input in names else []
    shown += [node.name for node in network.nodes if node.name in names]
    return " and ".join(shown) if len(shown) <= 2 else f"{shown[0]} and {len(shown) - 1} others"


def _said(nodes: Sequence[Node], network: Network) -> str:
    """The layers of a stretch, written out or summed up."""
    if len(nodes) <= MOST_SPELLED:
        return " => ".join(spell_layer(node.op, node.options) for node in nodes)
    sources = {backbone.name: spell_call(backbone.source, "backbone source") for backbone in network.backbones}
    of = {sources.get(node.backbone or "") for node in nodes}
    origin = f" of {of.pop()}" if len(of) == 1 and None not in of else f", {nodes[0].name} to {nodes[-1].name}"
    return f"{len(nodes)} layers{origin}"

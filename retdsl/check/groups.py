"""Layers by the names that a cut or a `freeze` gives them: of one layer, or of a group of layers.

A group is what was written through a block of that name, and what is called so up to an underscore: `stage3` is the
block `unit_stage(stage3)`, and all of `stage3_unit1_conv1`, `stage3_unit1_bn1`, ... Enters: nodes in topological order.
Leaves: some of them, in that order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from fnmatch import fnmatchcase

from retdsl.diagnostics.suggest import Guess, guess
from retdsl.ir import Node, needed


def named_layers(nodes: Sequence[Node], asked: str) -> tuple[Node, ...]:
    """The layers that a name stands for: one layer, by its name, its name with `_output` or its `as` name, or else a
    group. Empty if there are none.

    `*` in a name stands for any letters, `?` for one; then it is a pattern for the names of layers.
    """
    if "*" in asked or "?" in asked:
        pattern = asked.replace("[", "[[]")
        return tuple(node for node in nodes if fnmatchcase(node.name, pattern))
    bare = asked.removesuffix("_output")
    one = next((node for node in nodes if asked in (node.name, node.alias) or bare == node.name), None)
    if one is not None:
        return (one,)
    start = f"{asked}_"
    return tuple(node for node in nodes if node.name.startswith(start) or asked in _blocks(node))


def exits(nodes: Sequence[Node], part: Sequence[Node]) -> tuple[Node, ...]:
    """The layers of a part where a cut at it may be: a single layer itself, of several those whose values layers
    outside of it take, or nobody, as at the end of the network.
    """
    if len(part) == 1:
        return tuple(part)
    inside = {node.name for node in part}
    taken = {source for node in nodes if node.name not in inside for source in node.inputs}
    used = {source for node in nodes for source in node.inputs}
    return tuple(node for node in nodes if node.name in inside and (node.name in taken or node.name not in used))


def before(nodes: Sequence[Node], part: Set[str]) -> frozenset[str]:
    """A part with everything that it depends on."""
    found = needed(nodes, part)
    return frozenset(node.name for node in nodes if node.name in found)


def behind(nodes: Sequence[Node], part: Set[str]) -> frozenset[str]:
    """A part with everything that depends on it."""
    found = set(part)
    for node in nodes:
        if not found.isdisjoint(node.inputs):
            found.add(node.name)
    return frozenset(found)


def guess_name(nodes: Sequence[Node], asked: str) -> Guess:
    """Which layers and groups come nearest to `asked`."""
    return guess(asked.removesuffix("_output"), [*(node.alias or node.name for node in nodes), *groups(nodes)])


def groups(nodes: Sequence[Node]) -> dict[str, tuple[Node, ...]]:
    """All groups of two layers or more, by name, the larger one first where two begin at one layer."""
    return _shared(nodes, lambda node: dict.fromkeys([*_blocks(node), *beginnings(node.name)]))


def stages(nodes: Sequence[Node]) -> list[str]:
    """The names of the coarsest groups of a network, in its order: what one might want to freeze."""
    return list(_shared(nodes, lambda node: beginnings(node.name)[:1]))


def _shared(nodes: Sequence[Node], names: Callable[[Node], Iterable[str]]) -> dict[str, tuple[Node, ...]]:
    found: dict[str, list[Node]] = {}
    for node in nodes:
        for name in names(node):
            found.setdefault(name, []).append(node)
    layers = {node.name for node in nodes}
    return {name: tuple(group) for name, group in found.items() if len(group) > 1 and name not in layers}


def _blocks(node: Node) -> list[str]:
    """The names of the blocks that a layer was written through; their numbers are none."""
    labels = (block.partition("(")[2].removesuffix(")") for block in node.path)
    return [label for label in labels if label and not label.isdigit()]


def beginnings(name: str) -> list[str]:
    """`stage3` and `stage3_unit1` of `stage3_unit1_conv1`."""
    pieces = name.split("_")
    return ["_".join(pieces[:count]) for count in range(1, len(pieces)) if pieces[0]]

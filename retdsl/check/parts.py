"""Parts of a network: a layer, or a group of layers that share a name, found by what a cut or a `freeze` says.

A group is what was written through a block of that name, and what is called so up to an underscore: `stage3` is the
block `unit_stage(stage3)`, and all of `stage3_unit1_conv1`, `stage3_unit1_bn1`, ... Enters: nodes in topological order.
Leaves: some of them, in that order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence, Set
from fnmatch import fnmatchcase

from retdsl.check.graph import find_cut
from retdsl.diagnostics.suggest import Guess, guess
from retdsl.ir import Node


def find_part(nodes: Sequence[Node], asked: str) -> tuple[Node, ...]:
    """The layers that a name stands for: one layer, by its name or `as` name, or a group. Empty if there are none.

    `*` in a name stands for any letters, `?` for one; then it is a pattern for the names of layers.
    """
    if is_pattern(asked):
        pattern = asked.replace("[", "[[]")
        return tuple(node for node in nodes if fnmatchcase(node.name, pattern))
    one = find_cut(nodes, asked)
    if one is not None:
        return (one,)
    start = f"{asked}_"
    return tuple(node for node in nodes if node.name.startswith(start) or asked in _blocks(node))


def is_pattern(name: str) -> bool:
    """Whether a name has wildcards."""
    return "*" in name or "?" in name


def exits(nodes: Sequence[Node], part: Iterable[Node]) -> tuple[Node, ...]:
    """The layers of a part whose values others take, or nobody: the end of the network."""
    inside = {node.name for node in part}
    taken = {source for node in nodes if node.name not in inside for source in node.inputs}
    used = {source for node in nodes for source in node.inputs}
    return tuple(node for node in nodes if node.name in inside and (node.name in taken or node.name not in used))


def before(nodes: Sequence[Node], part: Set[str]) -> frozenset[str]:
    """A part with everything that it depends on."""
    found = set(part)
    for node in reversed(nodes):
        if node.name in found:
            found.update(node.inputs)
    return frozenset(node.name for node in nodes if node.name in found)


def behind(nodes: Sequence[Node], part: Set[str]) -> frozenset[str]:
    """A part with everything that depends on it."""
    found = set(part)
    for node in nodes:
        if not found.isdisjoint(node.inputs):
            found.add(node.name)
    return frozenset(found)


def guess_part(nodes: Sequence[Node], asked: str) -> Guess:
    """Which layers and groups come nearest to `asked`."""
    return guess(asked.removesuffix("_output"), [*(node.alias or node.name for node in nodes), *group_names(nodes)])


def group_names(nodes: Sequence[Node]) -> list[str]:
    """The names that stand for two layers or more."""
    return _shared(nodes, lambda node: [*_blocks(node), *beginnings(node.name)])


def stage_names(nodes: Sequence[Node]) -> list[str]:
    """The coarsest groups of a network, in its order: what one might want to freeze."""
    return _shared(nodes, lambda node: beginnings(node.name)[:1])


def _shared(nodes: Sequence[Node], names: Callable[[Node], list[str]]) -> list[str]:
    layers = {node.name for node in nodes}
    counts = Counter(name for node in nodes for name in dict.fromkeys(names(node)))
    return [name for name, count in counts.items() if count > 1 and name not in layers]


def _blocks(node: Node) -> list[str]:
    """The names of the blocks that a layer was written through, from the outermost; their numbers are none."""
    labels = (block.partition("(")[2].removesuffix(")") for block in node.path)
    return [label for label in labels if label and not label.isdigit()]


def beginnings(name: str) -> list[str]:
    """`stage3` and `stage3_unit1` of `stage3_unit1_conv1`."""
    pieces = name.split("_")
    return ["_".join(pieces[:count]) for count in range(1, len(pieces)) if pieces[0]]

"""A network's outline: of which parts it consists, as the blocks say that its layers were written through, or, of an
imported network, its graph and its names.

Enters: a network. Leaves: for each of its nodes the one or two blocks that a reader would name.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from retdsl.ir import Network, Node
from retdsl.outline.names import Path, named_parts
from retdsl.outline.waists import waists


def outline(network: Network) -> dict[str, Path]:
    """The part that each node belongs to, by the node's name: none, a block, or a stage and a block of it.

    A stage puts other blocks, with names of their own, one after the other; besides these it has one layer at most,
    such as a pooling. Blocks that all nodes of a backbone share say nothing and are left out, and so are blocks that
    only put stages one after the other, whose names say nothing of theirs.
    """
    paths = _without_wrappers(_without_shared(network))
    inner: dict[Path, set[str]] = defaultdict(set)
    layers: Counter[Path] = Counter()
    for node in network.nodes:
        path = paths[node.name]
        inner[path[:1]].update(path[1:2])
        layers[path] += 1 if len(node.inputs) == 1 else 2  # what joins branches makes them one thing
    stages = {
        part
        for part, blocks in inner.items()
        if part and len(blocks) > 1 and layers[part] <= 1 and _label(part[0]) not in map(_label, blocks)
    }
    return {name: path[:2] if path[:1] in stages else path[:1] for name, path in paths.items()}


def _label(block: str) -> str:
    """`stage1` of `dense_stage(stage1)`."""
    return block.partition("(")[2]


def _without_shared(network: Network) -> dict[str, Path]:
    members: dict[str | None, list[Node]] = defaultdict(list)
    for node in network.nodes:
        members[node.backbone].append(node)
    paths: dict[str, Path] = {}
    for backbone, nodes in members.items():
        if backbone is not None and not any(node.path for node in nodes):
            paths |= named_parts(nodes, frozenset(waists(network)))
        else:
            shared = _common([node.path for node in nodes])
            paths |= {node.name: node.path[shared:] for node in nodes}
    return paths


def _without_wrappers(paths: dict[str, Path]) -> dict[str, Path]:
    inside: dict[Path, set[Path]] = defaultdict(set)
    for path in paths.values():
        for end in range(1, min(len(path), 3)):
            inside[path[:end]].add(path[: end + 1])
    wrappers = {
        part
        for part, blocks in inside.items()
        if len(part) == 1
        and sum(len(inside.get(block, ())) > 1 for block in blocks) > 1
        and not any(_label(block[1]).startswith(_label(part[0]).replace(")", "_")) for block in blocks)
    }
    return {name: path[1:] if path[:1] in wrappers else path for name, path in paths.items()}


def _common(paths: Sequence[Path]) -> int:
    """How many leading elements all the paths share."""
    shared = 0
    for column in zip(*paths, strict=False):
        if len(set(column)) > 1:
            break
        shared += 1
    return shared

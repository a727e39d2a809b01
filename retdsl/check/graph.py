"""A network under construction: nodes in order, unique names, automatic names, and what leads to one of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from retdsl.diagnostics import Diagnostics, Label
from retdsl.ir import Node, Shape, needed
from retdsl.records import dataclass, field
from retdsl.source import Span


@dataclass(frozen=True, slots=True)
class Wire:
    """A value that flows: the node it comes from, and its shape. Both None after a mistake, which silences the rest."""

    node: str | None = None
    shape: Shape | None = None


UNKNOWN = Wire()


@dataclass(slots=True)
class Graph:
    """Nodes by name, in topological order, and the place where each, and each `as` name, was written."""

    nodes: dict[str, Node] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)
    reserved: dict[str, Span] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    aliases: dict[str, Span] = field(default_factory=dict)

    def automatic_name(self, prefix: str) -> str:
        """`fc1`, `fc2`, ...: the next free one, counted within this network alone."""
        while True:
            self.counters[prefix] = self.counters.get(prefix, 0) + 1
            name = f"{prefix}{self.counters[prefix]}"
            if name not in self.nodes and name not in self.reserved:
                return name

    def add(self, node: Node, span: Span, out: Diagnostics) -> bool:
        """Takes a node in; False, with a message, if its name is taken."""
        earlier = self.spans.get(node.name) or self.reserved.get(node.name)
        if earlier is not None:
            first = [] if earlier == span else [Label(earlier, "the other one is named here")]
            helps = ["give it another `name`; in a block, build the name from a parameter"]
            out.report("R207", f"two layers are named `{node.name}`", Label(span, "named again"), *first, helps=helps)
            return False
        self.nodes[node.name] = node
        self.spans[node.name] = span
        return True

    def take_over(self, nodes: Iterable[Node], span: Span, out: Diagnostics) -> bool:
        """Takes in nodes of a finished graph (a backbone); those that are here already stay.

        False, with a message, if a layer of another backbone has the name of one of them.
        """
        for node in nodes:
            earlier = self.nodes.setdefault(node.name, node)
            first = self.spans.setdefault(node.name, span)
            if earlier.backbone != node.backbone:
                text = f"two backbones have a layer named `{node.name}`"
                helps = ["in a block, build the names of its layers from a parameter: two networks, two names"]
                out.report("R207", text, Label(span, "named again"), Label(first, "the other backbone"), helps=helps)
                return False
        return True

    def reserve(self, names: Iterable[str], span: Span) -> None:
        """Keeps names of layers that a cut leaves out from being used again: the weights file still has them."""
        for name in names:
            self.reserved.setdefault(name, span)


def ancestors(nodes: Sequence[Node], last: str) -> list[Node]:
    """The nodes that `last` needs, itself included, in their order."""
    names = needed(nodes, [last])
    return [node for node in nodes if node.name in names]


def but_head(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """What a backbone is asked for while no model says how much of it it takes: all but its last layer that learns,
    which has as many scores as whatever it was trained for.
    """
    head = next((node for node in reversed(nodes) if node.parameters), None)
    return tuple(node for node in nodes if node is not head)

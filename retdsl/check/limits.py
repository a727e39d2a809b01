"""How large networks may grow. A network is written out when it is checked, and a few lines can ask for any size."""

from __future__ import annotations

from retdsl.records import dataclass, field

MAX_DEPTH = 100
"""Chains within chains: blocks that use blocks, forks, groups, models that continue models."""
MAX_NODES = 20_000
"""The largest networks that people train have some thousand layers."""
MAX_STEPS = 100_000
"""Steps of chains that are walked for one network, those that add no layer included."""
MAX_ALL_NODES = 100_000
MAX_ALL_STEPS = 300_000
"""Layers, and steps of chains, of all networks of a file together: some seconds' work."""


@dataclass(slots=True)
class Limits:
    """What the networks of a file have taken up so far. told: codes of the limits that were passed, each told once."""

    told: set[str] = field(default_factory=set)
    nodes: int = 0
    steps: int = 0

    def passed(self, depth: int, steps: int, nodes: int) -> tuple[str, str] | None:
        """The code and the text of a limit that a network of that depth and size is beyond, of which `nodes` are not
        counted here yet.
        """
        if depth > MAX_DEPTH:
            return "R105", f"chains within chains, more than {MAX_DEPTH} deep"
        if nodes > MAX_NODES:
            return "R405", f"the network has more than {MAX_NODES} layers"
        if steps > MAX_STEPS:
            return "R405", f"the network has more than {MAX_STEPS} steps"
        if self.nodes + nodes > MAX_ALL_NODES:
            return "R405", f"the networks of this file have more than {MAX_ALL_NODES} layers together"
        if self.steps > MAX_ALL_STEPS:
            return "R405", f"the networks of this file have more than {MAX_ALL_STEPS} steps together"
        return None

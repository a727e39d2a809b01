"""Learning rates of parts: which factor each parameter has.

Enters: the lines `rate(part) = factor` of an experiment, its network, and what is frozen when. Leaves: factors by
parameter name, or by patterns for names that nothing else has; R701 and R715.

Of two parts that share a layer the smaller one counts, so that the order of lines, and who inherits which, means
nothing; of two that are the same layers, the later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import cast

from retdsl.check.evaluate import Env, evaluate
from retdsl.check.freezing import layers_of
from retdsl.check.options import Context
from retdsl.check.selection import Selection, read_selection
from retdsl.check.settings import Settings
from retdsl.diagnostics import Diagnostics, Label
from retdsl.ir import Call, Freeze, Network, Node
from retdsl.records import dataclass
from retdsl.source import Span

KEY = "rate"
HEAD = "head"
"""What stands for all layers that belong to no backbone, where no layer has that name."""


@dataclass(frozen=True, slots=True)
class _Line:
    """One `rate(part) = factor`. span: of the part."""

    part: str
    layers: frozenset[str]
    factor: float
    span: Span


def check_rates(
    network: Network, phases: Sequence[Freeze], checked: Settings, ctx: Context
) -> tuple[tuple[str, float], ...] | None:
    """Factors by parameter name or pattern, in the network's order; None after a mistake."""
    errors = ctx.out.errors
    lines = [*_lines(network, checked, ctx)]
    throughout = frozenset(phases[-1].nodes)
    for line in lines:
        _check_learns(line, network, throughout, checked, ctx)
    if ctx.out.errors > errors:
        return None
    # Sorting is stable: of equal parts the later one stays behind the earlier.
    by_size = sorted(lines, key=lambda line: -len(line.layers))
    factors: dict[str, float] = {}
    learns: list[str] = []
    for node in network.nodes:
        names = [p.name for p in node.parameters if not p.auxiliary and node.name not in throughout]
        learns += names
        said = next((line.factor for line in reversed(by_size) if node.name in line.layers), 1.0)
        factors |= dict.fromkeys(names, said)
    return tuple(_patterns({name: factors[name] for name in learns if factors[name] != 1.0}, factors))


def _lines(network: Network, checked: Settings, ctx: Context) -> Iterator[_Line]:
    calls = {call["part"]: call for call in cast("tuple[Call, ...]", checked.values[KEY])}
    spans = {}
    for setting in checked.parts.get(KEY, ()):
        assert setting.part is not None
        val = evaluate(setting.part, Env(), Diagnostics())
        selection = None if val is None else read_selection(val, ctx.scope, Diagnostics(), anywhere=True)
        if selection is not None:
            spans[selection.text] = selection
    for part, call in calls.items():
        selection = spans[str(part)]
        layers = _layers(selection, network, checked, ctx)
        if layers is not None:
            yield _Line(str(part), layers, float(cast(float, call["value"])), selection.span)


def _layers(selection: Selection, network: Network, checked: Settings, ctx: Context) -> frozenset[str] | None:
    own = frozenset(node.name for node in network.nodes if node.backbone is None)
    named = {node.name for node in network.nodes} | {node.alias for node in network.nodes}
    if selection.text == HEAD and HEAD not in named and not any(n.startswith(f"{HEAD}_") for n in named if n):
        return own
    return layers_of(selection, network, checked, ctx)


def _check_learns(line: _Line, network: Network, throughout: frozenset[str], checked: Settings, ctx: Context) -> None:
    """Whether the rate of a part reaches anything that learns."""
    if line.part == HEAD and not network.backbones:
        text = f"the model `{network.name}` has no backbone, so all of it is its head"
        helps = ["change the rate of the optimizer, or name a part of the network"]
        ctx.out.report("R715", text, Label(line.span, "the whole network"), helps=helps)
        return
    learning = [n for n in network.nodes if n.name in line.layers and any(not p.auxiliary for p in n.parameters)]
    if not learning:
        text = f"`{line.part}` has no parameters, and so no learning rate"
        ctx.out.report("R715", text, Label(line.span, _kinds(network.nodes, line.layers)))
    elif all(node.name in throughout for node in learning):
        frozen = checked.written["freeze"]
        text = f"`{line.part}` is frozen throughout, and so has no learning rate"
        helps = ["leave this line out, or unfreeze the part at some epoch: `unfreeze(part, at_epoch = 5)`"]
        labels = [Label(line.span), Label(frozen.span, "frozen here")]
        ctx.out.report("R715", text, *labels, helps=helps)


def _kinds(nodes: Iterable[Node], names: frozenset[str]) -> str:
    kinds = dict.fromkeys(node.op for node in nodes if node.name in names)
    return f"nothing but {' and '.join(f'`{kind}`' for kind in [*kinds][:3])}"


def _patterns(wanted: dict[str, float], factors: dict[str, float]) -> Iterator[tuple[str, float]]:
    """The fewest beginnings of names, `stage1_*`, that say the same, or the names themselves."""
    done: dict[str, float] = {}
    for name, factor in wanted.items():
        ends = [at + 1 for at, character in enumerate(name) if character == "_"]
        for end in ends:
            start = name[:end]
            if all(value == factor for other, value in factors.items() if other.startswith(start)):
                done[f"{start}*"] = factor
                break
        else:
            done[name] = factor
    yield from done.items()

"""`freeze` to phases: which layers of a network stay as they are, and until when.

Enters: what `freeze` says, and the network that it says it of. Leaves: the network's nodes, those frozen at first
marked, and the phases of training; messages about what matches nothing, changes nothing or costs more than it seems.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from retdsl.check.evaluate import CallValue, Env, Val, evaluate
from retdsl.check.groups import before, beginnings, behind, guess_name, named_layers, stages
from retdsl.check.options import Context
from retdsl.check.selection import Named, Selection, read_selection
from retdsl.check.settings import Settings
from retdsl.diagnostics import Diagnostics, Fix, Label
from retdsl.ir import Freeze, Network, Node
from retdsl.records import dataclass, replace
from retdsl.source import Span
from retdsl.syntax import tree as t

if TYPE_CHECKING:
    from retdsl.check.training import Frozen

FEW = 6
"""Groups of layers that a message names."""


@dataclass(frozen=True, slots=True)
class _Item:
    """A part that is frozen or, from an epoch on, trained; `span` is where all of it stands."""

    selection: Selection
    layers: frozenset[str]
    span: Span
    from_epoch: int | None


@dataclass(frozen=True, slots=True)
class _Phase:
    """What is frozen from an epoch on; `span` is where that is said."""

    epoch: int
    frozen: frozenset[str]
    span: Span


def check_freeze(
    network: Network, checked: Settings, epochs: int, known: Frozen, ctx: Context
) -> tuple[Network, tuple[Freeze, ...]] | None:
    """The network with its frozen nodes marked, and the phases; None after a mistake.

    checked: the keys of the train block; known: what others have found, and what this finds.
    """
    errors = ctx.out.errors
    items = [*_items(network, checked, known, ctx)]
    if ctx.out.errors > errors:
        return None
    freezing = [item for item in items if item.from_epoch is None]
    frozen = frozenset[str]().union(*(item.layers for item in freezing))
    for item in freezing:
        _check_noise(item, network, ctx)
    phases = [_Phase(1, frozen, checked.written["freeze"].span)]
    unfreezing = sorted((item for item in items if item.from_epoch is not None), key=lambda item: item.from_epoch or 0)
    seen: list[_Item] = []
    for epoch, group in groupby(unfreezing, key=lambda item: item.from_epoch or 0):
        together = [*group]
        for item in together:
            _check_unfreezes(item, phases[-1].frozen, frozen, seen, network, ctx)
        seen += together
        if epoch > epochs:
            _report_never(together, epochs, checked, ctx)
            continue
        left = phases[-1].frozen.difference(*(item.layers for item in together))
        phases.append(_Phase(epoch, left, together[0].span))
    if ctx.out.errors > errors:
        return None
    _check_behind(network, phases, ctx)
    key = (network.name, network.input_shape, frozen)
    if key not in known.nodes:
        known.nodes[key] = tuple(replace(n, frozen=True) if n.name in frozen else n for n in network.nodes)
    found = [Freeze(p.epoch, tuple(n.name for n in network.nodes if n.name in p.frozen)) for p in phases]
    return replace(network, nodes=known.nodes[key]), tuple(found)


# --- what is meant


def _items(network: Network, checked: Settings, known: Frozen, ctx: Context) -> Iterator[_Item]:
    """All that the value of `freeze` lists; what matches nothing is reported and left out."""
    for written in _listed(checked.written["freeze"]):
        val = evaluate(written, Env(), Diagnostics())
        if val is None:
            continue
        if not isinstance(val.value, CallValue):
            yield from _item(val, None, written.span, network, checked, known, ctx)
            continue
        given = {a.name.name if a.name else "what": a.value for a in val.value.call.arguments}
        epoch = evaluate(given["at_epoch"], Env(), Diagnostics()) if "at_epoch" in given else None
        if "what" not in given or epoch is None or not isinstance(epoch.value, int | float):
            continue  # misspelt, which has been reported
        for part in _listed(given["what"]):
            what = evaluate(part, Env(), Diagnostics())
            if what is not None:
                yield from _item(what, int(epoch.value), written.span, network, checked, known, ctx)


def _listed(expr: t.Expr) -> tuple[t.Expr, ...]:
    """The items of a list, or a single value as the only one."""
    match expr:
        case t.Group(inner=inner):
            return _listed(inner)
        case t.Listing(items=items):
            return items
        case _:
            return (expr,)


def _item(
    val: Val, epoch: int | None, span: Span, network: Network, checked: Settings, known: Frozen, ctx: Context
) -> Iterator[_Item]:
    selection = read_selection(val, ctx.scope, ctx.out, anywhere=epoch is not None)
    if selection is None:
        return
    key = (network.name, network.input_shape, selection.text)
    layers = known.layers.get(key)
    if layers is None:
        layers = layers_of(selection, network, checked, ctx)
    if layers is not None:
        known.layers[key] = layers
        yield _Item(selection, layers, span, epoch)


def layers_of(selection: Selection, network: Network, checked: Settings, ctx: Context) -> frozenset[str] | None:
    """The names of the layers that a selection means; None after saying that there are none."""
    return _Finder(network, checked, ctx).layers(selection)


@dataclass(frozen=True, slots=True)
class _Finder:
    """Finds the layers that a selection means; None after saying that there are none."""

    network: Network
    checked: Settings
    ctx: Context

    def layers(self, selection: Selection) -> frozenset[str] | None:
        nodes: Sequence[Node] = self.network.nodes
        if selection.backbone is not None:
            if selection.backbone not in {backbone.name for backbone in self.network.backbones}:
                self._report_other_backbone(selection)
                return None
            nodes = [node for node in nodes if node.backbone == selection.backbone]
        ends = [None if end is None else self._part(end, nodes, selection) for end in (selection.first, selection.last)]
        if any(found is None and end for found, end in zip(ends, (selection.first, selection.last), strict=True)):
            return None
        first, last = ends
        if selection.one is not None and first is not None:
            return first
        between = (behind(nodes, first) if first else _names(nodes)) & (before(nodes, last) if last else _names(nodes))
        if not between:
            self._report_turned_round(selection)
            return None
        return between | (first or frozenset()) | (last or frozenset())

    def _part(self, end: Named, nodes: Sequence[Node], selection: Selection) -> frozenset[str] | None:
        found = named_layers(nodes, end.name)
        if found:
            return _names(found)
        self._report_nothing(end, nodes, selection)
        return None

    def _report_nothing(self, end: Named, nodes: Sequence[Node], selection: Selection) -> None:
        """Says that a name or a pattern matches nothing."""
        network, backbone = self.network, selection.backbone
        where = f"`{backbone}`" if backbone else f"the model `{network.name}`"
        meant = guess_name(nodes, end.name)
        groups = [f"`{name}`" for name in stages(nodes)]
        some = f"groups of its layers: {', '.join(groups[:FEW])}{', ...' if len(groups) > FEW else ''}"
        helps = [meant.question or some] if meant.question or groups else []
        fixes: list[Fix] = []
        if len(meant.names) == 1:
            written = replace(end, name=meant.names[0], quoted=end.quoted or not meant.names[0].isidentifier())
            fixes = [Fix.at(end.span, written.text)]
        text, label = f"{where} has no part `{end.name}`", "no such layer, nor a group of layers"
        if end.quoted:
            text, label = f"no layer of {where} matches `{end.text}`", "a text is a pattern for names of layers"
        if end.quoted and end.name in {declared.name for declared in network.backbones}:
            helps, fixes = [f"the name of a backbone has no quotes: write `{end.name}`"], [Fix.at(end.span, end.name)]
        notes = [f"the model `{network.name}` takes `{backbone}` up to `{nodes[-1].name}`"] if backbone else []
        self.ctx.out.report("R701", text, Label(end.span, label), notes=notes, helps=helps, fixes=fixes)

    def _report_turned_round(self, selection: Selection) -> None:
        first, last = selection.first, selection.last
        assert first is not None, "a range up to its last layer holds that layer at least"
        assert last is not None, "a range from its first layer on holds that layer at least"
        text = f"nothing lies between `{first.name}` and `{last.name}`"
        turned = replace(selection, first=last, last=first).text
        helps = [f"the earlier layer stands first: write `{turned}`"]
        label = Label(selection.span, f"`{first.name}` does not lead to `{last.name}`")
        self.ctx.out.report("R701", text, label, helps=helps, fixes=[Fix.at(selection.span, turned)])

    def _report_other_backbone(self, selection: Selection) -> None:
        network, name = self.network, selection.backbone
        model = self.checked.place("model", selection.span)
        known = " and ".join(f"`{backbone.name}`" for backbone in network.backbones)
        made = Label(model, f"this model is built on {known or 'no backbone'}")
        notes = [f"what is not part of `{network.name}` is not trained with it"]
        helps = [f"write `freeze = {known.replace('`', '')}`"] if len(network.backbones) == 1 else []
        text = f"the model `{network.name}` does not contain `{name}`"
        self.ctx.out.report("R701", text, Label(selection.span), made, notes=notes, helps=helps)


def _names(nodes: Iterable[Node]) -> frozenset[str]:
    return frozenset(node.name for node in nodes)


# --- what comes of it


def _check_noise(item: _Item, network: Network, ctx: Context) -> None:
    """Warns of frozen parameters that are random numbers."""
    weights = {backbone.name: backbone.weights for backbone in network.backbones}
    learns = [node for node in network.nodes if node.name in item.layers and node.parameters]
    noise = [node for node in learns if node.backbone is None or weights[node.backbone] is None]
    if not noise:
        return
    declared = [ctx.scope.find("backbone", name) for name in dict.fromkeys(n.backbone or "" for n in noise)]
    bare = [Label(found.name.span, "declared here, without `weights`") for found in declared if found is not None]
    text = f"`{item.selection.text}` is frozen without pretrained weights"
    notes = ["its parameters are random numbers and would stay so"]
    if len(noise) < len(learns):
        text = f"`{item.selection.text}` freezes layers without pretrained weights"
        more = f" and of {len(noise) - 1} more" if len(noise) > 1 else ""
        notes = [f"the parameters of `{noise[0].name}`{more} are random numbers and would stay so"]
    where = bare[0].span.text if bare else "it"
    helps = ["give it weights, or do not freeze it" if len(bare) == 1 or not bare else f"give `{where}` weights"]
    ctx.out.report("R704", text, Label(item.span), *bare, notes=notes, helps=helps)


def _check_unfreezes(
    item: _Item,
    frozen: frozenset[str],
    at_first: frozenset[str],
    earlier: Sequence[_Item],
    network: Network,
    ctx: Context,
) -> None:
    """Whether anything of what is unfrozen is frozen until then."""
    if item.layers & frozen:
        return
    text, what = f"`{item.selection.text}` is not frozen", item.selection.span
    before = next((one for one in earlier if one.layers & item.layers & at_first), None)
    if before is not None:
        text += f" any more at epoch {item.from_epoch}"
        again = Label(before.span, f"trained from epoch {before.from_epoch} on")
        ctx.out.report("R714", text, Label(what), again, helps=["leave one of the two out"])
        return
    backbone = next(node.backbone for node in network.nodes if node.name in item.layers)
    first = f"freeze it first, as `freeze = [{backbone}, unfreeze(...)]` does" if backbone else "freeze it first"
    ctx.out.report("R714", text, Label(what), helps=[f"{first}, or leave this out"])


def _report_never(items: Sequence[_Item], epochs: int, checked: Settings, ctx: Context) -> None:
    """Says that training ends before an epoch comes."""
    for span, group in groupby(items, key=lambda item: item.span):
        parts = [*group]
        names = " and ".join(f"`{item.selection.text}`" for item in parts)
        be = "is" if len(parts) == 1 else "are"
        text = f"{names} {be} unfrozen at epoch {parts[0].from_epoch}, and training ends with epoch {epochs}"
        ends = [Label(checked.written["epochs"].span, "ends here")] if "epochs" in checked.written else []
        notes = [] if ends else [f"without `epochs` there are {epochs}"]
        ctx.out.report("R711", text, Label(span, "never comes"), *ends, notes=notes)


def _check_behind(network: Network, phases: Sequence[_Phase], ctx: Context) -> None:
    """Warns where gradients have to pass through what is frozen, in the first phase that has this."""
    for phase in phases:
        trained = frozenset(node.name for node in network.nodes if node.parameters and node.name not in phase.frozen)
        above = behind(network.nodes, trained)
        passed = [n for n in network.nodes if n.name in phase.frozen and n.name in above and n.parameters]
        passed = [node for node in passed if node.op != "BatchNorm"]  # whose statistics are frozen for their own sake
        if not passed:
            continue
        lowest = next(node.name for node in network.nodes if node.name in trained)
        layers = "1 frozen layer" if len(passed) == 1 else f"{len(passed)} frozen layers"
        notes = [f"gradients are computed through {layers} to reach `{lowest}`: it saves neither time nor memory"]
        text, helps = (
            f"`{passed[0].name}` is frozen behind layers that are trained",
            ["freeze what comes before it, too"],
        )
        if phase.epoch > 1:
            text, helps = f"{text} from epoch {phase.epoch} on", ["unfreeze what lies behind it first"]
        elif passed[-1].backbone is not None:
            helps = [f"{helps[0]}: `{passed[-1].backbone}[.. {_group(passed[-1], network, phase.frozen)}]`"]
        ctx.out.report("R712", text, Label(phase.span, f"leaves `{lowest}` trained"), notes=notes, helps=helps)
        return


def _group(last: Node, network: Network, frozen: frozenset[str]) -> str:
    """The largest group of a layer that is frozen as a whole, by its name; or the layer's own name."""
    names = [name for name in beginnings(last.name) if _names(named_layers(network.nodes, name)) <= frozen]
    name = names[0] if names else last.name
    return name if name.isidentifier() else f'"{name}"'

"""Whether the tensors of a weights file are the parameters of the network that they are for.

Enters: what is in the file, the nodes of the whole network, and those that a model takes of it. Leaves: nothing, or one
message that lists all that is missing, misshapen, or of no use. What a cut leaves away may be missing or misshapen: a
head of other classes is no mistake in a model that has its own. What the file has besides is one where another library
made it: then it holds another network. A network that retdsl saved may have more layers than the backbone has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from retdsl.check.fixes import as_written
from retdsl.check.weights import Weights
from retdsl.diagnostics import Diagnostic, Diagnostics, Label
from retdsl.ir import Backbone, Node, Shape
from retdsl.records import dataclass

if TYPE_CHECKING:
    from retdsl.weights.layouts import Renamed
    from retdsl.weights.model import Sizes

MOST_LINES = 6
MOST_NAMES = 4
"""Parameters, and other tensors, that a message lists; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """What is wrong with a file for a network. lines: each missing or misshapen parameter in words; names: of these;
    extra: tensors of the file that the network has no place for.
    """

    lines: tuple[str, ...]
    names: tuple[str, ...]
    extra: tuple[str, ...]


def check_fit(
    weights: Weights, backbone: Backbone, whole: Sequence[Node], taken: Sequence[Node], out: Diagnostics
) -> bool:
    """Whether weights fit, as far as is known; if not, that is reported.

    whole: all nodes of the backbone; taken: those that a model needs.
    """
    if weights.file is None or not whole:
        return True
    from retdsl.weights.layouts import rename

    layout = dict(weights.load.options).get("layout")
    shapes = weights.file.shapes
    found = compare(parameters(whole), parameters(taken), rename(str(layout) if layout else None, shapes), shapes)
    if found is not None:
        out.add(_message(found, weights, backbone, whole, taken), same="")
    return found is None


def but_head(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """What a backbone is asked for while no model says how much of it it takes: all but its last layer that learns,
    which has as many scores as whatever it was trained for.
    """
    head = next((node for node in reversed(nodes) if node.parameters), None)
    return tuple(node for node in nodes if node is not head)


def compare(
    whole: Mapping[str, Shape | None], needed: Mapping[str, Shape | None], renamed: Renamed, shapes: Mapping[str, Sizes]
) -> Misfit | None:
    """What is wrong with a file for a network with the parameters `whole`, of which `needed` are asked for."""
    from retdsl.weights.layouts import misfits

    wrong = {name: misfits({name: shape}, renamed, shapes) for name, shape in needed.items()}
    names = tuple(name for name, lines in wrong.items() if lines)
    extra = (*renamed.unknown, *(theirs for ours, theirs in renamed.names.items() if ours not in whole))
    if not names and not (extra and renamed.origin):
        return None
    return Misfit(tuple(line for name in names for line in wrong[name]), names, extra)


def parameters(nodes: Iterable[Node]) -> dict[str, Shape | None]:
    """What nodes learn and keep, by name."""
    return {parameter.name: parameter.shape for node in nodes for parameter in node.parameters}


def _message(
    found: Misfit, weights: Weights, backbone: Backbone, whole: Sequence[Node], taken: Sequence[Node]
) -> Diagnostic:
    assert weights.file is not None
    source = backbone.source
    network = f"`{source['name']}`" if source.name == "zoo" else f"the block `{source.name}`"
    count = len(parameters(taken))
    extent = f"{len(found.names)} of {count} parameters" if found.names else f"{_tensors(len(found.extra))} too many"
    held = f"it holds {_tensors(len(weights.file.tensors))} ({weights.file.format})"
    notes = list(found.lines if len(found.lines) <= MOST_LINES + 1 else found.lines[:MOST_LINES])
    notes += [f"and {len(found.lines) - MOST_LINES} more"] if len(found.lines) > MOST_LINES + 1 else []
    notes += [f"the file also has {_listed(found.extra)}, for which the network has no place"] if found.extra else []
    text = f"the weights {weights.called} do not fit {network}: {extent}"
    helps = _helps(found, weights, backbone, whole)
    return Diagnostic("R806", text, (Label(weights.at, held),), tuple(notes), tuple(helps), ())


def _helps(found: Misfit, weights: Weights, backbone: Backbone, whole: Sequence[Node]) -> list[str]:
    from retdsl.weights.layouts import describe, recognise

    assert weights.file is not None
    learning = [node for node in whole if node.parameters]
    head = next((node for node in reversed(learning) if any(p.name in found.names for p in node.parameters)), None)
    only_head = head is learning[-1] and {p.name for p in head.parameters} >= set(found.names) and not found.extra
    if only_head and head is not None:
        helps = [f"only the head differs: cut before it, as in `{backbone.name}[{as_written(head.inputs[0])}]`"]
        classes = _classes_of(head, weights)
        if classes is not None and backbone.source.name == "zoo":
            helps.append(f"or write `zoo({backbone.source['name']}, classes = {classes})`, which the file fits")
        return helps
    alike = describe(recognise(weights.file.shapes))
    if alike is not None:
        return [f"the file looks like {alike}"]
    if backbone.source.name == "zoo":
        return ["name the network that they were trained with, or weights of this one"]
    return ["the block's layers must have the names and sizes that they had when the file was written"]


def _classes_of(head: Node, weights: Weights) -> int | None:
    """How many classes the head in the file has; None if the file has no such head."""
    from retdsl.weights.layouts import rename

    assert weights.file is not None
    layout, shapes = dict(weights.load.options).get("layout"), weights.file.shapes
    names = rename(str(layout) if layout else None, shapes).names
    stored = [shapes[names[p.name]] for p in head.parameters if p.name in names]
    counts = {shape[0] for shape in stored if shape}
    return counts.pop() if len(counts) == 1 and len(stored) == len(head.parameters) else None


def _tensors(count: int) -> str:
    return f"{count} tensor" if count == 1 else f"{count} tensors"


def _listed(names: Sequence[str]) -> str:
    names = [name.removeprefix("arg:").removeprefix("aux:") for name in names]
    shown = names if len(names) <= MOST_NAMES + 1 else names[:MOST_NAMES]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")

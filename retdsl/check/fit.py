"""Whether the tensors of a weights file are the parameters of the network that they are for.

Enters: what is in the file, the nodes of the whole network, and those that a model takes of it. Leaves: nothing, or one
message that lists all that is missing, misshapen, or of no use. What a cut leaves away may be missing or misshapen: a
head of other classes is no mistake in a model that has its own. What the file has besides is one where another library
made it: then it holds another network. A network that retdsl saved may have more layers than the backbone has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from retdsl.check.fixes import as_written
from retdsl.check.weights import Weights
from retdsl.diagnostics import Diagnostic, Diagnostics, Label
from retdsl.ir import Backbone, Node, Shape
from retdsl.records import dataclass
from retdsl.weights.layouts import Renamed, describe, misfits, plain_name, recognise, rename
from retdsl.weights.model import Sizes, WeightsFile

MOST_LINES = 5
MOST_NAMES = 4
MOST_OF_OTHERS = 3
"""Parameters, other tensors, and parameters where the file is another network's, that a message lists; the rest is
counted. One more is shown, not counted.
"""


@dataclass(frozen=True, slots=True)
class Misfit:
    """What is wrong with a file for a network. lines: each missing or misshapen parameter in words; names: of these;
    extra: tensors of the file that the network has no place for.
    """

    lines: tuple[str, ...]
    names: tuple[str, ...]
    extra: tuple[str, ...]

    def extent(self, count: int) -> str:
        """How much is wrong, of `count` parameters that were asked for."""
        return f"{len(self.names)} of {count} parameters" if self.names else f"{tensor_count(len(self.extra))} too many"

    def told(self, *, other: bool) -> list[str]:
        """What is wrong, as notes. other: the file looks like another network's: a few lines are enough."""
        few = other and bool(self.lines)
        notes = [listed(self.lines, MOST_OF_OTHERS if few else MOST_LINES)] if self.lines else []
        if self.extra and not few:
            notes.append(f"the file also has {_in_a_row(self.extra)}, for which the network has no place")
        return notes


def check_fit(
    weights: Weights,
    file: WeightsFile,
    backbone: Backbone,
    whole: Sequence[Node],
    taken: Sequence[Node],
    out: Diagnostics,
) -> bool:
    """Whether the file of these weights fits; if not, that is reported.

    whole: all nodes of the backbone, none after a mistake; taken: those that a model needs.
    """
    if not whole:
        return True
    renamed = rename(_layout(weights), file.shapes)
    found = compare(parameters(whole), parameters(taken), renamed, file.shapes)
    if found is not None:
        out.add(_message(found, weights, file, backbone, whole, taken), same="")
    return found is None


def _layout(weights: Weights) -> str | None:
    layout = dict(weights.load.options).get("layout")
    return str(layout) if layout else None


def compare(
    whole: Mapping[str, Shape | None], needed: Mapping[str, Shape | None], renamed: Renamed, shapes: Mapping[str, Sizes]
) -> Misfit | None:
    """What is wrong with a file for a network with the parameters `whole`, of which `needed` are asked for."""
    wrong = {name: misfits({name: shape}, renamed, shapes) for name, shape in needed.items()}
    names = tuple(name for name, lines in wrong.items() if lines)
    extra = (*renamed.unknown, *(theirs for ours, theirs in renamed.names.items() if ours not in whole))
    if not names and not (extra and renamed.origin):
        return None
    return Misfit(tuple(line for name in names for line in wrong[name]), names, extra)


def parameters(nodes: Iterable[Node]) -> dict[str, Shape | None]:
    """What nodes learn and keep, by name."""
    return {parameter.name: parameter.shape for node in nodes for parameter in node.parameters}


def does_not_fit(weights: str, network: str) -> str:
    """How messages about weights that do not fit begin."""
    return f"the weights {weights} do not fit {network}"


def listed(lines: Sequence[str], most: int = MOST_LINES) -> str:
    """What is wrong with a file, line by line, as one note."""
    shown = lines if len(lines) <= most + 1 else [*lines[:most], f"... and {len(lines) - most} more"]
    return "\n".join(shown)


def _message(
    found: Misfit,
    weights: Weights,
    file: WeightsFile,
    backbone: Backbone,
    whole: Sequence[Node],
    taken: Sequence[Node],
) -> Diagnostic:
    source = backbone.source
    network = f"`{source['name']}`" if source.name == "zoo" else f"the block `{source.name}`"
    alike = describe(recognise(file.shapes))
    held = f"it holds {tensor_count(len(file.tensors))} ({file.format})"
    notes = found.told(other=alike is not None)
    text = f"{does_not_fit(weights.called, network)}: {found.extent(len(parameters(taken)))}"
    helps = _of_the_head(found, weights, file, backbone, whole)
    if not helps:
        helps = [_another(backbone) if alike is None else f"the file looks like {alike}"]
    return Diagnostic("R806", text, (Label(weights.at, held),), tuple(notes), tuple(helps), ())


def _of_the_head(
    found: Misfit, weights: Weights, file: WeightsFile, backbone: Backbone, whole: Sequence[Node]
) -> list[str]:
    """What to do if only the head differs."""
    learning = [node for node in whole if node.parameters]
    head = next((node for node in reversed(learning) if any(p.name in found.names for p in node.parameters)), None)
    if head is None or head is not learning[-1] or found.extra:
        return []
    if not {p.name for p in head.parameters} >= set(found.names):
        return []
    helps = [f"only the head differs: cut before it, as in `{backbone.name}[{as_written(head.inputs[0])}]`"]
    classes = _classes_of(head, weights, file)
    if classes is not None and backbone.source.name == "zoo":
        helps.append(f"or write `zoo({backbone.source['name']}, classes = {classes})`, which the file fits")
    return helps


def _another(backbone: Backbone) -> str:
    if backbone.source.name == "zoo":
        return "name the network that they were trained with, or weights of this one"
    return "the block's layers must have the names and sizes that they had when the file was written"


def _classes_of(head: Node, weights: Weights, file: WeightsFile) -> int | None:
    """How many classes the head in the file has; None if the file has no such head."""
    shapes = file.shapes
    names = rename(_layout(weights), shapes).names
    stored = [shapes[names[p.name]] for p in head.parameters if p.name in names]
    counts = {shape[0] for shape in stored if shape}
    return counts.pop() if len(counts) == 1 and len(stored) == len(head.parameters) else None


def tensor_count(count: int) -> str:
    return f"{count} tensor" if count == 1 else f"{count} tensors"


def _in_a_row(names: Sequence[str]) -> str:
    names = [plain_name(name) for name in names]
    shown = names if len(names) <= MOST_NAMES + 1 else names[:MOST_NAMES]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")

"""BatchNorms that are folded into the convolution or dense layer before them, where the network only predicts.

Enters: networks. Leaves: `Execution.folds`. Guaranteed: nobody but the BatchNorm looks at what its layer gives, and
both count the same axis as channels, so that one layer with other weights and a bias gives what both of them give.

With its stored statistics a BatchNorm is `gamma (x - mean) / sqrt(var + eps) + beta`: a factor and a summand for each
channel. A convolution whose weights are multiplied by the factor, and whose bias takes in the rest, does it on the way
(Jacob et al. 2018, arXiv:1712.05877, section 3.2). A BatchNorm that stands before its convolution, as in ResNet v2, or
behind a sum or a Concat stays: there is a layer in between that is not linear, or more than one layer to fold it into.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from retdsl.ir import Experiment, Fold, Network, Node, Program
from retdsl.passes.each import counted, decided, of_each
from retdsl.schema.lookup import find_node

_LINEAR = ("Convolution", "FullyConnected", "Deconvolution")
_CHANNELS_SECOND = (None, "None", "NCW", "NCHW", "NCDHW")


def fold_batch_norms(program: Program) -> Program:
    """Every experiment with its folds. Behind layers that are idle (`Execution.idle`) is right behind."""
    return of_each(program, lambda one: decided(one, folds=folds_of(one.network, frozenset(one.execution.idle))))


def folds_of(network: Network, idle: frozenset[str] = frozenset()) -> tuple[Fold, ...]:
    """The BatchNorms of a network that can be folded, each with the layer that takes it in. idle: what is left out."""
    nodes = {node.name: node for node in network.nodes}
    uses = Counter(source for node in network.nodes for source in node.inputs)
    uses[network.output] += 1
    found: list[Fold] = []
    for node in network.nodes:
        if _kind(node) != "BatchNorm" or not _is_plain(node):
            continue
        before = _behind_idle(node, nodes, uses, idle)
        if before is not None and _takes_in(before):
            found.append(Fold(before.name, node.name))
    return tuple(found)


def _behind_idle(node: Node, nodes: Mapping[str, Node], uses: Counter[str], idle: frozenset[str]) -> Node | None:
    """The layer whose value a node takes, and nobody else does; None if there is none."""
    source = node.inputs[0]
    while uses[source] == 1 and source in nodes:
        if source not in idle:
            return nodes[source]
        source = nodes[source].inputs[0]
    return None


def _is_plain(node: Node) -> bool:
    """Whether a BatchNorm counts the second axis as channels, and gives nothing but the value."""
    options = dict(node.options)
    return int(str(options.get("axis", 1))) == 1 and str(options.get("output_mean_var", False)) in ("False", "0")


def _takes_in(node: Node) -> bool:
    """Whether a layer is linear, with channels along the second axis of what it gives, and no slower for a bias.

    A Deconvolution that gets one takes MXNet 1.9.1 longer than the BatchNorm did; one that has a bias anyway does not.
    """
    options = dict(node.options)
    match _kind(node):
        case "FullyConnected":
            return node.shape is not None and len(node.shape) == 2
        case "Convolution":
            return options.get("layout") in _CHANNELS_SECOND
        case "Deconvolution":
            return options.get("layout") in _CHANNELS_SECOND and len(node.parameters) > 1
    return False


def _kind(node: Node) -> str:
    """MXNet's name for what a layer does, if it is one of those that matter here."""
    layer = find_node(node.op) if node.op == "BatchNorm" or node.op in _LINEAR else None
    return "" if layer is None else layer.operator


def tell_folds(_: Experiment, after: Experiment) -> str:
    """How many, and why the others stay."""
    nodes, folds = after.network.nodes, after.execution.folds
    norms = sum(node.op == "BatchNorm" for node in nodes)
    if not norms:
        return "There is no BatchNorm."
    if not folds:
        return f"None of {counted(norms, 'BatchNorm')} stands right behind a convolution or dense layer of its own."
    text = (
        f"{len(folds):,} of {counted(norms, 'BatchNorm')} {'is' if len(folds) == 1 else 'are'} computed by the layer "
        "before wherever the network only predicts: weights are multiplied once instead of values in every batch."
    )
    if rest := norms - len(folds):
        text += f" Of {rest:,} what comes right before is no convolution or dense layer, or serves others, too."
    return f"{text} Checkpoints keep the weights as they are trained."

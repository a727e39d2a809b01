"""Experiments of a file for which the frozen part makes the same of a photograph.

Enters: experiments with their pieces. Leaves: `Execution.shares_features_with`. Guaranteed: what two experiments share
is computed from the same steps, by the same layers, with the same weights; epochs, sampling, head and folds may differ.

Features are kept on disk by what they are made of, so experiments that share them need nothing of each other: whichever
comes first computes them, whoever comes later finds them.
"""

from __future__ import annotations

from collections.abc import Hashable

from retdsl.ir import Backbone, Experiment, Program
from retdsl.passes.each import decided, keeps_features, multiplications, share_text
from retdsl.records import replace


def share(program: Program) -> Program:
    """Every experiment with the names of the others that share its features; none without a frozen part."""
    keys = {one.name: _made_of(one) for one in program.experiments}

    def others(name: str) -> tuple[str, ...]:
        own = keys[name]
        return () if own is None else tuple(other for other, key in keys.items() if other != name and key == own)

    found = (decided(one, shares_features_with=others(one.name)) for one in program.experiments)
    return replace(program, experiments=tuple(found))


def _made_of(experiment: Experiment) -> Hashable:
    """All that the features of a photograph depend on, but the photograph; None if there are none."""
    network, data = experiment.network, experiment.data
    below = [piece for piece in experiment.execution.pieces if piece.from_epoch != 1]
    if not below or not keeps_features(experiment):
        return None
    names = {name for piece in below for name in piece.nodes}
    layers = [node for node in network.nodes if node.name in names]
    used = {node.backbone for node in layers if node.parameters}
    backbones = [backbone for backbone in network.backbones if backbone.name in used]
    drawn = any(node.parameters and node.backbone is None for node in layers)
    drawn = drawn or any(backbone.weights is None for backbone in backbones)
    return (
        (data.source, data.prepare, data.normalize, network.input, network.input_shape),
        tuple((n.name, n.op, n.options, n.inputs, tuple(p.name for p in n.parameters)) for n in layers),
        below[-1].gives,
        tuple(_weights(backbone) for backbone in backbones),
        experiment.training.seed if drawn else None,  # what is frozen is then what it was drawn as
        experiment.training.batch,  # which bits come out may depend on how many images are computed at once
        dict(experiment.training.settings).get("precision"),
    )


def _weights(backbone: Backbone) -> Hashable:
    """Where weights come from. Their hash says no more than that: it may be known of one experiment only, so far."""
    if backbone.weights is None:
        return None
    options = tuple((key, value) for key, value in backbone.weights.options if key != "sha256")
    return backbone.weights.name, options


def tell_shared(_: Experiment, after: Experiment) -> str:
    """With whom, and what that spares."""
    others, pieces = after.execution.shares_features_with, after.execution.pieces
    below = {name for piece in pieces if piece.from_epoch != 1 for name in piece.nodes}
    if below and not keeps_features(after):
        return "Keeps no features, as `cache = none` wants it."
    if not others:
        return "No other experiment of the file has " + ("the same frozen part." if below else "features to share.")
    network = after.network
    part = share_text(multiplications(network, below), multiplications(network, (n.name for n in network.nodes)))
    named = ", ".join(f"`{name}`" for name in sorted((after.name, *others)))
    return (
        f"Features are shared by {named}: what the frozen part, {part} of the multiplications, has made of a "
        "photograph for one of them is there for the others."
    )

"""How an experiment is carried out, as lines of its program: the pieces of the network, what stays as it is in each
phase, and what becomes of the network where it only predicts.

Enters: what `retdsl.passes` have decided (`ir.Execution`). Leaves: pieces, names, lines. Guaranteed: where nothing has
been decided, lines that have all of the network trained as it is written, with what is frozen held still.
"""

from __future__ import annotations

from collections.abc import Sequence

from retdsl.engines.mxnet.layout import WIDTH, Line, filled
from retdsl.engines.mxnet.lower import literal
from retdsl.ir import Experiment, Freeze, Piece
from retdsl.schema.still import draws, only_predicts


def pieces_of(experiment: Experiment) -> tuple[Piece, ...]:
    """The pieces of the network, from the input to the scores; without a decision all of it is one, and is trained."""
    network = experiment.network
    whole = Piece(tuple(node.name for node in network.nodes), (network.input,), (network.output,), 1)
    return experiment.execution.pieces or (whole,)


def held_lines(experiment: Experiment, phase: Freeze) -> list[Line]:
    """What a phase holds still of what is bound for training: parameters, and layers that would draw random numbers."""
    network, frozen = experiment.network, frozenset(phase.nodes)
    begun = [one for one in pieces_of(experiment) if one.from_epoch is not None and one.from_epoch <= phase.from_epoch]
    trained = {name for piece in begun for name in piece.nodes}
    parameters = tuple(p.name for node, p in network.parameters() if node.name in frozen and node.name in trained)
    still = only_predicts(network, frozen) & trained
    resting = tuple(node.name for node in network.nodes if node.name in still and draws(node))
    lines: list[Line] = []
    if parameters:
        behind = "frozen, but after something that is trained"
        comment = behind if experiment.execution.pieces else "frozen, but bound for training with the rest"
        lines.append(Line(f"frozen_parameters={literal(parameters)},", comment))
    if resting:
        lines.append(Line(f"resting={literal(resting)},", "frozen, so that nothing is drawn"))
    return lines


def predicting_lines(experiment: Experiment) -> list[Line]:
    """What the network is made into where it only predicts; none if that is nothing."""
    execution = experiment.execution
    lines: list[Line] = []
    if execution.idle:
        lines.append(Line(f"    without={literal(execution.idle)},", "nothing outside of training"))
    if execution.folds:
        pairs = (f"{literal(fold.batch_norm)}: {literal(fold.layer)}" for fold in execution.folds)
        lines.append(Line("    folded={", "each BatchNorm into the layer before it"))
        lines += [Line(f"        {row}") for row in _rows(tuple(pairs))]
        lines.append(Line("    },"))
    if not execution.fused:
        lines.append(Line("    fused=False,", "layer after layer, as it is written"))
    if not lines:
        return []
    return [Line("predicting=Predicting(", "where nothing is trained"), *lines, Line("),")]


def _rows(items: Sequence[str]) -> list[str]:
    """Items in rows, each with its comma."""
    return filled(", ".join(items) + ",", WIDTH - 16)

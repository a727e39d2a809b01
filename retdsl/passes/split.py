"""Where a network is cut into pieces: what only ever predicts, what is trained from a later epoch on, what is trained.

Enters: the phases of training. Leaves: `Execution.pieces`. Guaranteed: the pieces together are the network; from phase
to phase fewer layers only predict, and the pieces lie between these bounds.

What lies before the lowest trained layer needs no gradient: no memory for what it computes on the way, nothing to
compute backwards, and, where photographs come to it as they came before, nothing to compute again.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from itertools import pairwise

from retdsl.ir import Experiment, Freeze, Network, Piece, Program, learned_numbers
from retdsl.passes.each import counted, decided, keeps_features, multiplications, of_each, share_text
from retdsl.schema.still import only_predicts


def split(program: Program) -> Program:
    """Every network that has a frozen part cut there; the others stay whole, as one piece."""
    return of_each(program, lambda one: decided(one, pieces=cut_into_pieces(one.network, one.phases)))


def cut_into_pieces(network: Network, phases: Sequence[Freeze]) -> tuple[Piece, ...]:
    """The pieces from the input to the scores. The last is trained from epoch 1 on; the lower a piece, the later."""
    predicting = [only_predicts(network, frozenset(phase.nodes)) for phase in phases]
    bounds: list[tuple[int | None, Set[str]]] = [(None, predicting[-1])]
    for (still, _), (_, phase) in reversed([*pairwise(zip(predicting, phases, strict=True))]):
        bounds.append((phase.from_epoch, still))
    bounds.append((1, {node.name for node in network.nodes}))
    pieces: list[Piece] = []
    takes: tuple[str, ...] = (network.input,)
    below: Set[str] = frozenset()
    for from_epoch, bound in bounds:
        if bound == below:
            continue
        taken = {source for node in network.nodes if node.name not in bound for source in node.inputs}
        nodes = tuple(node.name for node in network.nodes if node.name in bound and node.name not in below)
        gives = tuple(node.name for node in network.nodes if node.name in bound and node.name in taken)
        pieces.append(Piece(nodes, takes, gives or (network.output,), from_epoch))
        takes, below = gives, bound
    return tuple(pieces)


def tell_split(_: Experiment, after: Experiment) -> str:
    """How much lies before the first cut, and what that spares."""
    network, pieces = after.network, after.execution.pieces
    below = {name for piece in pieces if piece.from_epoch != 1 for name in piece.nodes}
    if not below:
        return "Nothing is frozen below what is trained, so all of the network is bound for training."
    learned = learned_numbers(node for node in network.nodes if node.name in below)
    every = (node.name for node in network.nodes)
    share = share_text(multiplications(network, below), multiplications(network, every))
    cuts = ", ".join(f"`{name}`" for name in pieces[-1].takes)
    text = (
        f"Cut behind {cuts}: {counted(len(below), 'layer')} with {counted(learned, 'frozen parameter')} and {share} of "
        "the network's multiplications lie before it. They are computed forward only: no gradient, no memory for one, "
        "and nothing there can change."
    )
    if (epochs := after.training.epochs) > 1 and keeps_features(after):
        text += f" What comes to it as it came before is computed once instead of in each of {epochs} epochs."
    later = [piece for piece in reversed(pieces) if piece.from_epoch not in (None, 1)]
    for piece in later:
        text += f" From epoch {piece.from_epoch} on, {counted(len(piece.nodes), 'more layer')} of these train, too."
    return text

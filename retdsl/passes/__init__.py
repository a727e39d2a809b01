"""The passes over the checked program, in the order in which they run.

Enters: a `Program`. Leaves: a `Program` whose experiments say how they are carried out (`ir.Execution`): what is cut
off, folded, left out, shared. Guaranteed: a pass is a function of nothing but the program; it adds what it has decided
and changes no meaning; without any of them everything is computed as it is written, with the same results up to
rounding.

To add a pass, write a module with its function and one that tells in words what it has done, and add a row here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeAlias

from retdsl.ir import Experiment, Program
from retdsl.passes.branches import drop_branches, tell_branches
from retdsl.passes.fold import fold_batch_norms, tell_folds
from retdsl.passes.fuse import fuse, tell_fused
from retdsl.passes.idle import drop_idle, tell_idle
from retdsl.passes.share import share, tell_shared
from retdsl.passes.split import split, tell_split
from retdsl.records import dataclass, replace

Tell: TypeAlias = Callable[[Experiment, Experiment], str]


@dataclass(frozen=True, slots=True)
class Pass:
    """name: on the command line; run: the pass; doc: what it does, in a line; tell: what it has done to an experiment
    and what that brings, in a few sentences, from the experiment before it and after it.
    """

    name: str
    run: Callable[[Program], Program]
    doc: str
    tell: Tell


PASSES = (
    Pass("branches", drop_branches, "leaves out layers that the scores do not need", tell_branches),
    Pass("split", split, "cuts the network where training begins: what lies before only predicts", tell_split),
    Pass("idle", drop_idle, "leaves out layers that do nothing where the network only predicts", tell_idle),
    Pass("fold", fold_batch_norms, "computes a BatchNorm together with the layer before it", tell_folds),
    Pass("fuse", fuse, "binds what needs no gradient for prediction, so that layers are computed together", tell_fused),
    Pass("share", share, "finds experiments for which the frozen part makes the same of a photograph", tell_shared),
)
"""Every pass. A later one may build on what an earlier one has decided, and does without it where that is missing."""

ALL = tuple(each.name for each in PASSES)


@dataclass(frozen=True, slots=True)
class Told:
    """What a pass has done to an experiment, in words."""

    name: str
    experiment: str
    text: str


def run(program: Program, names: Collection[str] = ALL) -> Program:
    """The program after the passes of these names; every experiment has on record which have run."""
    chosen = tuple(each for each in PASSES if each.name in names)
    for each in chosen:
        program = each.run(program)
    ran = tuple(each.name for each in chosen)
    done = (replace(e, execution=replace(e.execution, passes=ran)) for e in program.experiments)
    return replace(program, experiments=tuple(done))


def tell(program: Program, names: Collection[str] = ALL) -> list[Told]:
    """What the passes of these names do to each experiment, pass by pass."""
    told: list[Told] = []
    for each in PASSES:
        if each.name in names:
            after = each.run(program)
            pairs = zip(program.experiments, after.experiments, strict=True)
            told += [Told(each.name, then.name, each.tell(now, then)) for now, then in pairs]
            program = after
    return told

"""Which runs a command asks for: experiments times folds times seeds, and the members of ensembles.

Enters: a checked program and the wishes of the command line. Leaves: a `Plan`. Guaranteed: a run that several want is
planned once; the order is that of the seeds, then the folds, then the experiments, so that wherever a series is
stopped no experiment is more than one run ahead of another.
"""

from __future__ import annotations

from collections.abc import Sequence

from retdsl.account.ensembles import members_of
from retdsl.compiler import Refused, select
from retdsl.diagnostics.suggest import did_you_mean
from retdsl.ir import Ensemble, Experiment, Program, Trained
from retdsl.records import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """members: the runs, in the order in which they are made; ensembles: with the runs that each joins."""

    members: tuple[Trained, ...]
    ensembles: tuple[tuple[Ensemble, tuple[Trained, ...]], ...] = ()

    @property
    def is_single(self) -> bool:
        """Whether this is one run alone, which needs no series."""
        return len(self.members) == 1 and not self.ensembles


def plan(program: Program, names: Sequence[str] = (), repeats: int = 1, *, folds: bool = False) -> Plan:
    """The runs of the experiments and ensembles of those names, of all without names.

    repeats: how many seeds each experiment gets, counting up from its own; folds: every fold of its data in turn. Of an
    ensemble's members its own block says that. Raises Refused for names that are not there and folds that are not.
    """
    ensembles = [ensemble for ensemble in program.ensembles if not names or ensemble.name in names]
    own = [name for name in names if all(name != ensemble.name for ensemble in ensembles)]
    chosen = _experiments(program, own) if own or not names else []
    if folds:
        _require_folds(chosen)
    known = {experiment.name: experiment for experiment in program.experiments}
    wanted = [trained for experiment in chosen for trained in experiment.trained(folds=folds, repeats=repeats)]
    joined = tuple((ensemble, members_of(ensemble, program)) for ensemble in ensembles)
    every = dict.fromkeys([*wanted, *(member for _, members in joined for member in members)])
    place = {name: at for at, name in enumerate(known)}
    first = {name: experiment.training.seed for name, experiment in known.items()}

    def turn(one: Trained) -> tuple[int, int, int]:
        return one.seed - first[one.experiment], one.fold or 0, place[one.experiment]

    return Plan(tuple(sorted(every, key=turn)), joined)


def _experiments(program: Program, names: Sequence[str]) -> list[Experiment]:
    """As `select`, which knows nothing of ensembles."""
    known = [*(e.name for e in program.experiments), *(e.name for e in program.ensembles)]
    for name in names:
        if program.ensembles and name not in known:
            help = did_you_mean(name, known) or f"it has {', '.join(known)}"
            raise Refused(f"{program.file} has no experiment or ensemble `{name}`", help)
    return select(program, names)


def _require_folds(chosen: Sequence[Experiment]) -> None:
    for experiment in chosen:
        if experiment.fold is None:
            text = f"--folds: the data `{experiment.data.name}` of `{experiment.name}` are not split into folds"
            raise Refused(
                text, f"let `{experiment.data.name}` say `split = folds(5)`, or name experiments with --train"
            )

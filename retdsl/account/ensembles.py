"""Ensembles written out: their members, and how many runs these are.

Enters: a program. Leaves: a row for each ensemble, and the same as plain data.
"""

from __future__ import annotations

from typing import Any

from retdsl.ir import Ensemble, Program, Trained


def members_of(ensemble: Ensemble, program: Program) -> tuple[Trained, ...]:
    """The runs that an ensemble joins."""
    known = {experiment.name: experiment for experiment in program.experiments}
    own = (known[name].trained(folds=ensemble.folds, repeats=ensemble.repeats) for name in ensemble.of)
    return tuple(trained for runs in own for trained in runs)


def ensemble_lines(program: Program) -> list[tuple[str, str]]:
    """Code and comment: `ensemble joined { of = [first, second]  folds = all }`, `# line 18, joins 6 runs`."""
    lines = []
    for ensemble in program.ensembles:
        said = [f"of = [{', '.join(ensemble.of)}]"]
        said += ["folds = all"] if ensemble.folds else []
        said += [f"repeats = {ensemble.repeats}"] if ensemble.repeats > 1 else []
        comment = f"  # {ensemble.place}, joins {len(members_of(ensemble, program))} runs"
        lines.append((f"ensemble {ensemble.name} {{ {'  '.join(said)} }}", comment))
    return lines


def ensembles_json(program: Program) -> list[dict[str, Any]]:
    """The same for a program to read, with every run."""
    return [
        {
            "file": program.file,
            "name": ensemble.name,
            "of": list(ensemble.of),
            "folds": ensemble.folds,
            "repeats": ensemble.repeats,
            "members": [
                {"experiment": one.experiment, "fold": one.fold, "seed": one.seed}
                for one in members_of(ensemble, program)
            ],
        }
        for ensemble in program.ensembles
    ]

"""What each ingredient of the study `few_eyes` brings: trains it on all draws and prints a table.

    python tests/benchmarks/few_eyes.py ROOT OUT [--names smoothed fifteen] [--draws 00 01] [--folds] [--table]

ROOT: holds draws/00.csv to 09.csv and images/, one draw a table of the same healthy and five other infected eyes to
learn from, and the same test eyes. OUT: where runs go, one folder each, `OUT/DRAW/NAME-foldK-seedS`; what is done there
is not done again. names: experiments, each trained once a draw (its first fold validates), with `--folds` once for
every fold of it; ensembles, with all their members; all of the study without it. table: trains nothing.

Every run is exactly what `retdsl train few_eyes --train NAME --set NAME.fold=K --set NAME.seed=S
--set fundus.source='csv("draws/DRAW.csv", ...)' --threads 1` makes. What the frozen part makes of a
photograph, all of them share. Figures go to stdout as Markdown, and into OUT/few_eyes.md and OUT/few_eyes.json:

  held out   the auc among the eyes that were put aside while learning: of one network those of its fold, of an ensemble
             all eyes to learn from, each answered by the members that have not seen it. Choices are made by this column
  test auc, sensitivity (at 90 % specificity of the test side itself): of one network first the mean over those of a
             draw, then over the draws; `+-` is the standard deviation of the draws, then the least and the most of them
  95 %       of that mean over the draws: all networks stay as they are, the test patients are drawn again (percentiles)
  frozen     sensitivity and specificity at the threshold that gives 90 % specificity on the validation side, or of an
             ensemble on its out-of-fold answers
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from retdsl import compiler, running
from retdsl.account.ensembles import members_of
from retdsl.diagnostics import Diagnostics
from retdsl.diagnostics.render import render_text
from retdsl.finished import RunRecord, read_run
from retdsl.ir import Program, Trained
from retdsl.runtime.answers import Answers
from retdsl.runtime.bootstrap import RESAMPLES, SEED, resampled
from retdsl.runtime.mean_answers import mean_answers, out_of_fold_answers
from retdsl.runtime.metric import Metric
from retdsl.runtime.metrics import auc, measure, sensitivity, specificity
from retdsl.runtime.operating_points import by_threshold

SPEC = Path(__file__).parents[2] / "specs" / "study" / "few_eyes.retina"

DRAWS = tuple(f"{number:02}" for number in range(10))

AUC, FOUND = auc(), sensitivity(at_specificity=0.9)

METRICS, AT_THRESHOLD = (AUC, FOUND), (sensitivity(), specificity())


@dataclass(frozen=True)
class Spread:
    """A figure over the draws. deviation: None of a single draw; interval: of the mean, the test patients drawn again,
    None where that was not done.
    """

    mean: float
    deviation: float | None
    least: float
    most: float
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Row:
    """One line of the table. networks: how many a draw, joined: whether they answer together; held_out: auc among eyes
    that were put aside; found: sensitivity at 90 % specificity of the test side itself; frozen: at a threshold from
    validation.
    """

    name: str
    networks: int
    joined: bool
    draws: int
    held_out: Spread
    auc: Spread
    found: Spread
    frozen_sensitivity: Spread
    frozen_specificity: Spread


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--names", nargs="+", default=[])
    parser.add_argument("--draws", nargs="+", default=DRAWS)
    parser.add_argument("--folds", action="store_true")
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    root, out = arguments.root.resolve(), arguments.out.resolve()
    program = checked(root, ())[0]
    names = arguments.names or [one.name for one in (*program.experiments, *program.ensembles)]
    if not arguments.table:
        for name in names:
            for draw in arguments.draws:
                for trained in members(program, name, folds=arguments.folds):
                    train(trained, draw, root, out)
    rows = [row for name in names for row in rows_of(program, name, arguments.draws, out, folds=arguments.folds)]
    text = "\n".join(markdown(rows))
    (out / "few_eyes.md").write_text(text + "\n")
    (out / "few_eyes.json").write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    print(text)


def checked(root: Path, settings: Sequence[str], chosen: Sequence[str] = ()) -> tuple[Program, compiler.Checked]:
    """The study with some keys set otherwise."""
    out = Diagnostics()
    spec = compiler.read(str(SPEC), root, out)
    assert spec is not None
    found = compiler.check(spec, compiler.overrides(settings, out), chosen=chosen)
    if found.program is None:
        raise SystemExit(render_text(found.diagnostics))
    return found.program, found


def members(program: Program, name: str, *, folds: bool) -> tuple[Trained, ...]:
    """The runs that an experiment, or an ensemble, asks for."""
    for ensemble in program.ensembles:
        if ensemble.name == name:
            return members_of(ensemble, program)
    [experiment] = compiler.select(program, [name])
    return experiment.trained(folds=folds, repeats=1)


def folder_of(trained: Trained, draw: str, out: Path) -> Path:
    return out / draw / f"{trained.experiment}-fold{trained.fold}-seed{trained.seed}"


def train(trained: Trained, draw: str, root: Path, out: Path) -> None:
    """One run, unless it is done."""
    run = folder_of(trained, draw, out)
    if (run / "test.json").is_file():
        return
    shutil.rmtree(run, ignore_errors=True)
    table = f'csv("draws/{draw}.csv", image = image, label = label, patient = patient)'
    sources = [f"{name}.source={table}" for name in sorted({e.data.name for e in checked(root, ())[0].experiments})]
    own = [f"{trained.experiment}.fold={trained.fold}", f"{trained.experiment}.seed={trained.seed}"]
    program, found = checked(root, [*sources, *own], [trained.experiment])
    [experiment] = compiler.select(program, [trained.experiment])
    train_py = running.prepare(program, found, experiment, run, root)
    code = running.run_program(train_py, "--run", str(run), "--root", str(root), "--threads", "1", "--plain")
    print(run.relative_to(out), "done" if code == 0 else f"exit code {code}", file=sys.stderr, flush=True)
    if code != 0:
        raise SystemExit(code)
    shutil.rmtree(run / "checkpoints")  # 3 MB a run, which nobody asks for


def rows_of(program: Program, name: str, draws: Sequence[str], out: Path, *, folds: bool) -> list[Row]:
    """The row of an experiment or ensemble, of those draws in which all that it needs is done; none without any."""
    wanted = members(program, name, folds=folds)
    folders = ({run.name: run for run in (folder_of(one, draw, out) for one in wanted)} for draw in draws)
    done = [runs for runs in folders if all((run / "test.json").is_file() for run in runs.values())]
    found = [sides_of({title: read_run(run) for title, run in runs.items()}) for runs in done]
    joined = any(ensemble.name == name for ensemble in program.ensembles)
    return [row_of(name, found, joined=joined)] if found else []


Sides = dict[str, tuple[Answers, Answers]]
"""What networks answer on the test and on the validation side, by their names."""


def sides_of(runs: Mapping[str, RunRecord]) -> Sides:
    return {name: (run.predictions, run.validation) for name, run in runs.items()}  # type: ignore[misc]


def together(networks: Sides) -> Sides:
    """One that answers for all."""
    tests, validated = ({name: sides[at] for name, sides in networks.items()} for at in (0, 1))
    return {"together": (mean_answers(tests), out_of_fold_answers(validated))}


def row_of(name: str, draws: Sequence[Sides], *, joined: bool) -> Row:
    """draws: of each its networks; joined: whether they answer together."""
    asked = [list((together(networks) if joined else networks).values()) for networks in draws]
    values = [[figures(*one) for one in answerers] for answerers in asked]
    again = [[resampled_figures(*one) for one in answerers] for answerers in asked]
    spreads = {
        key: spread(
            [np.mean([one[key] for one in of_draw]) for of_draw in values],
            np.mean([np.mean([one[key] for one in of_draw], axis=0) for of_draw in again], axis=0)
            if key in again[0][0]
            else None,
        )
        for key in values[0][0]
    }
    return Row(name, len(draws[0]), joined, len(draws), *(spreads[key] for key in FIGURES))


HELD_OUT, FROZEN = "held_out", ("frozen_sensitivity", "frozen_specificity")

FIGURES = (HELD_OUT, AUC.key, FOUND.key, *FROZEN)


def figures(test: Answers, validation: Answers) -> dict[str, float]:
    """The figures of one network, or of several that answer together."""
    frozen = at_threshold(test, threshold(validation))
    return {
        HELD_OUT: measure([AUC], validation.labels, validation.probabilities)[AUC.key],
        **measure(METRICS, test.labels, test.probabilities),
        **dict(zip(FROZEN, measure(AT_THRESHOLD, frozen.labels, frozen.probabilities).values(), strict=True)),
    }


def resampled_figures(test: Answers, validation: Answers) -> dict[str, np.ndarray[Any, Any]]:
    """Those of the test side in every resample of its patients. Resample b is the same for all networks."""
    frozen = at_threshold(test, threshold(validation))
    order = np.argsort(test.images)
    patients = [test.patients[at] for at in order]

    def drawn(metrics: Sequence[Metric], answers: Answers) -> dict[str, np.ndarray[Any, Any]]:
        return resampled(metrics, answers.labels[order], answers.probabilities[order], patients, RESAMPLES, SEED)

    return {**drawn(METRICS, test), **dict(zip(FROZEN, drawn(AT_THRESHOLD, frozen).values(), strict=True))}


def threshold(validation: Answers) -> float:
    """What gives 90 % specificity on the validation side."""
    found = FOUND.threshold(validation.labels, validation.probabilities)
    assert found is not None
    return found


def at_threshold(test: Answers, above: float) -> Answers:
    """Yes or no."""
    return replace(test, probabilities=by_threshold(test.probabilities, above))


def spread(of_draws: Sequence[Any], resamples: np.ndarray[Any, Any] | None = None) -> Spread:
    """of_draws: a figure of each draw; resamples: its mean over the draws in every resample of the test patients."""
    values = np.asarray(of_draws, float)
    deviation = float(values.std(ddof=1)) if len(values) > 1 else None
    interval = None if resamples is None else tuple(float(end) for end in np.nanquantile(resamples, (0.025, 0.975)))
    return Spread(float(values.mean()), deviation, float(values.min()), float(values.max()), interval)  # type: ignore[arg-type]


def markdown(rows: Sequence[Row]) -> list[str]:
    """The table."""
    head = ("experiment", "networks", "held out", "test auc", "95 %", "sensitivity", "95 %", "frozen")
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for row in rows:
        networks = f"{row.networks} together" if row.joined else "1" if row.networks == 1 else f"1 of {row.networks}"
        short = "" if row.draws == len(DRAWS) else f", {row.draws} draw{'s' * (row.draws != 1)}"
        held_out = _mean(row.held_out)
        frozen = ", ".join(
            f"{one.mean:.2f} ({_ends(one, 2)})" for one in (row.frozen_sensitivity, row.frozen_specificity)
        )
        cells = (f"`{row.name}`", networks + short, held_out, *_told(row.auc), *_told(row.found), frozen)
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _told(one: Spread) -> tuple[str, str]:
    draws = "" if one.deviation is None else f" ({one.least:.3f} to {one.most:.3f})"
    return _mean(one) + draws, _ends(one, 3)


def _mean(one: Spread) -> str:
    return f"{one.mean:.3f}" + ("" if one.deviation is None else f" +- {one.deviation:.3f}")


def _ends(one: Spread, digits: int) -> str:
    return "" if one.interval is None else " to ".join(f"{end:.{digits}f}" for end in one.interval)


if __name__ == "__main__":
    main()

"""What each ingredient of the study `few_eyes` brings: trains it on all draws and prints a table.

    python tests/benchmarks/few_eyes.py ROOT OUT [--names smoothed fifteen] [--draws 00 01] [--folds] [--table]

ROOT: holds draws/00.csv to 09.csv and images/, one draw a table of the same healthy and five other infected eyes to
learn from, and the same test eyes. OUT: where runs go, one folder each, `OUT/DRAW/NAME-foldK-seedS`; what is done there
is not done again. names: experiments, each trained once a draw, with `--folds` once for every fold of it; ensembles,
with all their members. table: trains nothing.

Every run is exactly what `retdsl train few_eyes --train NAME --set NAME.fold=K --set NAME.seed=S
--set fundus.source='csv("draws/DRAW.csv", ...)' --threads 1` makes, but for rounding; see `frozen_once`. Figures go to
stdout as Markdown, and into OUT/few_eyes.md and OUT/few_eyes.json:

  chosen by      the auc of the out-of-fold answers: every eye to learn from is answered by networks that have not seen
                 it. Mean over the draws, with its standard deviation. Only where all folds are trained
  auc, ...       on the test side. One network alone: first the mean over the networks of a draw, then over the draws;
                 `+-` is the standard deviation of the draws, then the least and the most of them
  95 % interval  of that mean over the draws: all networks stay as they are, the test patients are drawn again
  frozen         sensitivity and specificity at the threshold that gives 90 % specificity on the validation side
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).parent))
from frozen_once import Runner, frozen_once

from retdsl import compiler, running
from retdsl.account.ensembles import members_of
from retdsl.diagnostics import Diagnostics
from retdsl.diagnostics.render import render_text
from retdsl.finished import RunRecord, read_run
from retdsl.ir import Program, Trained
from retdsl.runtime.answers import Answers
from retdsl.runtime.bootstrap import RESAMPLES, SEED, resampled
from retdsl.runtime.joining import mean_answers, out_of_fold_answers
from retdsl.runtime.metrics import auc, measure, sensitivity
from retdsl.runtime.operating_points import operating_points

SPEC = Path(__file__).parents[2] / "specs" / "study" / "few_eyes.retina"

DRAWS = tuple(f"{number:02}" for number in range(10))

AUC, FOUND = auc(), sensitivity(at_specificity=0.9)

METRICS = (AUC, FOUND)


@dataclass(frozen=True)
class Spread:
    """A figure over the draws. interval: of the mean, the test patients drawn again; None where that was not done."""

    mean: float
    deviation: float
    least: float
    most: float
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Row:
    """One line of the table. networks: how many a draw, joined: whether they answer together; chosen_by: auc out of
    fold; found: sensitivity at 90 % specificity of the test side itself; frozen: at a threshold from validation.
    """

    name: str
    networks: int
    joined: bool
    draws: int
    chosen_by: Spread | None
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
        with frozen_once() as runner:
            for name in names:
                for draw in arguments.draws:
                    for trained in members(program, name, folds=arguments.folds):
                        train(runner, trained, draw, root, out)
    rows = [row for name in names for row in rows_of(program, name, arguments.draws, out)]
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


def train(runner: Runner, trained: Trained, draw: str, root: Path, out: Path) -> None:
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
    code = runner(experiment_of(train_py), run, root)
    print(run.relative_to(out), "done" if code == 0 else f"exit code {code}", file=sys.stderr, flush=True)
    if code != 0:
        raise SystemExit(code)
    shutil.rmtree(run / "checkpoints")  # 3 MB a run, which nobody asks for


def experiment_of(train_py: Path) -> Any:
    """The experiment that a generated program runs."""
    found = importlib.util.spec_from_file_location("generated_program", train_py)
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module.EXPERIMENT


def rows_of(program: Program, name: str, draws: Sequence[str], out: Path) -> list[Row]:
    """The rows of an experiment or ensemble, of those draws in which all that it needs is done."""
    joined = any(ensemble.name == name for ensemble in program.ensembles)
    for folds in (True, False):
        wanted = members(program, name, folds=folds)
        done = {
            draw: {folder.name: read_run(folder) for folder in (folder_of(one, draw, out) for one in wanted)}
            for draw in draws
            if all((folder_of(one, draw, out) / "test.json").is_file() for one in wanted)
        }
        if done:
            return [row_of(name, list(done.values()), joined=joined, folds=folds)]
    return []


def row_of(name: str, draws: Sequence[Mapping[str, RunRecord]], *, joined: bool, folds: bool) -> Row:
    """draws: of each the runs by name; joined: whether they answer together; folds: whether every fold is there."""
    asked: list[list[tuple[Answers, Answers]]] = []  # of each draw: what answers, on the test and the validation side
    developed: list[float] = []
    for runs in draws:
        tests, validated = ({key: getattr(run, side) for key, run in runs.items()} for side in SIDES)
        out_of_fold = out_of_fold_answers(validated)
        developed.append(measure([AUC], out_of_fold.labels, out_of_fold.probabilities)[AUC.key])
        alone = [(tests[key], validated[key]) for key in runs]
        asked.append([(mean_answers(tests), out_of_fold)] if joined else alone)
    values = [[figures(*one) for one in answerers] for answerers in asked]
    again = [[resampled_figures(test) for test, _ in answerers] for answerers in asked]
    spreads = {
        key: spread(
            [np.mean([one[key] for one in answerers]) for answerers in values],
            None if key not in again[0][0] else np.mean([np.mean([b[key] for b in each], axis=0) for each in again], 0),
        )
        for key in values[0][0]
    }
    return Row(
        name,
        len(draws[0]),
        joined,
        len(draws),
        spread(developed) if folds else None,
        spreads[AUC.key],
        spreads[FOUND.key],
        spreads["frozen_sensitivity"],
        spreads["frozen_specificity"],
    )


SIDES = ("predictions", "validation")


def figures(test: Answers, validation: Answers) -> dict[str, float]:
    """The test figures of one network, or of several that answer together."""
    [point] = operating_points(METRICS, test, validation, lambda chosen, of: measure(chosen, of.labels, of.probabilities))
    frozen = {f"frozen_{key}": point[key] for key in ("sensitivity", "specificity")}
    return {**measure(METRICS, test.labels, test.probabilities), **frozen}


def resampled_figures(test: Answers) -> dict[str, np.ndarray[Any, Any]]:
    """The same in every resample of the test patients, but for thresholds. Resample b is the same for all networks."""
    order = np.argsort(test.images)
    patients = [test.patients[at] for at in order]
    return resampled(METRICS, test.labels[order], test.probabilities[order], patients, RESAMPLES, SEED)


def spread(of_draws: Sequence[Any], resamples: np.ndarray[Any, Any] | None = None) -> Spread:
    """of_draws: a figure of each draw; resamples: its mean over the draws in every resample of the test patients."""
    values = np.asarray(of_draws, float)
    deviation = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
    interval = None if resamples is None else tuple(float(end) for end in np.nanquantile(resamples, (0.025, 0.975)))
    return Spread(float(values.mean()), deviation, float(values.min()), float(values.max()), interval)  # type: ignore[arg-type]


def markdown(rows: Sequence[Row]) -> list[str]:
    """The table."""
    head = ("experiment", "networks", "auc out of fold", "test auc", "95 %", "sensitivity at 90 %", "95 %", "frozen")
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for row in rows:
        networks = f"{row.networks} together" if row.joined else "1" if row.networks == 1 else f"1 of {row.networks}"
        short = "" if row.draws == len(DRAWS) else f", {row.draws} draws"
        chosen = "" if row.chosen_by is None else f"{row.chosen_by.mean:.3f} +- {row.chosen_by.deviation:.3f}"
        frozen = f"{row.frozen_sensitivity.mean:.2f}, {row.frozen_specificity.mean:.2f}"
        cells = (f"`{row.name}`", networks + short, chosen, *_told(row.auc), *_told(row.found), frozen)
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _told(one: Spread) -> tuple[str, str]:
    interval = "" if one.interval is None else f"{one.interval[0]:.3f} to {one.interval[1]:.3f}"
    return f"{one.mean:.3f} +- {one.deviation:.3f} ({one.least:.3f} to {one.most:.3f})", interval


if __name__ == "__main__":
    main()

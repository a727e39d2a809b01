"""How long the figures of a side take with their intervals, and how often the intervals cover the truth.

    python tests/benchmarks/intervals.py [--eyes 10000] [--sides 400] [--patients 100]

Printed are the processor seconds for one `judge` of so many eyes, two a patient, by all metrics of two classes, with
figures for eyes and patients, operating points and 2000 resamples each. Then, of so many made-up sides of so many
patients, the share whose 95 % interval covers the truth (the figure of 400,000 patients), when patients are drawn, and
when eyes are. `--sides 0` leaves that out.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1] / "runtime"))
from clustered import eyes

from retdsl.runtime.answers import Answers
from retdsl.runtime.bootstrap import intervals
from retdsl.runtime.judging import judge
from retdsl.runtime.metrics import (
    Metric,
    accuracy,
    auc,
    balanced_accuracy,
    brier,
    calibration_error,
    f1,
    multi_ace,
    npv,
    ppv,
    pr_auc,
    sensitivity,
    specificity,
)

METRICS: tuple[Metric, ...] = (
    *(accuracy(), balanced_accuracy(), multi_ace(), auc(), pr_auc(), sensitivity(), sensitivity(at_specificity=0.9)),
    *(specificity(), specificity(at_sensitivity=0.8), ppv(), ppv(at_prevalence=0.02), npv(), f1(), brier()),
    calibration_error(),
)


def side(random: np.random.Generator, patients: int) -> Answers:
    labels, p, names = eyes(random, patients)
    images = tuple(f"{number}.jpg" for number in range(len(labels)))
    return Answers(images, tuple(names), ("healthy", "infected"), labels, p.astype(np.float32))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--eyes", type=int, default=10_000)
    parser.add_argument("--sides", type=int, default=400)
    parser.add_argument("--patients", type=int, default=100)
    arguments = parser.parse_args()
    random = np.random.default_rng(0)
    judge(METRICS, side(random, 20), side(random, 20), resamples=2)  # what is imported late is imported
    test, validation = (side(random, arguments.eyes // 2) for _ in range(2))
    started = time.process_time()
    judge(METRICS, test, validation)
    print(f"{arguments.eyes:,} eyes: {time.process_time() - started:.1f} s of processor time")
    if not arguments.sides:
        return
    labels, p, _ = eyes(random, 400_000)
    truth = {metric.key: metric.value(labels, p) for metric in METRICS if metric.bootstraps}
    covered = {key: [0, 0] for key in truth}
    for number in range(arguments.sides):
        labels, p, names = eyes(random, arguments.patients)
        for unit, groups in enumerate((names, [str(at) for at in range(len(labels))])):
            found = intervals(METRICS, labels, p, groups, 1000, number)
            for key, value in truth.items():
                covered[key][unit] += found[key].low <= value <= found[key].high
    print(f"{arguments.sides} sides of {arguments.patients} patients, share covered when drawing   patients    eyes")
    for key, counts in covered.items():
        shares = "".join(f"{count / arguments.sides:10.3f}" for count in counts)
        print(f"  {key:<34} {truth[key]:.3f} {'':>16}{shares}")


if __name__ == "__main__":
    main()

"""The three experiments of the study of three answers, in one command, against one of them alone.

    python tests/benchmarks/three_experiments.py [--photographs ../shared/fundus] [--quick]

Every side begins with an empty cache of features; photographs are prepared. The one alone is the third, which draws
noise for half of what it sees: such images pass the frozen part in every epoch. With `cache = features(draws = 8)` they
come from 8 variants of each photograph; there the one alone has them, too. Whole commands, with the pages of the runs.
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

from ratios import Ratio, at_most, benchmark, more, run

LARGEST = 1.3


def measure(photographs: Path, folder: Path, quick: bool) -> list[Ratio]:
    """How many times as long as one experiment all three take."""
    cache = folder / "cache"
    spec = ["three_answers", "--root", str(photographs), "--set", f"epochs={6 if quick else 100}"]
    run([sys.executable, "-m", "retdsl", "check", "--data", *spec], {"RETDSL_CACHE": str(cache)})
    found = []
    for name, more_keys in (("as it is", []), ("with 8 draws", ["--set", "cache=features(draws = 8)"])):
        sides = {"one": ["--train", "refreshed"], "three": []}
        took = {side: _train([*spec, *more_keys, *chosen], folder, cache) for side, chosen in sides.items()}
        note = "theirs is the third experiment alone"
        title = f"three experiments, {name}"
        found.append(more(title, took["three"], took["one"], at_most(LARGEST), note, unit="s"))
    return found


def _train(asked: list[str], folder: Path, cache: Path) -> float:
    """Seconds, with no features kept before."""
    shutil.rmtree(cache / "features", ignore_errors=True)
    command = [sys.executable, "-m", "retdsl", "train", *asked, "--runs", str(folder / "runs"), "--plain"]
    began = time.perf_counter()
    run(command, {"RETDSL_CACHE": str(cache)})
    return time.perf_counter() - began


if __name__ == "__main__":
    benchmark(measure, __doc__)

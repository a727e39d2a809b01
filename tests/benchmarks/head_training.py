"""Training a head on a frozen backbone: `retdsl train`, with an empty cache of features and with what the first run has
left there, against `Module.fit` as one writes it by hand.

    python tests/benchmarks/head_training.py [--photographs ../shared/fundus] [--quick]

20 epochs with validation at 224 x 224, half of the photographs turned by 180 degrees, drawn anew every epoch. Our side
is the whole command, from its start to the page of the run: nothing is left out. Photographs are prepared beforehand on
both sides, as files of records by hand. By hand it is the seconds of the epochs alone, without start and packing; where
20 of them would take too long, it is 20 times the mean of as many, after the first, as a row's note says.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from hand_over import by_hand, hand_over, write_study
from ratios import Ratio, Wanted, at_least, at_most, benchmark, faster, run

EPOCHS = 20

NETWORKS = {
    "efficientnet_lite0": ("EfficientNet-Lite0", 40.0, 100.0, EPOCHS),
    "inception_bn": ("Inception-BN", 15.0, None, 4),
}
"""The zoo's name, ours, how many times faster the first and the second run should be, and the epochs made by hand."""


def measure(photographs: Path, folder: Path, quick: bool) -> list[Ratio]:
    """How many times faster a first and a second run are, and how far apart both sides' area under the curve is."""
    found = []
    cache = {"RETDSL_CACHE": str(folder / "cache")}
    for network, (title, first, second, most) in NETWORKS.items():
        study = write_study(photographs, folder / network, network, epochs=EPOCHS)
        handed = hand_over(study, folder / network / "by hand")
        run([sys.executable, "-m", "retdsl", "check", "--data", str(study)], cache)
        ours = [_train(study, folder / network / f"run{number}", cache) for number in (1, 2)]
        made = 2 if quick else most
        told = by_hand("frozen_head", handed, "--epochs", str(made))
        theirs = sum(told["epochs"]) if made == EPOCHS else EPOCHS * sum(told["epochs"][1:]) / (made - 1)
        note = "whole command" if made == EPOCHS else f"whole command; by hand {EPOCHS} times the mean of {made - 1}"
        wanted: list[Wanted | None] = [at_least(first), None if second is None else at_least(second)]
        for name, seconds, least in zip(("first run", "second run"), ours, wanted, strict=True):
            found.append(faster(f"head on {title}, {EPOCHS} epochs, {name}", seconds, theirs, least, note))
        if made == EPOCHS:
            line = (folder / network / "run1" / "metrics.jsonl").read_text().splitlines()[-1]
            auc, other = json.loads(line)["valid"]["auc"], told["auc"]
            note = "validation, after the last epoch"
            found.append(Ratio(f"head on {title}: auc", auc, other, "auc", abs(auc - other), at_most(0.03), note))
    return found


def _train(study: Path, folder: Path, cache: dict[str, str]) -> float:
    """Seconds of a whole run."""
    began = time.perf_counter()
    run([sys.executable, "-m", "retdsl", "train", str(study), "--run", str(folder), "--plain"], cache)
    return time.perf_counter() - began


if __name__ == "__main__":
    benchmark(measure, __doc__)

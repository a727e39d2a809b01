"""Training all of a network, against what is written by hand, and what loading photographs costs it.

    python tests/benchmarks/fine_tuning.py PHOTOGRAPHS [--quick] [--networks efficientnet_lite0 resnet18_v1]

Both sides train the same network from the same values on the same photographs of 224 x 224, 32 in a batch, turned by
180 degrees by chance: retdsl as `retdsl train` does, from its cache of prepared photographs, and `by_hand/fine_tune.py`
by `Module` from a file of records, of photographs as large. They run in turn, whole processes; what counts is the
median time of an epoch of training after the first, without start, validation and checkpoints.

The tax of the loader is measured in one process: epochs of training from the loader, and as many batches that are one
and the same array, in turn.
"""

from __future__ import annotations

import argparse
import json
import resource
import runpy
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hand_over import HandedOver, by_hand, hand_over, write_study
from ratios import Ratio, at_least, at_most, faster, more, print_ratios, run

NETWORKS = ("efficientnet_lite0", "resnet18_v1")
BATCH = 32


def measure(photographs: Path, folder: Path, quick: bool) -> list[Ratio]:
    return measured(photographs, folder, NETWORKS[1:] if quick else NETWORKS, quick)


def measured(photographs: Path, folder: Path, networks: tuple[str, ...], quick: bool) -> list[Ratio]:
    images, epochs, rounds = (160, 2, 1) if quick else (224, 3, 2)
    ratios = []
    for network in networks:
        place = folder / network
        spec = write_study(
            photographs, place, network, name="whole", freeze="none", epochs=epochs, images=images, batch=BATCH
        )
        handed = hand_over(spec, place / "hand")
        ours, theirs = [], []
        for turn in range(rounds):
            theirs += _by_hand(handed, epochs)
            ours += _ours(spec, place / f"run{turn}")
        seconds = [statistics.median(one) for one in (ours, theirs)]
        note = f"a batch of {BATCH}, median of {len(ours)} epochs"
        ratios.append(faster(f"training all of {network}", *seconds, at_least(1.0), note))
        said = json.loads(run([sys.executable, __file__, "--tax", str(spec), str(place / "tax"), *_times(quick)]))
        note = f"processor seconds {said['user'] - 1:+.1%}, median of pairs of epochs"
        name = f"loading beside one fixed batch, {network}"
        ratios.append(more(name, said["loaded"], said["fixed"], at_most(1.03), note, unit="s"))
    return ratios


def _times(quick: bool) -> list[str]:
    return ["3"] if quick else ["5"]


def _by_hand(handed: HandedOver, epochs: int) -> list[float]:
    """Seconds of a batch, of every epoch but the first."""
    said = by_hand("fine_tune", handed, "--epochs", str(epochs), "--batch", str(BATCH), "--no-validation")
    batches = -(-handed.images["train"] // BATCH)
    return [seconds / batches for seconds in said["epochs"][1:]]


def _ours(spec: Path, folder: Path) -> list[float]:
    """The same. The clock of metrics.jsonl stops for validation and checkpoints; images of a full batch are counted."""
    run([sys.executable, "-m", "retdsl", "train", str(spec), "--run", str(folder), "--plain"])
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [BATCH / line["images_per_second"] for line in lines[1:]]


def tax(spec: Path, folder: Path, rounds: int) -> dict[str, float]:
    """Seconds of an epoch from the loader and on one fixed batch, and the ratio of their processor seconds."""
    trainer, batches = _trainer(spec, folder)
    loaded = lambda: list(batches.training(1))  # noqa: E731
    one = loaded()[0]
    count = batches.in_epoch(1)
    both: dict[str, Callable[[], Any]] = {
        "loaded": lambda: trainer.train_epoch(1, batches.training(1)),
        "fixed": lambda: trainer.train_epoch(1, [one] * count),
    }
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in both}
    for turn in range(rounds + 1):
        for name in both if turn % 2 else reversed(both):
            before, began = _processor_seconds(), time.perf_counter()
            both[name]()
            if turn:
                took[name].append((time.perf_counter() - began, _processor_seconds() - before))
    pairs = list(zip(took["loaded"], took["fixed"], strict=True))
    shares = [statistics.median(loaded[i] / fixed[i] for loaded, fixed in pairs) for i in (0, 1)]
    fixed = statistics.median(seconds for seconds, _ in took["fixed"])
    return {"loaded": fixed * shares[0], "fixed": fixed, "user": shares[1]}


def _processor_seconds() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


def _trainer(spec: Path, folder: Path) -> tuple[Any, Any]:
    """The trainer and the batches of a spec's program."""
    from retdsl import compiler
    from retdsl.diagnostics import Diagnostics
    from retdsl.runtime.feed import Batches
    from retdsl.runtime.reading import read_all
    from retdsl.runtime.recipe import Recipe
    from retdsl.runtime.schedules import Course
    from retdsl.runtime.trainer import Trainer

    found = compiler.read(str(spec), None, Diagnostics())
    assert found is not None
    program = compiler.check(found).program
    assert program is not None
    train_py = compiler.compile_experiment(program, program.experiments[0], folder, found.root)
    experiment = runpy.run_path(str(train_py))["EXPERIMENT"]
    network, training = experiment.network, experiment.training
    reading = read_all(experiment.data.open(found.root), 2, lambda *_: None, cached=True)
    batches = Batches(experiment, reading.dataset, reading.images, experiment.data.normalize, 2)
    start = network.starting_values(network.deploy_symbol(), training.seed, train_py.parent, found.root)
    recipe = Recipe(
        training.optimizer, training.schedule, Course((batches.in_epoch(1),) * 1000), training.batch, 0, None
    )
    return Trainer(network, start, recipe), batches


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photographs", type=Path, nargs="?")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--networks", nargs="+", default=NETWORKS)
    parser.add_argument("--tax", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.tax is not None:
        spec, folder, rounds = arguments.tax
        print(json.dumps(tax(Path(spec), Path(folder), int(rounds))))
        return
    with tempfile.TemporaryDirectory() as folder:
        print_ratios(measured(arguments.photographs, Path(folder), tuple(arguments.networks), arguments.quick))


if __name__ == "__main__":
    main()

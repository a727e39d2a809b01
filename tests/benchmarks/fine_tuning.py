"""Training all of a network, against what is written by hand, and what loading photographs costs it.

    python tests/benchmarks/fine_tuning.py [--photographs DIR] [--quick]

Both sides train the same network from the same values on the same photographs of 224 x 224, 32 in a batch, turned by
180 degrees by chance: retdsl as `retdsl train` does, by its trainer and its loader, and `by_hand/fine_tune.py` by
`Module` from a file of records, of photographs as large. Each is a process that does some batches of an epoch whenever
it is asked, and sleeps while the other one works. What counts is the median over the pairs of turns of what one took
in terms of the other.

The tax of the loader is measured in one process: epochs of training from the loader, and as many batches that are one
and the same array, in turn.
"""

from __future__ import annotations

import json
import os
import resource
import runpy
import statistics
import sys
import time
from collections.abc import Callable
from itertools import count, islice
from pathlib import Path
from typing import Any

from hand_over import HandedOver, command_by_hand, hand_over, write_study
from ratios import Ratio, asked, at_least, at_most, benchmark, faster, more, run, serve

NETWORKS = ("efficientnet_lite0", "resnet18_v1")
BATCH = 32


def measure(photographs: Path, folder: Path, quick: bool) -> list[Ratio]:
    ratios: list[Ratio] = []
    for network in NETWORKS:
        spec = write_study(photographs, folder / network, network, name="whole", freeze="none", images=160, batch=BATCH)
        handed = hand_over(spec, folder / network / "hand")
        batches, pairs = (1, 2) if quick else (2, 4)
        ratios.append(_in_pairs(network, spec, handed, batches, pairs))
        # The loader is the same for both networks: once is enough when it hurries.
        if not quick or network == NETWORKS[-1]:
            ratios.append(_taxed(network, spec, folder / network / "tax", 2))
    return ratios


def _in_pairs(network: str, spec: Path, handed: HandedOver, batches: int, pairs: int) -> Ratio:
    """So many batches a turn, by retdsl and by hand."""
    commands = {
        "ours": [sys.executable, __file__, "--serve", str(spec), str(spec.parent / "ours"), str(batches)],
        "by hand": command_by_hand("fine_tune", handed, "--batch", str(BATCH), "--asked", str(batches)),
    }
    with asked(commands, threads=len(os.sched_getaffinity(0))) as both:
        took = both.in_turn(pairs)
    ours, theirs = took["ours"], took["by hand"]
    ratio = statistics.median(other / own for own, other in zip(ours.rounds, theirs.rounds, strict=True))
    note = f"a batch of {BATCH}, median of {pairs} pairs; {theirs.user / ours.user:.2f} in processor seconds"
    seconds = theirs.seconds / batches
    return faster(f"training all of {network}", seconds / ratio, seconds, at_least(1.0), note)


def _taxed(network: str, spec: Path, folder: Path, rounds: int) -> Ratio:
    said = json.loads(run([sys.executable, __file__, "--tax", str(spec), str(folder), str(rounds)]))
    note = f"processor seconds {said['user'] - 1:+.1%}, median of pairs of epochs"
    name = f"loading beside one fixed batch, {network}"
    return more(name, said["loaded"], said["fixed"], at_most(1.03), note, unit="s")


def work(spec: Path, folder: Path, batches: int) -> None:
    """Trains on so many batches of the next epoch whenever it is asked."""
    trainer, photographs = _trainer(spec, folder)
    epochs = count(1)

    def turn() -> None:
        epoch = next(epochs)
        trainer.train_epoch(epoch, islice(photographs.training(epoch), batches))

    serve(turn)


def tax(spec: Path, folder: Path, rounds: int) -> dict[str, float]:
    """Seconds of an epoch from the loader and on one fixed batch, and the ratio of their processor seconds."""
    trainer, batches = _trainer(spec, folder)
    loaded = lambda: list(batches.training(1))  # noqa: E731
    one = loaded()[0]
    steps = batches.in_epoch(1)
    both: dict[str, Callable[[], Any]] = {
        "loaded": lambda: trainer.train_epoch(1, batches.training(1)),
        "fixed": lambda: trainer.train_epoch(1, [one] * steps),
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


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--serve", spec, folder, batches]:
            work(Path(spec), Path(folder), int(batches))
        case ["--tax", spec, folder, rounds]:
            print(json.dumps(tax(Path(spec), Path(folder), int(rounds))))
        case _:
            benchmark(measure, __doc__)

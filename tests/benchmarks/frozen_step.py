"""How fast a training step is on a frozen backbone: cut off and bound for inference, or held by `fixed_param_names`.

    python tests/benchmarks/frozen_step.py [--steps 8] [--batch 32] [--threads 2]

All ways train the same head on the same images, one after the other in rounds, so that a noisy machine is noisy for
all of them. Prints images per second (median of the rounds) and the ratios.
"""

from __future__ import annotations

import argparse
import os
import runpy
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    ways = prepare(arguments.batch)
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    for step in ways.values():
        step(2)
    for _ in range(arguments.rounds):
        for name, step in ways.items():
            started = time.perf_counter()
            step(arguments.steps)
            speeds[name].append(arguments.steps * arguments.batch / (time.perf_counter() - started))
    medians = {name: statistics.median(values) for name, values in speeds.items()}
    slowest = min(medians.values())
    print(f"EfficientNet-Lite0 224 x 224, batch {arguments.batch}, {arguments.threads} threads, images per second")
    for name, speed in medians.items():
        print(f"  {name:<48} {speed:6.1f}   {speed / slowest:4.1f} x")


def prepare(batch: int) -> dict[str, Callable[[int], None]]:
    """The ways of training, each as a function that makes so many steps and waits until they are done."""
    import numpy as np

    from retdsl import compiler
    from retdsl.diagnostics import Diagnostics
    from retdsl.runtime.loader import Batch
    from retdsl.runtime.mx import mx
    from retdsl.runtime.schedules import Course, constant
    from retdsl.runtime.trainer import Recipe, Trainer

    spec = compiler.read("quickstart", None, Diagnostics())
    assert spec is not None
    program = compiler.check(spec).program
    assert program is not None
    with tempfile.TemporaryDirectory() as folder:
        train_py = compiler.compile_experiment(program, program.experiments[0], Path(folder), None)
        experiment = runpy.run_path(str(train_py))["EXPERIMENT"]
    network = experiment.network
    start = network.starting_values(network.deploy_symbol(), 0, None, None)
    random = np.random.RandomState(0)
    images = random.standard_normal((batch, 3, 224, 224)).astype("float32")
    labels = random.randint(0, 2, batch).astype("float32")

    recipe = Recipe(experiment.training.optimizer, constant(), Course(1000, 1), batch, 0, None)
    trainer = Trainer(network, start, recipe)
    one = Batch(images, labels, np.arange(batch))

    def cut(steps: int) -> None:
        trainer.train_epoch(1, [one] * steps)
        mx.nd.waitall()

    whole = network.whole_symbol(None)

    def held(symbol: Any) -> Callable[[int], None]:
        fixed = sorted(network.frozen_names() - set(symbol.list_auxiliary_states()))
        module = mx.mod.Module(symbol, label_names=["softmax_label"], fixed_param_names=fixed)
        module.bind([("data", images.shape)], [("softmax_label", labels.shape)])
        as_arrays = [{k: mx.nd.array(v) for k, v in part.items()} for part in (start.arguments, start.auxiliary)]
        module.set_params(*as_arrays)
        module.init_optimizer(optimizer="adam")
        data = mx.io.DataBatch([mx.nd.array(images)], [mx.nd.array(labels)])

        def run(steps: int) -> None:
            for _ in range(steps):
                module.forward_backward(data)
                module.update()
                module.get_outputs()[0].asnumpy()
            mx.nd.waitall()

        return run

    loose = network.loss.symbol(network.trained(network.frozen(mx.sym.Variable("data"))), None, "softmax")
    return {
        "fixed_param_names alone (BatchNorm still drifts)": held(loose),
        "fixed_param_names and use_global_stats": held(whole),
        "cut, the frozen part bound for inference": cut,
    }


if __name__ == "__main__":
    main()

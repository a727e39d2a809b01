"""What a training step on a frozen backbone costs in time and memory: as retdsl cuts it off, and as MXNet holds it.

    python tests/benchmarks/freeze.py [--network lite0 resnet18] [--batch 32] [--rounds 3] [--threads 2]

The same head is trained on the same photographs of 224 x 224 pixels in five ways: with everything; with all but the
lower part of the backbone; alone; and alone by MXNet's `Module` with `fixed_param_names`, without `use_global_stats`,
so that BatchNorm is not frozen, and with it. Each way is a process of its own. They take turns, a step each round, so
that a noisy machine is noisy for all of them, and all but one sleep. Printed are the median seconds of a step, the most
memory that the process ever held beyond what it had before the network was bound, and ratios to training everything.
"""

from __future__ import annotations

import argparse
import os
import resource
import runpy
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

SPEC = """
data eyes {{
  source  = synthetic_fundus(64, ratio = 1 : 1)
  classes = [healthy, infected]
  image   = photo => resize(224, 224)
}}
backbone base = zoo({network})
model net = base[global_pool] => Flatten => FullyConnected(2) => Softmax
train t {{ model = net  data = eyes  freeze = {freeze}  batch = {batch}  optimizer = adam }}
"""
NETWORKS = {"lite0": ("efficientnet_lite0", "blocks_10"), "resnet18": ("resnet18_v1", "stage3")}
"""The zoo's name, and the part up to which a half-frozen network is frozen: all before the last halving."""

WAYS = {
    "everything trained": "none",
    "freeze = base[.. {part}]": "base[.. {part}]",
    "freeze = base": "base",
    "Module, fixed_param_names": "base",
    "Module, fixed_param_names, use_global_stats": "base",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--way", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way is not None:
        work(arguments.network[0], arguments.way, arguments.batch)
        return
    for network in arguments.network:
        compare(network, arguments.batch, arguments.rounds, arguments.threads)


def compare(network: str, batch: int, rounds: int, threads: int) -> None:
    """Prints the figures of all ways for one network."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE"}
    command = [sys.executable, __file__, "--network", network, "--batch", str(batch), "--way"]
    workers = {
        way: subprocess.Popen(
            [*command, way], env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for way in WAYS
    }
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    for turn in range(rounds + 1):
        for way, worker in workers.items():
            assert worker.stdin is not None
            print("step", file=worker.stdin, flush=True)
            took = float(answer(worker.stdout))
            if turn > 0:  # the first step binds
                seconds[way].append(took)
    held = {}
    for way, worker in workers.items():
        assert worker.stdin is not None
        print("memory", file=worker.stdin, flush=True)
        held[way] = float(answer(worker.stdout))
        worker.stdin.close()
        worker.wait()
    medians = {way: statistics.median(values) for way, values in seconds.items()}
    full, most = medians["everything trained"], held["everything trained"]
    name, part = NETWORKS[network]
    print(f"{name}, 224 x 224, batch {batch}, {threads} threads, {rounds} rounds")
    for way in WAYS:
        print(
            f"  {way.format(part=part):<44} {medians[way]:6.2f} s {medians[way] / full:6.2f} "
            f"{held[way]:8.0f} MB {held[way] / most:6.2f}"
        )


def answer(stream: TextIO | None) -> str:
    """The next line that a worker says."""
    assert stream is not None
    line = stream.readline()
    if not line:
        sys.exit("a worker died; its message is above")
    return line


def work(network: str, way: str, batch: int) -> None:
    """Makes a step, or tells the memory, whenever asked on stdin."""
    prepare = held if way.startswith("Module") else trained
    step = prepare(network, way, batch)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for asked in sys.stdin:
        if asked.strip() == "memory":
            print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024, flush=True)
            continue
        started = time.perf_counter()
        step()
        print(time.perf_counter() - started, flush=True)


def study(network: str, freeze: str, batch: int) -> tuple[Any, Any, Any, Any]:
    """The experiment that retdsl makes of the spec, where its network starts, images and labels."""
    import numpy as np

    from retdsl import compiler
    from retdsl.diagnostics import Diagnostics

    name, part = NETWORKS[network]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spec.retina"
        path.write_text(SPEC.format(network=name, freeze=freeze.format(part=part), batch=batch))
        spec = compiler.read(str(path), None, Diagnostics())
        assert spec is not None
        program = compiler.check(spec).program
        assert program is not None
        train_py = compiler.compile_experiment(program, program.experiments[0], Path(folder) / "t", None)
        experiment = runpy.run_path(str(train_py))["EXPERIMENT"]
    start = experiment.network.starting_values(experiment.network.deploy_symbol(), 0, None, None)
    random = np.random.RandomState(0)
    images = random.standard_normal((batch, 3, 224, 224)).astype("float32")
    return experiment, start, images, random.randint(0, 2, batch).astype("float32")


def trained(network: str, way: str, batch: int) -> Callable[[], None]:
    """A step as a generated program makes it."""
    import numpy as np

    from retdsl.runtime.loader import Batch
    from retdsl.runtime.schedules import Course, constant
    from retdsl.runtime.trainer import Recipe, Trainer

    experiment, start, images, labels = study(network, WAYS[way], batch)
    one = Batch(images, labels, np.arange(batch))
    recipe = Recipe(experiment.training.optimizer, constant(), Course((1000,)), batch, 0, None)
    made: list[Trainer] = []

    def step() -> None:
        if not made:
            made.append(Trainer(experiment.network, start, recipe))
        made[0].train_epoch(1, [one])

    return step


def held(network: str, way: str, batch: int) -> Callable[[], None]:
    """A step of MXNet's own `Module`, which gets no gradient for the backbone's parameters."""
    from retdsl.runtime.mx import mx

    experiment, start, images, labels = study(network, WAYS[way], batch)
    symbol = experiment.network.whole_symbol(None)
    if not way.endswith("use_global_stats"):
        scores = experiment.network.deploy_symbol().get_internals()["fc1_output"]
        symbol = experiment.network.loss.symbol(scores, None, experiment.network.loss_name)
    fixed = sorted(experiment.network.frozen_names() - set(symbol.list_auxiliary_states()))
    made: list[Any] = []

    def step() -> None:
        if not made:
            module = mx.mod.Module(symbol, label_names=["softmax_label"], fixed_param_names=fixed)
            module.bind([("data", images.shape)], [("softmax_label", labels.shape)])
            module.set_params(*({k: mx.nd.array(v) for k, v in p.items()} for p in (start.arguments, start.auxiliary)))
            module.init_optimizer(optimizer="adam")
            made.append(module)
        made[0].forward_backward(mx.io.DataBatch([mx.nd.array(images)], [mx.nd.array(labels)]))
        made[0].update()
        made[0].get_outputs()[0].asnumpy()
        mx.nd.waitall()

    return step


if __name__ == "__main__":
    main()

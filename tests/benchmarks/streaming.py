"""A step of training behind a frozen part that is computed every time, by each engine, against the step by hand.

    python tests/benchmarks/streaming.py [--photographs ../shared/fundus] [--quick]

By hand is what an experienced user of MXNet writes: one Module, `fixed_param_names`, BatchNorm with `use_global_stats`.
Both sides repeat one batch of 32 photographs of 224 x 224, so that nothing but the network is measured.
"""

from __future__ import annotations

import json
import os
import runpy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from ratios import Ratio, at_least, benchmark, faster, interleaved

BATCH, SIDE = 32, 224

STEPS = 4
"""In an epoch, after which parameters are looked at."""

NETWORKS = {
    "EfficientNet-Lite0": "zoo(efficientnet_lite0, weights = imagenet)",
    "Inception-BN": "zoo(inception_bn)",
    "ResNet-50": "zoo(resnet50_v1)",
}
"""Those without weights here begin with random ones, which takes as long."""

SPEC = """
data eyes {{
  source  = csv("labels.csv", image = image, label = label, patient = patient)
  classes = [healthy, infected]
  split   = by_patient(seed = 1)
  image   = photo => resize(224, 224)
}}
backbone body = {network}
model net = body[global_pool] => Flatten => FullyConnected(2, name = "head") => Softmax
train study {{ model = net  data = eyes  freeze = body  batch = 32  optimizer = sgd(lr = 0.0001) }}
"""

TARGETS = {
    ("EfficientNet-Lite0", "mxnet"): 3.0,
    ("EfficientNet-Lite0", "onnxruntime"): 7.0,
    ("Inception-BN", "onnxruntime"): 1.7,
}

INT8 = 1.5
"""How many times faster than float32."""


@dataclass(frozen=True)
class Study:
    """A compiled experiment with the values it starts from, and a batch."""

    experiment: Any
    start: Any
    images: np.ndarray
    labels: np.ndarray

    @property
    def program(self) -> Path:
        return Path(self.experiment.program)


def study(network: str, photographs: Path, folder: Path) -> Study:
    """What retdsl makes of one of NETWORKS, with photographs of that folder."""
    os.environ.setdefault("OMP_NUM_THREADS", str(os.cpu_count() or 1))  # before MXNet is loaded
    from retdsl import compiler
    from retdsl.diagnostics import Diagnostics

    spec = folder / f"{network}.retina"
    spec.write_text(SPEC.format(network=NETWORKS[network]))
    read = compiler.read(str(spec), photographs, Diagnostics())
    assert read is not None
    program = compiler.check(read).program
    assert program is not None
    train_py = compiler.compile_experiment(program, program.experiments[0], folder / network, photographs)
    experiment = runpy.run_path(str(train_py))["EXPERIMENT"]
    start = experiment.network.starting_values(experiment.network.deploy_symbol(), 0, None, None)
    return Study(experiment, start, images_of(photographs), (np.arange(BATCH) % 2).astype(np.float32))


def images_of(photographs: Path) -> np.ndarray:
    """A batch of photographs as networks take them."""
    files = sorted((photographs / "images").iterdir())[:BATCH]
    small = [cv2.resize(cv2.imread(str(file)), (SIDE, SIDE), interpolation=cv2.INTER_AREA) for file in files]
    return np.ascontiguousarray((np.stack(small)[..., ::-1].astype(np.float32) / 127.5 - 1).transpose(0, 3, 1, 2))


def by_hand(made: Study) -> Callable[[], object]:
    """Steps of MXNet's own Module."""
    from retdsl.runtime.mx import mx

    network = made.experiment.network
    graph = json.loads(network.whole_symbol(None).tojson())
    for node in graph["nodes"]:
        if node["op"] == "BatchNorm":
            node["attrs"]["use_global_stats"] = "True"
    fixed = [name for name in made.start.arguments if not name.startswith("head_")]
    module = mx.mod.Module(mx.sym.load_json(json.dumps(graph)), label_names=["softmax_label"], fixed_param_names=fixed)
    module.bind([("data", made.images.shape)], [("softmax_label", made.labels.shape)])
    sides = (made.start.arguments, made.start.auxiliary)
    module.set_params(*({name: mx.nd.array(value) for name, value in side.items()} for side in sides))
    module.init_optimizer(optimizer="sgd", optimizer_params={"learning_rate": 0.0001})
    batch = mx.io.DataBatch([mx.nd.array(made.images)], [mx.nd.array(made.labels)])

    def steps() -> None:
        for _ in range(STEPS):
            module.forward_backward(batch)
            module.update()
            module.get_outputs()[0].asnumpy()
        mx.nd.waitall()

    return steps


def trained(made: Study, engine: str, precision: Any = None) -> Callable[[], object]:
    """An epoch of steps as a generated program makes it."""
    from retdsl.runtime.engines import engines_of
    from retdsl.runtime.loader import Batch
    from retdsl.runtime.recipe import Recipe
    from retdsl.runtime.schedules import Course, constant
    from retdsl.runtime.trainer import Trainer

    engines = engines_of(made.experiment, engine)
    engines.precision, engines.calibration = precision, lambda count: made.images[:count]
    recipe = Recipe(made.experiment.training.optimizer, constant(), Course((100000,)), BATCH, 0, None)
    trainer = Trainer(made.experiment.network, made.start, recipe, engines=engines)
    batch = Batch(made.images, made.labels, np.arange(BATCH))
    return lambda: trainer.train_epoch(1, [batch] * STEPS)


def measure(photographs: Path, folder: Path, quick: bool) -> list[Ratio]:
    """A row for each engine and network. quick: fewer rounds."""
    from retdsl.runtime.precision import int8

    ratios = []
    for network in ("EfficientNet-Lite0", "Inception-BN"):
        made = study(network, photographs, folder)
        works: Mapping[str, Callable[[], object]] = {
            "by hand": by_hand(made),
            "mxnet": trained(made, "mxnet"),
            "onnxruntime": trained(made, "onnxruntime"),
            "int8": trained(made, "onnxruntime", int8("frozen", photographs=BATCH)),
        }
        took = interleaved(works, rounds=3 if quick else 8)
        rates = {name: STEPS * BATCH / one.seconds for name, one in took.items()}
        said = ", ".join(f"{name} {rate:.0f}" for name, rate in rates.items())
        for engine in ("mxnet", "onnxruntime"):
            wanted = TARGETS.get((network, engine))
            name = f"frozen prefix streamed, {network}, {engine}"
            seconds = took[engine].seconds, took["by hand"].seconds
            ratios.append(faster(name, *seconds, None if wanted is None else at_least(wanted), f"images/s: {said}"))
        name = f"int8 against float32 in the frozen prefix, {network}"
        ratios.append(faster(name, took["int8"].seconds, took["onnxruntime"].seconds, at_least(INT8), "both ours"))
    return ratios


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", str(os.cpu_count() or 1))
    benchmark(measure, __doc__)

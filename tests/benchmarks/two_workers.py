"""What a second worker is worth: two processes with one thread each against one process with one thread.

    python tests/benchmarks/two_workers.py [--photographs ../shared/fundus] [--quick]

ResNet-18 is trained whole, at 224 x 224 and a batch of 32, which two workers share 16 to 16: the same batches, the same
steps, the same figures. Both sides are whole runs, `retdsl train` and `retdsl launch`, one after the other in every
round; what is compared is the time of the epochs after the first, training alone, as the runs themselves note it. The
server that adds up the gradients works on the same two processors.
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path

from ratios import Ratio, at_least, benchmark, more, run

SPEC = """
data eyes {{
  source  = synthetic_fundus({images}, ratio = 1 : 1, seed = 1, size = 256)
  classes = [healthy, infected]
  split   = by_patient(train = 60%, valid = 20%, test = 20%, seed = 1)
  image   = photo => resize(224, 224)
}}

backbone base = zoo(resnet18)
model net = base[global_pool] => Flatten => FullyConnected(2) => Softmax

train two {{
  model     = net
  data      = eyes
  sampling  = resample(size = {size})
  optimizer = sgd(lr = 0.01, momentum = 0.9)
  epochs    = {epochs}
  batch     = 32
  metrics   = [accuracy]
  seed      = 1
}}
"""

WANTED = 1.6


def measure(photographs: Path, folder: Path, quick: bool) -> list[Ratio]:  # noqa: ARG001
    """How many times the images a second of one process two of them train. The photographs are painted."""
    rounds, epochs, size = (1, 2, 64) if quick else (2, 3, 96)
    spec = folder / "two.retina"
    spec.write_text(SPEC.format(images=160, size=size, epochs=epochs))
    found: dict[str, list[float]] = {"one": [], "two": []}
    for turn in range(rounds):
        for name, command in (("one", ["train"]), ("two", ["launch", "-n", "2"])):
            place = folder / f"{name}-{turn}"
            asked = [sys.executable, "-m", "retdsl", *command, str(spec), "--run", str(place), "--threads", "1"]
            run([*asked, "--plain"])
            found[name] += speeds(place)
    one, two = (statistics.median(found[name]) for name in ("one", "two"))
    note = "ResNet-18, 224 x 224, batch 32 as 16 + 16, one thread a process, on one machine"
    return [more("two workers against one process", two, one, at_least(WANTED), note)]


def speeds(folder: Path) -> list[float]:
    """Images a second of every epoch but the first, in which MXNet chooses its kernels."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [line["images_per_second"] for line in lines[1:]]


if __name__ == "__main__":
    benchmark(measure, __doc__)

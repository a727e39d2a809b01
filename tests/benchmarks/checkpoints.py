"""What saving costs: the time in it, as a share of the time of the epochs that are saved, in the same run.

    python tests/benchmarks/checkpoints.py [--images 600] [--epochs 3] [--every 5] [--freeze base] [--root DIR]

A head on a frozen EfficientNet-Lite0 is trained on photographs of 224 x 224 pixels, and every epoch is saved: all
parameters, the optimizer's states, best.json, and the state to go on from; with `--every N` also a state after every N
batches. `--root` takes the photographs of `labels.csv` there, as those of ../shared/fundus, in place of synthetic ones.
Timed is every call that saves, with all that it waits for on the disk; an epoch is training, validation and saving. The
target is a share below 3 % of both the wall time and the time of the processors.
"""

from __future__ import annotations

import argparse
import os
import resource
import runpy
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SPEC = """
data eyes {{
  source  = {source}
  classes = [{classes}]
  split   = by_patient(train = 70%, valid = 20%, test = 10%, seed = 1)
  image   = photo => resize(224, 224)
}}
backbone base = zoo(efficientnet_lite0)
model net = base[global_pool] => Flatten => FullyConnected(128) => Activation(relu) => FullyConnected(2) => Softmax
augment turned = image => rotate180(p = 50%)
train t {{
  augment = {augment}  model = net  data = eyes  freeze = {freeze}  batch = {batch}  epochs = {epochs}
  optimizer = adam  metrics = [auc]
  checkpoint = every({every}, keep = best(auc))
}}
"""
SYNTHETIC = "synthetic_fundus({images}, ratio = 1 : 1)", "healthy, infected"
TABLE = 'csv("labels.csv", image = image, label = label, patient = patient)', "healthy, infected"


class Times:
    """Seconds spent in some functions: of the wall clock, and of all processors."""

    def __init__(self) -> None:
        self.wall, self.processor, self.calls, self._within = 0.0, 0.0, 0, False

    def of(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any, **options: Any) -> Any:
            if self._within:
                return function(*arguments, **options)
            self._within, wall, processor = True, time.perf_counter(), used()
            try:
                return function(*arguments, **options)
            finally:
                self.wall += time.perf_counter() - wall
                self.processor += used() - processor
                self.calls, self._within = self.calls + 1, False

        return timed


def used() -> float:
    """Seconds of the processors that this process has had."""
    found = resource.getrusage(resource.RUSAGE_SELF)
    return found.ru_utime + found.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=600)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--every", type=int, metavar="BATCHES")
    parser.add_argument(
        "--freeze", default="base", help="what of `base` is frozen: `base`, `base[.. blocks_10]`, `none`"
    )
    parser.add_argument("--plain", action="store_true", help="augment nothing: epochs of a frozen base are short then")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--root", type=Path)
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    with tempfile.TemporaryDirectory(prefix="retdsl-bench-") as folder:
        measure(arguments, Path(folder))


def measure(arguments: argparse.Namespace, folder: Path) -> None:
    from retdsl import cli

    source, classes = SYNTHETIC if arguments.root is None else TABLE
    every = 1 if arguments.every is None else f"{arguments.every} batches"
    text = SPEC.format(
        augment="none" if arguments.plain else "turned",
        source=source.format(images=arguments.images),
        classes=classes,
        freeze=arguments.freeze,
        batch=arguments.batch,
        epochs=arguments.epochs,
        every=every,
    )
    (folder / "bench.retina").write_text(text)
    root = ["--root", str(arguments.root.resolve())] if arguments.root else []
    if code := cli.main(["compile", str(folder / "bench.retina"), "-o", str(folder / "out"), *root]):
        raise SystemExit(code)
    experiment = runpy.run_path(str(folder / "out" / "t" / "train.py"))["EXPERIMENT"]

    from retdsl.runtime.checkpoint import Checkpoints
    from retdsl.runtime.fitting import Fitting
    from retdsl.runtime.journal import Journal
    from retdsl.runtime.program import run_program
    from retdsl.runtime.remembering import Memory

    saving, epochs = Times(), Times()
    for owner, name in ((Checkpoints, "offer"), (Memory, "save"), (Journal, "add")):
        setattr(owner, name, saving.of(getattr(owner, name)))
    Fitting._train_epoch = epochs.of(Fitting._train_epoch)  # type: ignore[method-assign]
    options = ["--run", str(folder / "run"), "--plain", "--threads", str(arguments.threads)]
    if code := run_program(experiment, [*options, *root]):
        raise SystemExit(code)
    params = max((folder / "run" / "checkpoints").glob("*.params")).stat().st_size / 2**20
    print(f"{epochs.calls} epochs, {params:.1f} MiB of parameters, saved every {every}")
    print(f"{'':12}{'saving':>10}{'epochs':>10}{'share':>9}")
    for name, part, all_of_it in (
        ("wall", saving.wall, epochs.wall),
        ("processors", saving.processor, epochs.processor),
    ):
        print(f"{name:12}{part:8.2f} s{all_of_it:8.2f} s{part / all_of_it:9.2%}")


if __name__ == "__main__":
    main()

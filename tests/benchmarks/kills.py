"""A training that is killed at random moments, each time gone on with: how often it ends as if it had not been killed.

    python tests/benchmarks/kills.py [--times 20] [--seed 2026] [--epochs 3] [--threads 2]

The study has at once most of what a training can remember: moments of Nadam, gradients that are gathered over batches
and clipped, averaged weights, losses that `hard` chooses by, early stopping, mixed photographs, dropout, views, and
states that are saved in the midst of epochs. Every other process is ended by SIGKILL just before it changes a file, the
others while they compute. All that is left is compared by hash, but for seconds and speeds. The target is 20 of 20.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from retdsl import cli

SPEC = """
data eyes {
  source  = synthetic_fundus(72, ratio = 2 : 1, seed = 1, size = 64)
  classes = [healthy, infected]
  split   = by_patient(train = 50%, valid = 25%, test = 25%, seed = 1)
  image   = photo => resize(24, 24)
}
augment mixed = image => rotate180(p = 50%) => mixup(alpha = 0.4)
model small =
  eyes.image
    => Convolution(4, kernel = 3, no_bias = true, name = "conv")
    => BatchNorm(fix_gamma = false, name = "bn")
    => Activation(relu)
    => Flatten
    => Dropout(30%)
    => FullyConnected(2)
    => WSoftmax(weights = inverse_frequency)
train killed {
  model      = small
  data       = eyes
  augment    = mixed
  sampling   = hard(50%)
  optimizer  = nadam(lr = 0.001)
  accumulate = 2
  clip       = norm(1)
  average    = ema(decay = 0.9)
  views      = [flip_horizontal, rotate180]
  batch      = 4
  metrics    = [auc]
  stop       = early(auc, patience = 2)
  validate   = every(5 batches)
  log        = every(2 batches)
  checkpoint = every(3 batches, keep = best(auc))
  seed       = 7
}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, usual in (("times", 20), ("seed", 2026), ("epochs", 3), ("threads", 2)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    asked = [word for name, number in vars(parser.parse_args()).items() for word in (f"--{name}", str(number))]
    with tempfile.TemporaryDirectory(prefix="retdsl-bench-") as folder:
        spec = Path(folder) / "kills.retina"
        spec.write_text(SPEC)
        raise SystemExit(cli.main(["verify-resume", str(spec), *asked]))


if __name__ == "__main__":
    main()

"""How long it takes to draw an epoch from a million labels: every policy, photographs and patients.

    python tests/benchmarks/sampling.py [LABELS]

Prints user seconds of the second and the third epoch (patients are grouped once, in the first, which is told apart),
and how many images the epoch has. The classes stand 200 : 3; two photographs a patient.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from retdsl.runtime import class_aware, hard, oversample, progressive
from retdsl.runtime.drawing import Pool
from retdsl.runtime.sampling import Sampling, balanced_subset, natural, resample


def policies(size: int, by: str | None) -> list[Sampling]:
    return [
        natural(by=by),
        natural(size=size // 2, by=by),
        balanced_subset(by=by),
        resample(by=by),
        resample(size=size, by=by),
        resample(size=size, replace=True, by=by),
        oversample(by=by),
        class_aware(by=by),
        progressive(epochs=4, by=by),
        progressive(epochs=4, size=size, by=by),
        hard(0.3, natural(by=by)),
        hard(0.3, class_aware(by=by)),
    ]


def main(size: int) -> None:
    random = np.random.default_rng(0)
    labels = np.zeros(size, np.int64)
    labels[random.choice(size, 3 * size // 203, replace=False)] = 1
    patients = random.permutation(size) // 2
    losses = random.uniform(size=size)
    print(f"an epoch of {size:,} labels, user seconds")
    for by in (None, "patient"):
        pool = Pool(labels, patients, losses)
        start = time.process_time()
        pool.units(by)
        print(f"\nby {by or 'image'}, grouped once in {time.process_time() - start:.2f} s")
        for policy in policies(size, by):
            took = []
            for epoch in (2, 3):
                start = time.process_time()
                drawn = policy.epoch(pool, 7, epoch)
                took.append(time.process_time() - start)
            print(f"  {' '.join(f'{t:.2f}' for t in took)}  {len(drawn):>9,} images  {policy}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)

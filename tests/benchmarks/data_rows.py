"""A million labelled rows: how long they take to be listed, divided and drawn from for one epoch, and what memory.

    python tests/benchmarks/data_rows.py [--rows N] [--folders N] [--shuffled] [--keep DIR]

Makes as many empty files as there are rows, in folders of a temporary place (in memory where the system has one), and
a table of them, folder by folder or shuffled, with patients of two photographs each, 66 healthy to 1 infected. The
listing looks for every file, as it does in a study. Prints seconds (of the clock, and of the processor) and the peak of
memory, for each part and in all; a process of its own does it, so that nothing of the making counts. To compare
machines, and busy times with quiet ones: the first line is what Python's own csv reader takes for the same table.
"""

from __future__ import annotations

import argparse
import csv as csv_format
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

GOAL_SECONDS, GOAL_BYTES = 5.0, 2 * 2**30

Result = TypeVar("Result")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--folders", type=int, default=100)
    parser.add_argument("--shuffled", action="store_true", help="the rows of the table in no order")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="make the files there, or use those that are there")
    parser.add_argument("--measure", type=Path, metavar="DIR", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.measure)
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        root = arguments.keep or Path(folder)
        if not (root / "labels.csv").exists():
            make(root, arguments.rows, arguments.folders, shuffled=arguments.shuffled)
        subprocess.run([sys.executable, __file__, "--measure", str(root)], check=True)


def make(root: Path, rows: int, folders: int, *, shuffled: bool) -> None:
    """The files and the table."""
    for folder in range(folders):
        (root / f"site{folder:03d}").mkdir(parents=True)
    lines = []
    for row in range(rows):
        name = f"site{row * folders // rows:03d}/{row // 2:07d}_{('left', 'right')[row % 2]}.jpg"
        os.close(os.open(root / name, os.O_CREAT | os.O_WRONLY))
        lines.append(f"{name},{'infected' if row % 67 == 0 else 'healthy'},p{row // 2:07d}\n")
    if shuffled:
        random.Random(0).shuffle(lines)
    (root / "labels.csv").write_text("image,label,patient\n" + "".join(lines))


def measure(root: Path) -> None:
    """Lists, divides and draws, and says how long each took."""
    import numpy as np

    from retdsl.runtime.dataset import Data
    from retdsl.runtime.memory import garbage_kept
    from retdsl.runtime.sampling import Pool, resample
    from retdsl.runtime.sources import Wanted
    from retdsl.runtime.split import by_patient
    from retdsl.runtime.tables import csv

    classes = ("healthy", "infected")
    source, split = csv("labels.csv", patient="patient"), by_patient()
    before = _peak()

    def parts() -> None:
        timed("Python's csv reader", lambda: list(csv_format.reader((root / "labels.csv").open(newline=""))))
        samples = timed("list", lambda: source.samples(root, Wanted(classes)))
        timed("divide", lambda: split.divide(samples))

    with garbage_kept():
        parts()

    def all_of_it() -> int:
        dataset = Data(source, classes, split).divided(root)
        numbers: dict[str, int] = {}
        patients = [numbers.setdefault(dataset.samples[i].patient, len(numbers)) for i in dataset.train]
        pool = Pool(dataset.labels(dataset.train), np.array(patients, np.int64))
        return len(timed("  of it: draw one epoch", lambda: resample(ratio=(1, 1)).epoch(pool, 0, 1)))

    start = time.perf_counter()
    drawn = timed("list, divide and draw", all_of_it)
    seconds = time.perf_counter() - start
    print(f"{drawn} photographs in the epoch; peak of memory {_peak() / 2**20:.0f} MiB ({before / 2**20:.0f} at first)")
    ok = seconds < GOAL_SECONDS and _peak() < GOAL_BYTES
    print(f"goal: under {GOAL_SECONDS:g} s and {GOAL_BYTES / 2**30:g} GiB: {'reached' if ok else 'MISSED'}")


def timed(what: str, part: Callable[[], Result]) -> Result:
    clock, processor = time.perf_counter(), time.process_time()
    result = part()
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    print(f"{what:24} {clock:6.2f} s   processor {processor:6.2f} s   peak {_peak() / 2**20:6.0f} MiB", flush=True)
    return result


def _peak() -> int:
    """Bytes that this process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()

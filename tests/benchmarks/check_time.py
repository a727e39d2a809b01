"""How long `retdsl check` takes, start of Python included, beside the start of Python alone.

    python tests/benchmarks/check_time.py [--rounds 9] [SPEC ...]

Prints the median of the rounds in seconds, wall time.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("specs", nargs="*", default=["quickstart", "three_answers"])
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    commands = {"python alone": ["-c", "pass"]}
    commands |= {f"retdsl check {spec}": ["-m", "retdsl", "check", spec] for spec in arguments.specs}
    took: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(arguments.rounds):
        for name, command in commands.items():
            started = time.perf_counter()
            subprocess.run([sys.executable, *command], check=True, capture_output=True)
            took[name].append(time.perf_counter() - started)
    for name, seconds in took.items():
        print(f"{name:<32} {statistics.median(seconds):.3f} s")


if __name__ == "__main__":
    main()

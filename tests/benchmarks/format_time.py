"""How long `retdsl fmt` thinks about a file, by its number of lines, and how much of that is reading it.

    python tests/benchmarks/format_time.py [--lines 10000] [--rounds 3]

Prints the median of the rounds in seconds. A file is read twice: before, and after to see that it says the same. The
lines are short, since no file may have more than 300,000 characters.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

from retdsl.diagnostics import Diagnostics
from retdsl.source import Source
from retdsl.syntax import parse
from retdsl.syntax.formatter import format_source

PART = """\
# Comment {n}.
block b{n}(f, name) =
  Convolution(
    f,
    kernel = 3,  # three
    name   = name
  )
    => Flatten  # flat
    => G(1, k = f * 2)

train t{n} {
  model  = m
  epochs = 3
  seed   = {n}
}

"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    for lines in (arguments.lines // 4, arguments.lines // 2, arguments.lines):
        source = Source("long.retina", "".join(PART.replace("{n}", str(n)) for n in range(lines // PART.count("\n"))))
        whole = seconds(lambda s=source: format_source(s, Diagnostics()), arguments.rounds)
        reading = 2 * seconds(lambda s=source: parse(s, Diagnostics()), arguments.rounds)
        print(f"{source.lines:>6} lines {whole:6.2f} s, of which reading {reading:6.2f} s")


def seconds(work: Callable[[], object], rounds: int) -> float:
    took = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        took.append(time.perf_counter() - started)
    return statistics.median(took)


if __name__ == "__main__":
    main()

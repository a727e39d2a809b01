"""How fast this machine multiplies large matrices, by every library at hand: the limit of what a network can do.

    python gemm.py [--sizes 1024 2048 4096] [--rounds 10]

On stdout: the best GFLOP/s of each, a multiplication and an addition counted as two, as JSON.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import numpy as np
from mx import mx


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1024, 2048, 4096], help="rows and columns")
    parser.add_argument("--rounds", type=int, default=10)
    arguments = parser.parse_args()
    rates: dict[str, float] = {}
    for size in arguments.sizes:
        one, other = (mx.nd.random.normal(shape=(size, size)) for _ in range(2))
        out, array, another = mx.nd.zeros((size, size)), one.asnumpy(), other.asnumpy()
        result = np.empty_like(array)
        ways: dict[str, Callable[[], object]] = {
            "mx.nd.dot": lambda a=one, b=other, c=out: mx.nd.dot(a, b, out=c),
            "mx.nd.FullyConnected": lambda a=one, b=other, c=out: mx.nd.FullyConnected(
                a, b, no_bias=True, num_hidden=c.shape[0], out=c
            ),
            "numpy.matmul": lambda a=array, b=another, c=result: np.matmul(a, b, out=c),
        }
        for name, way in ways.items():
            rate = 2 * size**3 / fastest(way, arguments.rounds) / 1e9
            rates[name] = max(rate, rates.get(name, 0))
    print(json.dumps(rates))


def fastest(multiply: Callable[[], object], rounds: int) -> float:
    """Seconds of the fastest round, after one that warms up."""
    seconds = []
    for _ in range(rounds + 1):
        mx.nd.waitall()
        began = time.perf_counter()
        multiply()
        mx.nd.waitall()
        seconds.append(time.perf_counter() - began)
    return min(seconds[1:])


if __name__ == "__main__":
    main()

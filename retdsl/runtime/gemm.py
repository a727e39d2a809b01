"""How fast a device multiplies large matrices: the limit of everything that a network spends its time with.

Enters: a device. Leaves: billions of floating-point operations a second, by what multiplies. Guaranteed: the best of
several rounds, since a limit is what was reached once.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from retdsl.runtime.bound import Device
from retdsl.runtime.mx import mx

SIZE = 2048
"""Rows and columns: large enough for a matrix to be far from any cache, and for a round to take some 50 ms."""

ROUNDS = 8

ENOUGH = 1.0
"""Seconds after which a slow device need not go on."""


def gemm_rates(where: Device, size: int = SIZE, rounds: int = ROUNDS) -> dict[str, float]:
    """GFLOP/s of every way that MXNet has, a multiplication and an addition counted as two: `dot`, which is OpenBLAS's
    or cuBLAS's, and `FullyConnected`, which on a processor is oneDNN's.
    """
    one, other = (mx.nd.random.normal(shape=(size, size), ctx=where) for _ in range(2))
    out = mx.nd.zeros((size, size), ctx=where)
    ways: dict[str, Callable[[], object]] = {
        "dot": lambda: mx.nd.dot(one, other, out=out),
        "FullyConnected": lambda: mx.nd.FullyConnected(one, other, no_bias=True, num_hidden=size, out=out),
    }
    return {name: 2 * size**3 / _best(way, rounds) / 1e9 for name, way in ways.items()}


def _best(multiply: Callable[[], object], rounds: int) -> float:
    """Seconds of the fastest round, after one that warms up."""
    seconds: list[float] = []
    while len(seconds) <= rounds and (len(seconds) < 3 or sum(seconds) < ENOUGH):
        mx.nd.waitall()
        started = time.perf_counter()
        multiply()
        mx.nd.waitall()
        seconds.append(time.perf_counter() - started)
    return min(seconds[1:])

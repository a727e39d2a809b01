"""The rate of multiplied matrices: whole products, counted as NumPy counts them, and the fastest round."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from retdsl.runtime import gemm
from retdsl.runtime.bound import device
from retdsl.runtime.gemm import gemm_rates
from retdsl.runtime.mx import mx

SIZE = 24


class Clock:
    """Time that passes only while something is multiplied. seconds: of each multiplication, the last for all others."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *seconds: float) -> None:
        self._seconds = seconds
        self._now = 0.0
        self.calls: dict[str, list[tuple[np.ndarray, ...]]] = {"dot": [], "FullyConnected": []}
        monkeypatch.setattr(gemm, "time", SimpleNamespace(perf_counter=lambda: self._now))
        for name in self.calls:
            monkeypatch.setattr(mx.nd, name, self._timed(name, getattr(mx.nd, name)))

    def _timed(self, name: str, multiply: Callable[..., object]) -> Callable[..., object]:
        def timed(*arrays: object, **options: object) -> object:
            calls = self.calls[name]
            self._now += self._seconds[min(len(calls), len(self._seconds) - 1)]
            result = multiply(*arrays, **options)
            calls.append(tuple(array.asnumpy() for array in (*arrays, options["out"])))
            return result

        return timed


def operations(size: int) -> float:
    """What NumPy says that the product of two square matrices takes."""
    one = np.empty((size, size))
    _, words = np.einsum_path("ij,jk->ik", one, one)
    found = re.search(r"Naive FLOP count:\s*([\d.e+]+)", words)
    assert found is not None
    return float(found[1])


def test_it_is_the_operations_of_the_fastest_round_but_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, 0.001, 0.05, 0.02, 0.04)
    rates = gemm_rates(device(), SIZE, rounds=4)
    assert rates == {name: pytest.approx(operations(SIZE) / 0.02 / 1e9, rel=1e-3) for name in clock.calls}
    assert [len(calls) for calls in clock.calls.values()] == [5, 5], "one warms up"


def test_a_slow_device_need_not_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, 30.0, 20.0, 25.0)
    rates = gemm_rates(device(), SIZE, rounds=8)
    assert rates["dot"] == pytest.approx(operations(SIZE) / 20 / 1e9, rel=1e-3)
    assert [len(calls) for calls in clock.calls.values()] == [3, 3]


def test_what_is_timed_is_the_whole_product(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, 0.01)
    gemm_rates(device(), SIZE, rounds=1)
    [*_, (one, other, product)] = clock.calls["dot"]
    np.testing.assert_allclose(product, one @ other, rtol=1e-4, atol=1e-4)
    [*_, (one, other, product)] = clock.calls["FullyConnected"]
    np.testing.assert_allclose(product, one @ other.T, rtol=1e-4, atol=1e-4)
    assert one.shape == other.shape == (SIZE, SIZE)
    assert np.linalg.matrix_rank(one) == SIZE, "nothing that could be skipped"

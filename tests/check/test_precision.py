"""Intervals of shares, against SciPy and against a count of every outcome."""

from __future__ import annotations

import math

import pytest
from scipy.stats import binomtest

from retdsl.balance.numbers import percent, ratio_text, short
from retdsl.balance.precision import cases_needed, wilson


@pytest.mark.parametrize("cases", [1, 2, 3, 6, 10, 33, 93, 1000])
def test_wilson_is_that_of_scipy(cases: int) -> None:
    for found in range(0, cases + 1, max(1, cases // 11)):
        interval = binomtest(found, cases).proportion_ci(0.95, method="wilson")
        assert wilson(found, cases) == pytest.approx((interval.low, interval.high), abs=1e-12)


def test_wilson_holds_the_truth_in_95_percent_of_cases_on_average() -> None:
    cases = 10
    intervals = [wilson(found, cases) for found in range(cases + 1)]
    held = 0.0
    truths = [(i + 0.5) / 500 for i in range(500)]
    for truth in truths:
        for found, (low, high) in enumerate(intervals):
            if low <= truth <= high:
                held += math.comb(cases, found) * truth**found * (1 - truth) ** (cases - found)
    assert held / len(truths) == pytest.approx(0.95, abs=0.01)


def test_the_number_of_cases_is_the_first_that_is_enough() -> None:
    needed = cases_needed(0.1)
    low, high = wilson(0.8 * needed, needed)
    assert (high - low) / 2 <= 0.1
    low, high = wilson(0.8 * (needed - 1), needed - 1)
    assert (high - low) / 2 > 0.1


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ((315, 5), "63 : 1"),
        ((200, 3), "66.7 : 1"),
        ((1, 66.7), "1 : 66.7"),
        ((1, 0), "1 : 0"),
        ((0, 0), "0 : 0"),
        ((4.449e9, 1), "4e+09 : 1"),
        ((463, 482, 1000), "1 : 1.04 : 2.16"),
    ],
)
def test_ratios_in_words(parts: tuple[float, ...], words: str) -> None:
    assert ratio_text(parts) == words


def test_a_share_that_is_not_all_never_reads_as_all() -> None:
    assert [percent(share) for share in (0, 0.985, 0.9998, 1 - 1e-12, 1e-12, 1)] == [
        "0 %",
        "98.5 %",
        "99.98 %",
        "nearly 100 %",
        "nearly 0 %",
        "100 %",
    ]
    assert [short(number) for number in (1, 1.04, 9.999, 66.666, 100.4, 4449)] == [
        "1",
        "1.04",
        "10",
        "66.7",
        "100",
        "4449",
    ]

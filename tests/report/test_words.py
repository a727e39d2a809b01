"""Figures in words: none that says more, or less, than the number."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retdsl.report.words import facts, figure, figure_name, interval, listed, percent


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("sensitivity_at_specificity_90", "sensitivity at 90 % specificity"),
        ("specificity_at_sensitivity_97.5", "specificity at 97.5 % sensitivity"),
        ("ppv_at_prevalence_1.5", "positive predictive value at 1.5 % prevalence"),
        ("auc", "AUC"),
        ("balanced_accuracy", "balanced accuracy"),
    ],
)
def test_names(key: str, name: str) -> None:
    assert figure_name(key) == name


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0 %"), (1, "100 %"), (0.5, "50 %"), (0.996, "99.6 %"), (0.9996, "99.96 %"), (0.0004, "0.04 %")],
)
def test_shares(share: float, text: str) -> None:
    assert percent(share) == text


@given(st.floats(0, 1, exclude_min=True, exclude_max=True))
def test_what_is_neither_none_nor_all_never_reads_so(share: float) -> None:
    assert percent(share) not in ("0 %", "100 %") or share < 1e-300 or 1 - share < 1e-9


def test_figures_and_intervals() -> None:
    assert figure("sensitivity_at_specificity_90", 0.93) == "93 %"
    assert figure("auc", 0.98449) == "0.984"
    assert figure("auc", math.nan) == figure("auc", None) == "-"
    assert interval("auc", [0.9, 1.0]) == "0.900 to 1.000"
    assert interval("sensitivity", [0.84, 1.0]) == "84 to 100 %"
    assert interval("auc", None) == interval("auc", [None, None]) == interval("auc", [math.nan, 1]) == ""


def test_lists_and_facts() -> None:
    assert [listed(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]
    found = facts(
        {"graders": {"kappa": 0.71234567, "undecided": ["row 7", "row 9"]}, "rules": [{"rule": "x", "rows": 3}]}
    )
    assert found == [
        ("graders kappa", "0.7123"),
        ("graders undecided", "row 7, row 9"),
        ("rules rule", "x"),
        ("rules rows", "3"),
    ]

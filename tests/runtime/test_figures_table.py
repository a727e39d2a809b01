"""The table at the end of a run."""

from __future__ import annotations

import math

import pytest
from test_judging import POINT, side

from retdsl.runtime.figures_table import class_in_words, counts_in_words, figures_table, key_in_words
from retdsl.runtime.judging import judge
from retdsl.runtime.metrics import auc, calibration_error, ppv, sensitivity, specificity

METRICS = (auc(), POINT, specificity(at_sensitivity=0.8), sensitivity(), ppv(at_prevalence=0.02), calibration_error())
JUDGED = {"loss": 0.25, **judge(METRICS, side(1), side(2), resamples=200), "images": 120, "patients": 60}


def test_keys_in_words():
    assert key_in_words("sensitivity_at_specificity_97.5") == "sensitivity at 97.5 % specificity"
    assert key_in_words("ppv_at_prevalence_2") == "ppv at 2 % prevalence"
    assert key_in_words("balanced_accuracy") == "balanced accuracy"


def test_the_frozen_threshold_comes_first_and_that_of_the_side_itself_last():
    lines = figures_table(JUDGED)
    titles = [line for line in lines if not line.startswith(" ")]
    assert titles == [
        "threshold from validation, for sensitivity at 90 % specificity",
        "threshold from validation, for specificity at 80 % sensitivity",
        "all test images",
        "best threshold of the test images themselves, known too late",
        "in brackets: 95 % intervals, by drawing the 60 patients again",
    ]
    assert lines[0].split("  ")[-1].strip() == "each patient"
    [row] = [line for line in lines if line.startswith("  auc ")]
    low, high = JUDGED["auc_ci"]
    assert f"{JUDGED['auc']:.3f} [{low:.3f}, {high:.3f}]  {JUDGED['per_patient']['auc']:.3f}" in row
    own = titles.index("best threshold of the test images themselves, known too late")
    assert [line.split("  ")[1] for line in lines[lines.index(titles[own]) + 1 : -1]] == [
        "sensitivity at 90 % specificity",
        "specificity at 80 % sensitivity",
    ]


@pytest.mark.parametrize("columns", [120, 80, 79, 60, 58, 45, 40])
def test_lines_fit_the_terminal(columns):
    lines = figures_table(JUDGED, columns)
    assert max(map(len, lines)) <= columns
    text = " ".join(" ".join(lines).split())
    for title in ("threshold from validation, for sensitivity at 90 % specificity", "known too late", "each patient"):
        assert title in text
    assert text.count(f"{JUDGED['auc']:.3f} [") == 1


def test_one_photograph_a_patient_needs_one_column():
    lines = figures_table({**JUDGED, "patients": 120})
    assert not any("each" in line for line in lines)
    assert f"{JUDGED['per_patient']['auc']:.3f}" not in "\n".join(lines)


def test_figures_that_mean_nothing():
    lines = figures_table({"loss": 0.5, "auc": math.nan, "auc_ci": [math.nan, math.nan], "images": 4, "patients": 4})
    assert [line.split() for line in lines] == [["loss", "0.500"], ["auc", "-"]]
    assert figures_table({"loss": 0.5, "auc": None, "auc_ci": [None, None], "images": 4, "patients": 4}) == lines


def test_a_class_that_is_called_by_a_number_is_not_taken_for_a_count() -> None:
    assert counts_in_words([("healthy", 520), ("infected", 140)]) == "520 healthy, 140 infected"
    assert counts_in_words([("0", 17), ("1", 12)]) == "17 of class 0, 12 of class 1"
    assert class_in_words("4") == "class 4"

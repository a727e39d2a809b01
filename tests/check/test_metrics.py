"""What metrics can be asked of classes, findings and trainings."""

from __future__ import annotations

import pytest
from study_texts import check, edited
from test_imbalance import METRICS, counted, few

from retdsl.diagnostics import Diagnostic

SPEC = """
data eyes {
  source  = csv("labels.csv", LABELpatient = person)
  classes = [CLASSES]
  image   = photo => resize(32, 32)
}

model small = eyes.image => Flatten => FullyConnected(count(eyes.classes)) => HEAD
train first { model = small  data = eyes  metrics = [METRICS] }
"""


def said(metrics: str, classes: str = "healthy, infected") -> list[str]:
    """The codes of what is said of metrics."""
    text = SPEC.replace("METRICS", metrics).replace("CLASSES", classes).replace("LABEL", "")
    return codes(text.replace("HEAD", "Softmax"))


def said_of_findings(metrics: str, findings: str) -> list[str]:
    text = SPEC.replace("METRICS", metrics).replace("CLASSES", findings)
    return codes(text.replace("LABEL", f"label = findings([{findings}]), ").replace("HEAD", "Sigmoid"))


def codes(text: str) -> list[str]:
    return [item.code for item in check(text).diagnostics if item.code.startswith("R7") or item.severity == "error"]


TWO_CLASSES = ("sensitivity", "specificity(at_sensitivity = 80%)", "ppv", "npv(at_prevalence = 2%)")


@pytest.mark.parametrize("metric", TWO_CLASSES)
def test_metrics_of_two_classes(metric: str) -> None:
    assert said(f"auc, {metric}") == []
    assert said(f"auc, {metric}", "well, mild, severe") == ["R705"]
    assert said_of_findings(f"auc, {metric}", "exudate, haemorrhage, drusen") == []
    assert said_of_findings(f"auc, {metric}", "exudate, haemorrhage") == []


@pytest.mark.parametrize("metric", ["pr_auc", "f1", "brier", "calibration_error(bins = 5, equal = width)"])
def test_metrics_of_any_classes(metric: str) -> None:
    assert said(metric) == said(metric, "well, mild, severe") == said_of_findings(metric, "x, y, z") == []


def test_grades_are_more_than_two_and_exclude_one_another() -> None:
    assert said("quadratic_kappa", "well, mild, severe") == []
    assert said("auc, quadratic_kappa") == ["R727"]
    assert said_of_findings("quadratic_kappa", "x, y, z") == ["R726"]


@pytest.mark.parametrize(
    ("metric", "code"),
    [
        ("ppv(at_prevalence = 0%)", "R304"),
        ("ppv(at_prevalence = 1)", "R304"),
        ("npv(at_prevalence = 2)", "R304"),
        ("ppv(at_prevalence = none)", None),
        ("ppv(at_prevalence = 0.001)", None),
        ("calibration_error(bins = 0)", "R304"),
        ("calibration_error(equal = area)", "R303"),
        ("ppv(at_specificity = 90%)", "R302"),
    ],
)
def test_options(metric: str, code: str | None) -> None:
    assert said(f"auc, {metric}") == ([] if code is None else [code])


def shifted(numbers: str, head: str, sampling: str, metrics: str = "[auc, brier]") -> list[Diagnostic]:
    edits = ((METRICS[0], metrics),)
    return [item for item in counted(numbers, head, sampling, *edits) if item.code == "R728"]


@pytest.mark.parametrize(
    ("numbers", "head", "sampling", "warned"),
    [
        ("2000 : 100", "Softmax", "natural", False),
        ("2000 : 100", "Softmax", "resample", True),
        ("2000 : 100", "Softmax", "resample(ratio = 20 : 1)", False),
        ("2000 : 100", "Softmax", "resample(ratio = 12 : 1)", False),
        ("2000 : 100", "WSoftmax(weights = inverse_frequency)", "natural", True),
        ("1000 : 900", "Softmax", "resample", False),
    ],
)
def test_probabilities_that_training_shifts(numbers: str, head: str, sampling: str, warned: bool) -> None:
    assert bool(shifted(numbers, head, sampling)) == warned
    assert not shifted(numbers, head, sampling, "[auc, pr_auc]")


def test_shifted_probabilities_are_told_with_the_numbers() -> None:
    [item] = shifted("2000 : 100", "Softmax", "resample", "[auc, calibration_error, brier]")
    assert item.message.startswith("`calibration_error`")
    assert [label.text for label in item.labels] == ["", "as does this", "makes 20 : 1 into 1 : 1"]


@pytest.mark.parametrize("metric", ["ppv", "npv(at_prevalence = 5%)", "f1"])
def test_what_hangs_on_a_few_found_is_warned_of(metric: str) -> None:
    [item] = few("2000 : 20", metric)
    assert item.labels[0].text == "hangs on how many of 3 are found"
    assert few("2000 : 200", metric) == []


def test_the_best_epoch_may_be_chosen_by_what_is_best_when_it_is_low() -> None:
    text = edited((METRICS[0], "[auc, brier]"), ("best(auc)", "best(brier)"))
    assert [item for item in check(text).diagnostics if item.severity == "error"] == []

"""Figures of eyes and of patients, and thresholds that are chosen on one side and applied to another."""

from __future__ import annotations

import json
import math
import warnings

import numpy as np
import pytest
from clustered import eyes
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from retdsl.runtime.answers import Answers
from retdsl.runtime.files import finite
from retdsl.runtime.judging import judge
from retdsl.runtime.metrics import accuracy, auc, calibration_error, npv, ppv, quadratic_kappa, sensitivity, specificity
from retdsl.runtime.worse_eye import worse_eye

POINT = sensitivity(at_specificity=0.9)


def answers(labels, probabilities, patients, classes=("healthy", "infected")) -> Answers:
    names = tuple(f"{number}.jpg" for number in range(len(labels)))
    p = np.asarray(probabilities, np.float32)
    return Answers(names, tuple(patients), tuple(classes), np.asarray(labels, np.int64), p)


def side(seed, patients=60, prevalence=0.25) -> Answers:
    return answers(*eyes(np.random.default_rng(seed), patients, prevalence))


def of_scores(labels, scores, patients=None) -> Answers:
    scores = np.asarray(scores, np.float32)
    p = np.stack([1 - scores, scores], axis=1)
    return answers(labels, p, patients or [f"p{number}" for number in range(len(labels))])


class TestWorseEye:
    def test_two_classes(self):
        found = worse_eye(of_scores([0, 1, 0, 0], [0.2, 0.4, 0.7, 0.1], ["b", "a", "b", "a"]))
        assert found.patients == found.images == ("b", "a")
        assert found.labels.tolist() == [0, 1]
        assert found.probabilities[:, 1].tolist() == pytest.approx([0.7, 0.4])
        assert found.probabilities.sum(axis=1).tolist() == pytest.approx([1, 1])

    def test_the_worst_grade_of_either_eye(self):
        p = [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.5, 0.1, 0.4]]
        found = worse_eye(answers([0, 2, 1], p, ["a", "a", "a"], ("none", "mild", "severe")))
        assert found.labels.tolist() == [2]
        # Beyond "none" 0.9 by the second eye, beyond "mild" 0.4 by the third.
        assert found.probabilities[0].tolist() == pytest.approx([0.1, 0.5, 0.4])

    def test_each_finding_for_itself(self):
        found = worse_eye(answers([[1, 0], [0, 0], [0, 1]], [[0.9, 0.1], [0.2, 0.3], [0.1, 0.6]], "aab", ("x", "y")))
        assert found.labels.tolist() == [[1, 0], [0, 1]]
        np.testing.assert_allclose(found.probabilities, [[0.9, 0.3], [0.1, 0.6]], rtol=1e-6)

    @given(st.data())
    @settings(max_examples=100, deadline=None)
    def test_patients_with_one_photograph_are_as_they_are(self, data):
        classes = data.draw(st.integers(2, 5))
        p = np.random.default_rng(data.draw(st.integers(0, 999))).dirichlet(np.full(classes, 0.05), 20)
        given_answers = answers(p.argmax(axis=1), p, map(str, range(20)), map(str, range(classes)))
        found = worse_eye(given_answers)
        assert (found.probabilities == given_answers.probabilities).all()
        assert (found.labels == given_answers.labels).all()

    def test_no_answers(self):
        assert len(worse_eye(of_scores([], []))) == 0


def test_every_figure_has_an_interval_around_it_for_eyes_and_patients():
    test, validation = side(1), side(2)
    metrics = (accuracy(), auc(), POINT, ppv(at_prevalence=0.02))
    found = judge(metrics, test, validation)
    for figures in (found, found["per_patient"]):
        for metric in metrics:
            low, high = figures[f"{metric.key}_ci"]
            assert low < figures[metric.key] < high or figures[metric.key] == high == 1
    by_patient = worse_eye(test)
    assert found["auc"] == pytest.approx(reference.roc_auc_score(test.labels, test.probabilities[:, 1]))
    assert found["per_patient"]["auc"] == pytest.approx(
        reference.roc_auc_score(by_patient.labels, by_patient.probabilities[:, 1])
    )
    assert found["intervals"]["resamples"] == 2000
    json.dumps(found, allow_nan=False)


def test_a_threshold_is_chosen_on_validation_and_applied_to_the_test_side():
    test, validation = side(3), side(4)
    [point] = judge((auc(), POINT), test, validation, resamples=100)["operating_points"]
    healthy = validation.probabilities[validation.labels == 0, 1]
    assert (healthy < point["threshold"]).mean() >= 0.9
    scores = validation.probabilities[:, 1]
    assert (healthy < scores[scores < np.float32(point["threshold"])].max()).mean() < 0.9
    called = test.probabilities[:, 1] >= np.float32(point["threshold"])
    expected = {
        "sensitivity": called[test.labels == 1].mean(),
        "specificity": (~called)[test.labels == 0].mean(),
        "ppv": test.labels[called].mean(),
        "npv": 1 - test.labels[~called].mean(),
    }
    for key, value in expected.items():
        assert point[key] == pytest.approx(value)
        assert point[f"{key}_ci"][0] <= value <= point[f"{key}_ci"][1]
    assert (point["metric"], point["chosen_on"]) == ("sensitivity_at_specificity_90", "validation")
    assert point["on_validation"]["specificity"] == pytest.approx((healthy < point["threshold"]).mean())
    again = json.loads(json.dumps(point))["threshold"]
    assert ((test.probabilities[:, 1] >= np.float32(again)) == called).all()


def test_no_answer_about_the_test_side_moves_a_threshold():
    validation = side(5)
    points = [judge((POINT,), side(seed), validation, resamples=10)["operating_points"] for seed in (6, 7)]
    assert points[0][0]["threshold"] == points[1][0]["threshold"]
    assert points[0][0]["specificity"] != points[1][0]["specificity"]


def test_a_frozen_threshold_flatters_less_than_the_best_one_of_the_side():
    """On average over sides from one world; the figure of a side at its own best threshold is the higher one."""
    own, frozen, kept = [], [], []
    for seed in range(60):
        found = judge((POINT,), side(seed, 40), side(1000 + seed, 40), resamples=2)
        own.append(found[POINT.key])
        frozen.append(found["operating_points"][0]["sensitivity"])
        kept.append(found["operating_points"][0]["specificity"])
    assert np.mean(kept) < 0.9  # what was 90 % on validation is less elsewhere
    assert np.std(own) > 0
    assert np.mean(kept) == pytest.approx(0.9, abs=0.03)
    assert np.mean(frozen) == pytest.approx(np.mean(own), abs=0.1)


def test_patients_have_a_threshold_of_their_own():
    found = judge((POINT,), side(8), side(9), resamples=10)
    [eye], [patient] = found["operating_points"], found["per_patient"]["operating_points"]
    # The higher of two scores is high more often, so that the same specificity takes a higher threshold.
    assert patient["threshold"] > eye["threshold"]


def test_predictive_values_at_a_prevalence_come_with_the_operating_point():
    [point] = judge((POINT, ppv(at_prevalence=0.02), npv(at_prevalence=0.02)), side(10), side(11), resamples=10)[
        "operating_points"
    ]
    se, sp = point["sensitivity"], point["specificity"]
    assert point["ppv_at_prevalence_2"] == pytest.approx(0.02 * se / (0.02 * se + 0.98 * (1 - sp)))
    assert point["npv_at_prevalence_2"] == pytest.approx(0.98 * sp / (0.98 * sp + 0.02 * (1 - se)))


def test_every_operating_point_that_is_asked_for():
    metrics = (POINT, specificity(at_sensitivity=0.8), sensitivity(), auc())
    found = judge(metrics, side(12), side(13), resamples=10)["operating_points"]
    assert [point["metric"] for point in found] == ["sensitivity_at_specificity_90", "specificity_at_sensitivity_80"]
    assert found[1]["on_validation"]["sensitivity"] >= 0.8


def test_each_finding_has_a_threshold_of_its_own():
    one, two = side(14), side(15)

    def both(seed):
        one, two = side(seed), side(seed + 100)
        labels = np.stack([one.labels, two.labels], axis=1)
        p = np.stack([one.probabilities[:, 1], two.probabilities[:, 1] / 2], axis=1)
        return answers(labels, p, one.patients, ("exudate", "haemorrhage"))

    test, validation = both(14), both(16)
    found = judge((POINT,), test, validation, resamples=50)["operating_points"]
    assert [point["finding"] for point in found] == ["exudate", "haemorrhage"]
    for at, point in enumerate(found):
        called = test.probabilities[:, at] >= np.float32(point["threshold"])
        assert point["sensitivity"] == pytest.approx(called[test.labels[:, at] == 1].mean())
        assert (validation.probabilities[validation.labels[:, at] == 0, at] < point["threshold"]).mean() >= 0.9
    assert len(one) == len(two)


def test_a_finding_alone_is_named_as_several_are():
    test = answers([[1], [0], [1]], [[0.9], [0.1], [0.4]], "abc", ("exudate",))
    [point] = judge((POINT,), test, test, resamples=10)["operating_points"]
    assert point["finding"] == "exudate"


def test_what_a_threshold_does_on_validation_with_three_classes():
    """There, too, the question is whether an image is of the last class."""
    random = np.random.default_rng(19)
    p = random.dirichlet([1, 1, 1], 200)
    labels = np.where(random.random(200) < 0.7, p.argmax(axis=1), random.integers(3, size=200))
    both = answers(labels, p, map(str, range(200)), ("none", "mild", "severe"))
    [point] = judge((POINT,), both, both, resamples=10)["operating_points"]
    for figure in ("sensitivity", "specificity"):
        assert point["on_validation"][figure] == pytest.approx(point[figure])
    assert 0.9 <= point["on_validation"]["specificity"] < 0.92


def quietly(*arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return json.loads(json.dumps(finite(judge(*arguments, resamples=50)), allow_nan=False))


def test_without_validation_there_is_no_operating_point():
    test = side(17)
    for validation in (None, of_scores([], [])):
        found = quietly((auc(), POINT), test, validation)
        assert found["operating_points"] == found["per_patient"]["operating_points"] == []
        assert found["auc"] is not None


def test_a_class_that_validation_lacks():
    """The healthy eyes alone set a specificity; without any, there is no threshold, and nothing is made up."""
    metrics, test = (POINT, specificity(at_sensitivity=0.8)), side(18)
    healthy = of_scores([0] * 20, np.linspace(0, 0.6, 20))
    found = quietly(metrics, test, healthy)["operating_points"]
    assert found[0]["threshold"] > 0.5
    assert found[0]["sensitivity"] is not None
    assert found[0]["on_validation"] == {"sensitivity": None, "specificity": 0.9}
    assert found[1]["threshold"] is None
    assert found[1]["sensitivity"] is None
    assert found[1]["sensitivity_ci"] == [None, None]


def test_a_class_that_the_test_side_lacks():
    found = quietly((accuracy(), auc(), POINT), of_scores([0] * 20, np.linspace(0, 1, 20)), side(19))
    assert found["auc"] is None
    assert found["accuracy"] == 0.5
    assert found["operating_points"][0]["threshold"] is not None
    assert found["operating_points"][0]["sensitivity"] is None


def test_ties_at_the_threshold_are_all_positive():
    validation = of_scores([0] * 10 + [1] * 2, [0.1] * 9 + [0.5, 0.5, 0.5])
    test = of_scores([0, 0, 1, 1], [0.5, 0.1, 0.5, np.nextafter(np.float32(0.5), np.float32(0))])
    [point] = quietly((POINT,), test, validation)["operating_points"]
    assert (point["threshold"], point["sensitivity"], point["specificity"]) == (0.5, 0.5, 0.5)


def test_one_patient_has_figures_and_no_interval():
    found = quietly((accuracy(), auc()), of_scores([0, 1], [0.2, 0.8], ["a", "a"]), side(20))
    assert (found["auc"], found["auc_ci"]) == (1.0, [None, None])
    assert (found["per_patient"]["accuracy"], found["per_patient"]["auc"]) == (1.0, None)


def test_grades():
    random = np.random.default_rng(21)
    labels = np.concatenate([np.arange(5), random.integers(0, 5, 95)])
    p = random.dirichlet(np.ones(5), 100) + 0.5 * np.eye(5)[labels]
    graded = answers(labels, p / p.sum(axis=1, keepdims=True), [f"p{n // 2}" for n in range(100)], "01234")
    found = quietly((quadratic_kappa(), auc(), calibration_error()), graded, graded)
    assert found["quadratic_kappa_ci"][0] < found["quadratic_kappa"] < found["quadratic_kappa_ci"][1]
    assert found["calibration_error_ci"] == [None, None]
    worst = reference.cohen_kappa_score(
        labels.reshape(50, 2).max(axis=1), worse_eye(graded).probabilities.argmax(axis=1), weights="quadratic"
    )
    assert found["per_patient"]["quadratic_kappa"] == pytest.approx(worst)


def test_what_is_said_of_unusual_intervals():
    perfect = of_scores([0] * 8 + [1] * 3, [0.1] * 8 + [0.9] * 3)
    found = judge((accuracy(), auc(), sensitivity()), perfect, resamples=500)
    assert found["wilson"] == ["accuracy", "sensitivity"]
    assert set(found["undefined_resamples"]) == {"auc", "sensitivity"}
    assert 0 < found["undefined_resamples"]["auc"] < 100
    assert "wilson" not in judge((auc(),), side(22), resamples=100)
    assert all(map(math.isnan, found["auc_ci"]))

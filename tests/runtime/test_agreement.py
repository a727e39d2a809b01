"""Graders: kappas against published figures and scikit-learn, EM against known truth and a plain implementation."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from retdsl.runtime.agreement import consensus
from retdsl.runtime.errors import RunError
from retdsl.runtime.graders import cohen, dawid_skene, fleiss
from retdsl.runtime.labels import Told, rule
from retdsl.runtime.problems import Problems

TWO = ("healthy", "infected")
THREE = ("healthy", "moderate", "severe")
GRADERS = ("a", "b", "c")

FLEISS = [
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
]
"""Ten subjects, fourteen raters, five categories: a widely printed example whose kappa is 0.210."""


def drawn(n: int, sight: list[np.ndarray], prior: list[float], seed: int, missing: float = 0.0):
    """Truth and grades of graders who see what their confusion says."""
    random = np.random.RandomState(seed)
    truth = random.choice(len(prior), n, p=prior)
    grades = np.stack([[random.choice(len(prior), p=each[t]) for t in truth] for each in sight], axis=1)
    return truth, np.where(random.rand(*grades.shape) < missing, -1, grades)


def label(by: consensus, rows: list[tuple[str, ...]], classes=TWO, told: list[Told] | None = None):
    problems = Problems()
    found = by.label(rows, [f"line {at}" for at in range(2, len(rows) + 2)], classes, problems, told)
    problems.raise_any("no good")
    return found


class TestKappa:
    def test_fleiss_is_the_printed_figure(self) -> None:
        grades = np.array([[c for c, count in enumerate(row) for _ in range(count)] for row in FLEISS])
        assert fleiss(grades, 5) == pytest.approx(0.210, abs=5e-4)

    def test_fleiss_of_two_is_scotts_pi(self) -> None:
        _, grades = drawn(200, [np.array([[0.8, 0.2], [0.3, 0.7]])] * 2, [0.6, 0.4], 1)
        agreed = float(np.mean(grades[:, 0] == grades[:, 1]))
        share = float(np.mean(grades))
        chance = share**2 + (1 - share) ** 2
        assert fleiss(grades, 2) == pytest.approx((agreed - chance) / (1 - chance))

    def test_cohen_is_the_definition_on_what_both_have_graded(self) -> None:
        _, grades = drawn(300, [np.array([[0.8, 0.2], [0.3, 0.7]])] * 3, [0.6, 0.4], 2, missing=0.2)
        for pair in cohen(grades):
            both = grades[(grades[:, pair.first] >= 0) & (grades[:, pair.second] >= 0)]
            one, other = both[:, pair.first], both[:, pair.second]
            agreed = float(np.mean(one == other))
            chance = one.mean() * other.mean() + (1 - one.mean()) * (1 - other.mean())
            assert pair.both == len(both)
            assert pair.kappa == pytest.approx((agreed - chance) / (1 - chance))

    def test_where_nothing_varies_no_kappa_means_anything(self) -> None:
        same = np.zeros((5, 2), np.int64)
        assert math.isnan(cohen(same)[0].kappa)
        assert math.isnan(fleiss(same, 2))
        assert math.isnan(fleiss(np.array([[0, -1], [-1, 1]]), 2)), "nobody shares a photograph"
        assert cohen(np.array([[0, -1], [-1, 1]]))[0].both == 0


class TestDawidSkene:
    def test_three_graders_whose_errors_are_known(self) -> None:
        """With three graders and two classes the model is saturated: it must find what made the expected counts."""
        prior = np.array([0.7, 0.3])
        sight = [np.array([[s, 1 - s], [1 - t, t]]) for s, t in [(0.95, 0.9), (0.85, 0.8), (0.9, 0.7)]]
        kinds = list(product(range(2), repeat=3))
        joint = {
            kind: np.array([prior[c] * math.prod(sight[g][c, kind[g]] for g in range(3)) for c in range(2)])
            for kind in kinds
        }
        grades = np.array([kind for kind in kinds for _ in range(round(1e5 * joint[kind].sum()))])
        found = dawid_skene(grades, 2)
        assert found.prior == pytest.approx(prior, abs=2e-3)
        for grader in range(3):
            assert found.confusion[grader] == pytest.approx(sight[grader], abs=4e-3)
        for kind in kinds:
            at = int(np.flatnonzero((grades == kind).all(axis=1))[0])
            assert found.posterior[at] == pytest.approx(joint[kind] / joint[kind].sum(), abs=5e-3)

    def test_a_plain_implementation_in_loops_finds_the_same(self) -> None:
        sight = [np.array([[0.8, 0.15, 0.05], [0.2, 0.7, 0.1], [0.05, 0.25, 0.7]])] * 4
        _, grades = drawn(150, sight, [0.5, 0.3, 0.2], 3, missing=0.25)
        grades = grades[(grades >= 0).any(axis=1)]
        n, graders = grades.shape
        posterior = np.array([[np.sum(row == c) / np.sum(row >= 0) for c in range(3)] for row in grades])
        for _ in range(3000):
            prior = posterior.mean(axis=0)
            confusion = np.zeros((graders, 3, 3))
            for g in range(graders):
                for i in range(n):
                    if grades[i, g] >= 0:
                        confusion[g, :, grades[i, g]] += posterior[i]
                confusion[g] /= confusion[g].sum(axis=1, keepdims=True)
            after = np.tile(prior, (n, 1))
            for i in range(n):
                for g in range(graders):
                    if grades[i, g] >= 0:
                        after[i] *= confusion[g, :, grades[i, g]]
            after /= after.sum(axis=1, keepdims=True)
            still = np.abs(after - posterior).max() < 1e-10
            posterior = after
            if still:
                break
        found = dawid_skene(grades, 3)
        np.testing.assert_allclose(found.posterior, posterior, atol=1e-6)
        np.testing.assert_allclose(found.confusion, confusion, atol=1e-6)

    def test_it_beats_the_majority_where_one_grader_is_worth_two(self) -> None:
        sight = [np.array([[0.97, 0.03], [0.03, 0.97]]), *[np.array([[0.65, 0.35], [0.35, 0.65]])] * 2]
        truth, grades = drawn(3000, sight, [0.5, 0.5], 4)
        by_vote = (grades.sum(axis=1) > 1).astype(int)
        by_skill = dawid_skene(grades, 2).posterior.argmax(axis=1)
        assert np.mean(by_skill == truth) > np.mean(by_vote == truth) + 0.1

    def test_the_order_of_rows_changes_nothing(self) -> None:
        _, grades = drawn(100, [np.array([[0.8, 0.2], [0.3, 0.7]])] * 3, [0.6, 0.4], 5, missing=0.3)
        order = np.random.RandomState(0).permutation(len(grades))
        np.testing.assert_array_equal(dawid_skene(grades, 2).posterior[order], dawid_skene(grades[order], 2).posterior)

    @pytest.mark.parametrize("grades", [[[0, 0, 0]] * 5, [[0, -1, -1], [-1, 1, -1], [-1, -1, 0]], [[0, 1, -1]]])
    def test_grades_that_tell_little_stay_finite(self, grades: list[list[int]]) -> None:
        found = dawid_skene(np.array(grades), 3)
        assert all(np.isfinite(part).all() for part in found)
        np.testing.assert_allclose(found.posterior.sum(axis=1), 1)

    def test_a_million_rows_are_few_kinds(self) -> None:
        _, grades = drawn(500, [np.array([[0.8, 0.2], [0.3, 0.7]])] * 3, [0.6, 0.4], 6)
        many = dawid_skene(np.tile(grades, (200, 1)), 2)
        np.testing.assert_allclose(many.posterior[:500], dawid_skene(grades, 2).posterior, atol=1e-6)


class TestConsensus:
    def test_the_majority_decides_and_empty_cells_have_no_vote(self) -> None:
        rows = [("infected", "infected", "healthy"), ("healthy", "", "NA"), ("0", "1", "0")]
        assert [each.position for each in label(consensus(GRADERS), rows)] == [1, 0, 0]

    def test_a_tie_goes_to_the_last_class_for_what_is_missed_costs_most(self) -> None:
        rows = [("healthy", "severe"), ("moderate", "healthy"), ("severe", "")]
        told: list[Told] = []
        assert [each.position for each in label(consensus(("a", "b")), rows, THREE, told)] == [2, 1, 2]
        assert told[0].data["undecided"] == 2
        assert "graders: undecided in 2 rows: the last class of those tied is taken" in told[0].lines

    def test_a_tie_can_be_refused(self) -> None:
        rows = [("healthy", "severe"), ("healthy", "healthy"), ("healthy", "severe")]
        with pytest.raises(RunError) as caught:
            label(consensus(("a", "b"), ties="refuse"), rows, THREE)
        assert caught.value.message == "rows on which the graders are tied (1)"
        assert caught.value.items == ("a `healthy`, b `severe`: 2 rows, first in line 2",)

    def test_soft_labels_are_shares_of_votes(self) -> None:
        rows = [("1", "1", "0"), ("1", "", "0"), ("", "0", "")]
        found = label(consensus(GRADERS, soft=True), rows)
        assert found[0].target == pytest.approx((1 / 3, 2 / 3))
        assert [each.target for each in found[1:]] == [(0.5, 0.5), (1.0, 0.0)]
        assert [each.target for each in label(consensus(GRADERS), rows)] == [None] * 3

    def test_soft_labels_are_posteriors(self) -> None:
        _, grades = drawn(200, [np.array([[0.9, 0.1], [0.2, 0.8]])] * 3, [0.6, 0.4], 7, missing=0.1)
        grades = grades[(grades >= 0).any(axis=1)]
        rows = [tuple("" if grade < 0 else str(grade) for grade in row) for row in grades]
        found = label(consensus(GRADERS, "dawid_skene", soft=True), rows)
        np.testing.assert_allclose([each.target for each in found], dawid_skene(grades, 2).posterior)
        assert [each.position for each in found] == list(dawid_skene(grades, 2).posterior.argmax(axis=1))

    def test_graders_may_be_rules(self) -> None:
        by = consensus((rule("a", ">=", 2, "infected"), (rule("b", ">=", 3, "infected"),), "c"))
        assert by.columns == ("a", "b", "c")
        assert [each.position for each in label(by, [("2", "3", "healthy"), ("2", "2", "healthy")])] == [1, 0]

    def test_everything_wrong_is_told_at_once(self) -> None:
        rows = [("healthy", "ill", ""), ("", "", ""), ("infected", "2", "NaN"), ("infected", "", "")]
        with pytest.raises(RunError) as caught:
            label(consensus(GRADERS), rows)
        assert [part.message for part in caught.value.parts] == [
            "rows without a label (1)",
            "labels that are no class (2)",
        ]
        assert caught.value.parts[0].items == ("line 3",)

    def test_what_graders_are_worth_is_told(self) -> None:
        _, grades = drawn(100, [np.array([[0.9, 0.1], [0.2, 0.8]])] * 3, [0.6, 0.4], 8)
        told: list[Told] = []
        label(consensus(GRADERS, "dawid_skene"), [tuple(map(str, row)) for row in grades], TWO, told)
        (found,) = told
        assert [pair["graders"] for pair in found.data["cohen_kappa"]] == [["a", "b"], ["a", "c"], ["b", "c"]]
        assert found.data["fleiss_kappa"] == pytest.approx(fleiss(grades, 2), abs=1e-6)
        assert set(found.data["confusion"]) == set(GRADERS)
        assert found.lines[0].startswith("graders: a and b: kappa 0.")
        assert found.lines[-1].startswith("graders: c is estimated to recognise healthy ")

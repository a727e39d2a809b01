"""Class weights from counts."""

from __future__ import annotations

import pytest

from retdsl.runtime.class_weights import class_weights, effective_number, inverse_frequency
from retdsl.runtime.errors import RunError

CLASSES = ("healthy", "infected")


def test_inverse_frequency():
    assert class_weights(inverse_frequency(), (315, 5), CLASSES) == (1.0, 63.0)


def test_effective_number_is_the_formula_with_the_most_frequent_at_1():
    beta = 0.999
    exact = [(1 - beta) / (1 - beta**n) for n in (315, 5)]
    assert class_weights(effective_number(beta), (315, 5), CLASSES) == pytest.approx((1.0, exact[1] / exact[0]))


def test_effective_number_has_both_ends():
    assert class_weights(effective_number(0.0), (315, 5), CLASSES) == (1.0, 1.0)
    assert class_weights(effective_number(1 - 1e-12), (315, 5), CLASSES) == pytest.approx((1.0, 63.0), rel=1e-3)


def test_numbers_stay_as_they_are():
    assert class_weights([2, 66.7], (1, 1), CLASSES) == (2.0, 66.7)
    assert class_weights(None, (1, 1), CLASSES) is None


@pytest.mark.parametrize("rule", [inverse_frequency(), effective_number()])
def test_an_empty_class_is_named(rule):
    with pytest.raises(RunError) as caught:
        class_weights(rule, (3, 0), CLASSES)
    assert "`infected`: 0 images" in str(caught.value)


@pytest.mark.parametrize("numbers", [[1], [1, 2, 3], [1, 0], [1, -2], [1, float("nan")], [float("inf"), 1]])
def test_wrong_numbers_are_refused(numbers):
    with pytest.raises(RunError):
        class_weights(numbers, (3, 4), CLASSES)

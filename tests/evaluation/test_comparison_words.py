"""What is said of a comparison."""

from __future__ import annotations

import math

import numpy as np
import pytest

from retdsl.evaluation.comparing import Duel
from retdsl.evaluation.comparison_words import _delong_words
from retdsl.evaluation.delong import delong
from retdsl.evaluation.paired import Difference


@pytest.mark.parametrize(
    ("ill", "words"),
    [(4, "no patient makes the difference smaller or larger"), (1, "too few patients have the class")],
)
def test_why_there_is_no_test(ill: int, words: str) -> None:
    """A perfect network and one that says the same of all: their areas do not vary."""
    positive = np.arange(8) < ill
    test = delong(positive, positive.astype(float), np.full(8, 0.5), [str(at) for at in range(8)])
    assert math.isnan(test.p)
    duel = Duel("one", "two", Difference(-0.5, math.nan, math.nan, math.nan), math.nan, test)
    assert words in _delong_words(duel, clustered=False)

"""What a threshold does to the mean of all members that was chosen from the answers of some of them."""

from __future__ import annotations

import numpy as np
import pytest

from retdsl.runtime.answers import Answers
from retdsl.runtime.mean_answers import answers_each, caution_of, mean_answers, out_of_fold_answers
from retdsl.runtime.metrics import sensitivity
from retdsl.runtime.operating_points import by_threshold

FOLDS, EYES, TESTED = 5, 300, 1000


def simulated(repeats: int, seed: int) -> tuple[dict[str, Answers], dict[str, Answers]]:
    """What members say of their validation and of the test side: what an eye shows, and a chance of their own. Their
    scores of healthy eyes have a correlation of 0.67.
    """
    random = np.random.default_rng(seed)
    ill = (random.random(EYES + TESTED) < 0.2).astype(np.int64)
    shows = 1.6 * ill + random.normal(size=len(ill))
    fold = random.integers(FOLDS, size=EYES)
    validated, tested = {}, {}
    for member in range(FOLDS * repeats):
        score = 1 / (1 + np.exp(-2 * (shows + 0.7 * random.normal(size=len(ill)) - 1.3)))
        p = np.stack([1 - score, score], axis=1).astype(np.float32)
        for side, chosen in ((validated, np.flatnonzero(fold == member % FOLDS)), (tested, np.arange(EYES, len(ill)))):
            names = tuple(f"{at:05}" for at in chosen)
            side[str(member)] = Answers(names, names, ("healthy", "infected"), ill[chosen], p[chosen])
    return validated, tested


def at_the_threshold(repeats: int) -> np.ndarray:
    """Specificity, sensitivity, and the sensitivity that the test side would have at 90 % specificity, on average."""
    asked, rows = sensitivity(at_specificity=0.9), []
    for seed in range(40):
        validated, tested = simulated(repeats, seed)
        assert answers_each(validated) == (repeats, repeats)
        known, joined = out_of_fold_answers(validated), mean_answers(tested)
        threshold = asked.threshold(known.labels, known.probabilities)
        assert threshold is not None
        called = by_threshold(joined.probabilities, threshold)[:, 1] == 1
        ill = joined.labels == 1
        rows.append((1 - called[~ill].mean(), called[ill].mean(), asked.value(joined.labels, joined.probabilities)))
    return np.mean(rows, axis=0)


def test_it_keeps_more_of_what_was_asked_for_and_less_of_the_rest() -> None:
    """The mean varies less than a member. The guide has these numbers."""
    assert at_the_threshold(1) == pytest.approx([0.94, 0.48, 0.59], abs=0.005)


def test_less_so_with_several_members_a_fold() -> None:
    assert at_the_threshold(3) == pytest.approx([0.92, 0.56, 0.60], abs=0.005)


def test_it_is_told() -> None:
    found = {"operating_points": [{"threshold": 0.2}], "members": 10, "validated_by": [2, 2]}
    assert "from the answers of 2 of 10 members" in (caution_of(found) or "")
    assert "of 2 to 4 of 10 members" in (caution_of({**found, "validated_by": [2, 4]}) or "")
    assert caution_of({**found, "validated_by": [10, 10]}) is None
    assert caution_of({**found, "operating_points": []}) is None
    assert caution_of({key: value for key, value in found.items() if key != "validated_by"}) is None

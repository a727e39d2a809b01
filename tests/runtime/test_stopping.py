"""Early stopping on courses of figures that are written down."""

from __future__ import annotations

import math

import pytest

from retdsl.runtime.errors import RunError
from retdsl.runtime.metrics import accuracy, auc, multi_ace
from retdsl.runtime.stopping import Stopping, early


def last(rule, course, phases=(1,), key="auc"):
    """The epoch that training ends with, or None. course: a figure an epoch, None where nothing was validated."""
    stopping = Stopping(rule, (accuracy(), auc(), multi_ace()), phases)
    for epoch, value in enumerate(course, 1):
        if stopping.after(epoch, None if value is None else {key: value}):
            return epoch
    return None


@pytest.mark.parametrize(
    ("course", "expected"),
    [
        ([0.5, 0.6, 0.7, 0.8, 0.9], None),
        ([0.5, 0.6, 0.6, 0.6, 0.6], 5),
        ([0.5, 0.4, 0.4, 0.6, 0.5, 0.5, 0.5], 7),
        ([0.9, 0.8, 0.7, 0.95, 0.9], None),
        ([math.nan] * 5, 3),
        ([0.5, math.nan, math.nan, math.nan], 4),
    ],
)
def test_patience_counts_epochs_since_the_best(course, expected):
    assert last(early(auc(), patience=3), course) == expected


def test_lower_is_better_where_it_is():
    assert last(early(multi_ace(), patience=2), [0.5, 0.4, 0.45, 0.42], key="multi_ace") == 4
    assert last(early("loss", patience=2), [0.5, 0.4, 0.3, 0.2], key="loss") is None
    assert last(early("loss", patience=1), [0.5, 0.6], key="loss") == 2


def test_a_gain_of_no_more_than_min_delta_is_none():
    course = [0.5, 0.505, 0.51, 0.515, 0.52, 0.525, 0.53]
    assert last(early(auc(), patience=2, min_delta=0.05), course) == 3
    assert last(early(auc(), patience=3, min_delta=0.009), course) is None, "against the best, so small gains add up"


def test_epochs_that_are_not_validated_do_not_stop():
    assert last(early(auc(), patience=3), [0.5, None, 0.5, None, 0.5]) == 5


def test_nothing_stops_before_the_last_part_is_unfrozen():
    assert last(early(auc(), patience=2), [0.9, *[0.5] * 9], phases=(1, 3, 6)) == 7


def test_the_metric_must_be_measured():
    with pytest.raises(RunError, match="needs the metric"):
        Stopping(early("f1"), (auc(),), (1,))


@pytest.mark.parametrize("at", range(6))
def test_it_can_be_taken_up_again(at):
    course = [0.5, 0.7, 0.6, 0.65, 0.6, 0.6, 0.6]
    stopping = Stopping(early(auc(), patience=5), (auc(),), (1,))
    for epoch, value in enumerate(course, 1):
        stops = stopping.after(epoch, {"auc": value})
        if epoch == at:
            state = stopping.state()
            stopping = Stopping(early(auc(), patience=5), (auc(),), (1,))
            stopping.restore(state)
    assert stops

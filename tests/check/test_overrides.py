"""Settings of the command line on top of any block."""

from __future__ import annotations

from pathlib import Path

import pytest
from series_study import JOINED

from retdsl.check import Checked, check_source
from retdsl.compiler import Refused, overrides
from retdsl.diagnostics import Diagnostics
from retdsl.source import Source


def with_set(*pairs: str, chosen: tuple[str, ...] = ()) -> Checked:
    return check_source(Source("s.retina", JOINED), Path(), overrides(pairs, Diagnostics()), chosen=chosen)


def test_a_key_of_a_data_block_is_replaced_for_all_who_use_it() -> None:
    found = with_set('eyes.source=csv("other.csv", patient = who)', "eyes.split=folds(4, column = side, test = test)")
    assert found.program is not None
    for experiment in found.program.experiments:
        assert (experiment.data.source.name, experiment.data.source["path"]) == ("csv", "other.csv")
        assert dict(experiment.overrides) == {
            "eyes.source": 'csv("other.csv", patient = who)',
            "eyes.split": "folds(4, column = side, test = test)",
        }


def test_settings_belong_to_the_blocks_that_they_name() -> None:
    found = with_set("second.epochs=7", "batch=4", "joined.repeats=2")
    assert found.program is not None
    first, second = found.program.experiments
    assert (first.training.epochs, second.training.epochs) == (1, 7)
    assert (dict(first.overrides), dict(second.overrides)) == ({"batch": "4"}, {"epochs": "7", "batch": "4"})
    assert found.program.ensembles[0].repeats == 2


def test_the_last_one_said_counts() -> None:
    found = with_set("eyes.on_bad_image=error", "eyes.on_bad_image=skip", "epochs=3", "first.epochs=5")
    assert found.program is not None
    first, second = found.program.experiments
    assert first.data["on_bad_image"] == "skip"
    assert (first.training.epochs, second.training.epochs) == (5, 3)
    assert dict(first.overrides) == {"eyes.on_bad_image": "skip", "epochs": "5"}


def test_those_without_a_block_are_for_the_chosen_and_for_members_of_chosen_ensembles() -> None:
    one = with_set("epochs=3", chosen=("second",)).program
    assert one is not None
    assert [experiment.training.epochs for experiment in one.experiments] == [1, 3]
    both = with_set("epochs=3", chosen=("joined",)).program
    assert both is not None
    assert [experiment.training.epochs for experiment in both.experiments] == [3, 3]


@pytest.mark.parametrize(
    ("pair", "code"),
    [
        ("eys.source=1", "R201"),
        ("net.epochs=1", "R204"),
        ("eyes.sorce=1", "R302"),
        ("eyes.split=folds(0)", "R304"),
        ("joined.folds=some", "R303"),
    ],
)
def test_mistakes_are_reported_like_those_of_the_spec(pair: str, code: str) -> None:
    assert {message.code for message in with_set(pair).diagnostics} == {code}


@pytest.mark.parametrize("pair", ["epochs", "a.b.c=1", ".x=1", "x.=1", "3=4"])
def test_other_forms_are_refused(pair: str) -> None:
    with pytest.raises(Refused, match="not of the form KEY=VALUE"):
        overrides([pair], Diagnostics())

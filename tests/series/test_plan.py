"""Which runs are asked for, in which order, each once."""

from __future__ import annotations

from collections import Counter

import pytest
from series_study import JOINED, STUDY
from spec_texts import program

from retdsl.compiler import Refused
from retdsl.ir import Trained
from retdsl.series.plan import plan


def shown(members: tuple[Trained, ...]) -> list[tuple[str, int | None, int]]:
    return [(one.experiment, one.fold, one.seed) for one in members]


def test_one_experiment_alone_is_no_series() -> None:
    wanted = plan(program(STUDY), ["second"])
    assert wanted.is_single
    assert shown(wanted.members) == [("second", 2, 9)]


def test_repeats_count_seeds_up_and_folds_go_round() -> None:
    wanted = plan(program(STUDY), ["first"], 2, folds=True)
    assert shown(wanted.members) == [("first", fold, seed) for seed in (5, 6) for fold in (1, 2, 3)]


def test_wherever_it_stops_no_experiment_is_more_than_one_run_ahead() -> None:
    members = plan(program(STUDY), (), 3, folds=True).members
    assert len(members) == 18
    for end in range(len(members) + 1):
        counts = Counter(one.experiment for one in members[:end])
        assert abs(counts["first"] - counts["second"]) <= 1
    assert {one.seed for one in members[:6]} == {5, 9}


def test_members_of_ensembles_are_trained_once() -> None:
    wanted = plan(program(JOINED))
    assert len(wanted.members) == len(set(wanted.members)) == 6
    [(ensemble, joined)] = wanted.ensembles
    assert ensemble.name == "joined"
    assert set(joined) == set(wanted.members)
    assert plan(program(JOINED), ["joined"]) == wanted
    assert plan(program(JOINED), ["first"]).is_single


def test_what_is_not_there_is_refused() -> None:
    with pytest.raises(Refused, match="no experiment or ensemble `joind`") as caught:
        plan(program(JOINED), ["joind"])
    assert caught.value.help == "did you mean `joined`?"
    unfolded = program(STUDY.replace("folds(3, test = 30%, seed = 1)", "by_patient").replace("fold = 2", ""))
    with pytest.raises(Refused, match="`eyes` of `first` are not split into folds"):
        plan(unfolded, ["first"], folds=True)
    assert shown(plan(unfolded, ["first"], 2).members) == [("first", None, 5), ("first", None, 6)]

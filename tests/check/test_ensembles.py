"""Ensembles of right specs, and what may differ between their members."""

from __future__ import annotations

import json

import pytest
from series_study import JOINED, STUDY
from spec_texts import checked, program

from retdsl.account.ensembles import ensemble_lines, ensembles_json
from retdsl.compare import compare
from retdsl.compare.words import rows
from retdsl.compiler import Refused, select
from retdsl.ir import Program, to_json


def codes(text: str) -> set[str]:
    return {message.code for message in checked(text).diagnostics}


def test_an_ensemble_is_a_part_of_the_program() -> None:
    found = program(JOINED)
    [ensemble] = found.ensembles
    assert (ensemble.name, ensemble.of, ensemble.folds, ensemble.repeats) == ("joined", ("first", "second"), True, 1)
    assert json.loads(json.dumps(to_json(found)))["ensembles"][0]["of"] == ["first", "second"]
    [(code, comment)] = ensemble_lines(found)
    assert code == "ensemble joined { of = [first, second]  folds = all }"
    assert comment == "  # test.retina:20, joins 6 runs"
    assert len(ensembles_json(found)[0]["members"]) == 6
    with pytest.raises(Refused, match="`joined` is an ensemble, not an experiment"):
        select(found, ["joined"])


def test_members_may_differ_in_how_photographs_are_prepared_and_in_their_fold() -> None:
    other = STUDY.replace("train second from first {", "train second { model = large  data = big  metrics = [auc] ")
    other += """
data big {
  source  = synthetic_fundus(60, ratio = 2 : 1, seed = 1, size = 64)
  classes = [healthy, infected]
  split   = folds(3, fold = 2, test = 30%, seed = 1)
  image   = photo => resize(48, 48)
}
model large = big.image => Flatten => FullyConnected(2) => Softmax
ensemble joined { of = [first, second] }
"""
    assert codes(other) == set()
    assert codes(other.replace("fold = 2, test = 30%, seed = 1", "test = 30%, seed = 2")) == {"R731"}
    assert codes(other.replace("classes = [healthy, infected]", "classes = [healthy, ill]", 1)) >= {"R731"}


def test_a_member_with_a_mistake_is_reported_once() -> None:
    assert codes(JOINED.replace("adam(lr = 0.01)", "adam(lr = yes)")) == {"R303"}


def test_ensembles_are_compared() -> None:
    other = JOINED.replace("folds = all", "repeats = 3")
    comparison = compare(program(JOINED), program(other))
    text = ["".join(part for part, _ in row) for row in rows(comparison, ("a", "b"))]
    assert any(line.split()[:4] == ["folds", "all", "->", "none"] for line in text)
    assert any(line.split()[:4] == ["repeats", "1", "->", "3"] for line in text)
    swapped = JOINED.replace("[first, second]", "[second, first]")
    assert compare(program(JOINED), program(swapped)).same
    gone: Program = program(STUDY)
    assert compare(program(JOINED), gone).only_a == ("joined",)

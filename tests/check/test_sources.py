"""One source or several: what the checked program has of them."""

from __future__ import annotations

import pytest
from spec_texts import TINY, checked

from retdsl.compare.plans import data_differences
from retdsl.ir import DataPlan
from retdsl.schema.sources import JOINED, sources_of
from retdsl.schema.spelling import spell_call

ONE = 'csv("clinic.csv", patient = person)'
OTHER = 'folder("camp", patient = "(p[0-9]+)_")'
PAINTED = "synthetic_fundus(60, ratio = 3 : 1, seed = 1, size = 64)"


def plan(source: str) -> DataPlan:
    found = checked(TINY.replace(PAINTED, source))
    assert found.program is not None, found.diagnostics
    return found.program.data[0]


@pytest.mark.parametrize("written", [f"[{ONE}]", f"({ONE})"])
def test_a_list_of_one_is_that_one(written: str) -> None:
    assert plan(written).source == plan(ONE).source


def test_several_are_one_call_that_is_spelled_as_a_list() -> None:
    source = plan(f"[{ONE}, {OTHER}, {PAINTED}]").source
    assert source.name == JOINED
    assert [each.name for each in sources_of(source)] == ["csv", "folder", "synthetic_fundus"]
    spelled = spell_call(source, "data source")
    assert spelled == f"[{ONE}, {OTHER}, {PAINTED}]"
    assert plan(spelled).source == source


def test_their_order_means_nothing() -> None:
    assert not list(data_differences(plan(f"[{ONE}, {OTHER}]"), plan(f"[{OTHER}, {ONE}]")))
    (difference,) = data_differences(plan(f"[{ONE}, {OTHER}]"), plan(OTHER))
    assert (difference.key, difference.kind) == ("source", "removed")


@pytest.mark.parametrize(
    ("source", "codes"),
    [
        (f"[{ONE}, {PAINTED}]", []),
        (f'[{ONE}, csv("camp.csv")]', ["R602"]),
        ('folder("eyes", patient = "x")', ["R609"]),
        ('recordio("eyes.rec", patient = "x")', ["R609"]),
        ('recordio("eyes.rec", patient = id2)', []),
        ('recordio("eyes.rec", patient = "(x")', ["R609"]),
        (f"[{PAINTED}, {PAINTED}]", ["R610"]),
        (f'[{ONE}, csv("clinic.csv", label = grade, patient = person)]', ["R610"]),
        ("[]", ["R303"]),
        ('[[csv("clinic.csv", patient = person)]]', ["R303"]),
        (f"[{ONE}, synthetic_fundus(60, ratio = 3 : 1 : 1)]", ["R303"]),
    ],
)
def test_what_is_told(source: str, codes: list[str]) -> None:
    found = checked(TINY.replace(PAINTED, source))
    assert [message.code for message in found.diagnostics if message.code < "R7"] == codes

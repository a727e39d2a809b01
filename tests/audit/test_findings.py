"""Which photograph gets which flag."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from painted_survey import CLASSES, GOOD, Made, good, made_survey, renamed

from retdsl.audit.findings import Findings, judge
from retdsl.audit.table import COLUMNS, write_table
from retdsl.runtime.exclusion import NEEDED, read_table
from retdsl.runtime.measures import NO_FIELD, Measures
from retdsl.runtime.thresholds import RULES, thresholds
from retdsl.schema.exclusions import FLAGS


def flags(findings: Findings) -> dict[str, tuple[str, ...]]:
    """The flags of those that have some."""
    return {one.photograph.image: one.flags for one in findings.judged if one.flags}


def judged(*made: Made) -> dict[str, tuple[str, ...]]:
    return flags(judge(made_survey([*good(40), *made]), None))


def test_good_photographs_have_no_flag() -> None:
    assert judged() == {}


@pytest.mark.parametrize(
    ("flag", "changed"),
    [
        ("blurred", {"sharpness": 0.045}),
        ("dark", {"brightness": 0.1}),
        ("dark", {"clipped_dark": 0.4}),
        ("bright", {"brightness": 0.85}),
        ("bright", {"clipped_bright": 0.3}),
        ("low_contrast", {"contrast": 0.05}),
        ("small_field", {"field": 0.1}),
        ("small_field", {"roundness": 0.4}),
    ],
)
def test_measures(flag: str, changed: dict[str, float]) -> None:
    assert judged(Made("bad.png", measures=GOOD._replace(**changed))) == {"bad.png": (flag,)}


def test_what_cannot_be_measured() -> None:
    assert judged(Made("a.png", measures=NO_FIELD), Made("b.png", refused="the file is empty")) == {
        "a.png": ("no_field",),
        "b.png": ("unreadable",),
    }


def test_duplicates_keep_the_first_by_name() -> None:
    found = judge(
        made_survey([*good(30), Made("copy1.png", like="good004.png"), Made("copy2.png", like="good004.png")]), None
    )
    assert flags(found) == {"copy1.png": ("duplicate",), "copy2.png": ("duplicate",)}
    assert {one.photograph.image: one.same_as for one in found.judged if one.same_as} == {
        "good004.png": "good004.png",
        "copy1.png": "good004.png",
        "copy2.png": "good004.png",
    }


def test_photographs_that_are_like_a_third_one_and_the_same_files_are_one_group() -> None:
    survey = made_survey([Made("a.png"), Made("b.png"), Made("c.png", like="a.png"), Made("d.png"), Made("e.png")])
    survey = renamed(survey, 3, sha256=survey.photographs[2].sha256)
    survey = renamed(survey, 4, sha256=survey.photographs[1].sha256)
    assert judge(survey, None).duplicates == ((0, 2, 3), (1, 4))


def test_duplicates_with_other_labels_are_all_conflicting() -> None:
    assert judged(Made("copy.png", "infected", like="good004.png")) == {
        "good004.png": ("conflicting",),
        "copy.png": ("conflicting", "duplicate"),
    }


def test_eyes_that_disagree_are_no_error() -> None:
    found = judge(made_survey([*good(30), Made("l.png", "healthy", "p"), Made("r.png", "infected", "p")]), None)
    assert flags(found) == {"l.png": ("eyes_disagree",), "r.png": ("eyes_disagree",)}
    assert found.flagged == 0
    assert found.disagreeing == (("p", (30, 31)),)


def test_a_wrong_label_is_suspected() -> None:
    pytest.importorskip("cleanlab")
    rng = np.random.default_rng(0)
    made = [Made(f"{at:03}.png", CLASSES[at % 2], f"p{at // 2}") for at in range(120)]
    features = rng.normal(0, 1, (120, 20)).astype(np.float32)
    features[1::2] += 2
    wrong = [10, 33, 77]
    for at in wrong:
        made[at] = Made(made[at].image, CLASSES[(at + 1) % 2], made[at].patient)
    found = judge(made_survey(made, features), "a network")
    assert [at for at, one in enumerate(found.judged) if "suspected_label" in one.flags] == wrong
    one = found.judged[33]
    assert one.likely == "infected"
    assert one.probability is not None
    assert one.probability < 0.2
    assert found.unasked == ""
    assert found.agreement == 117 / 120
    assert found.caution == "the classifier agrees with 98 % of the labels"


def test_a_classifier_that_sees_nothing_is_not_trusted() -> None:
    pytest.importorskip("cleanlab")
    made = [Made(f"{at:03}.png", CLASSES[at % 2], f"p{at}") for at in range(120)]
    found = judge(made_survey(made, np.random.default_rng(1).normal(0, 1, (120, 20)).astype(np.float32)), "a network")
    assert found.agreement is not None
    assert found.agreement < 0.7
    assert found.caution.endswith("so much of what it suspects may be its own mistake")
    assert judge(made_survey(good(30)), None).caution == ""


def test_why_labels_were_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no network" in judge(made_survey(good(30)), None).unasked
    features = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    one_patient = [Made(f"{at}.png", CLASSES[at == 0], f"p{at}") for at in range(30)]
    assert "two patients" in judge(made_survey(one_patient, features), "n").unasked
    monkeypatch.setitem(__import__("sys").modules, "cleanlab.filter", None)
    found = judge(made_survey(good(30), features), "n")
    assert found.unasked == "cleanlab is not installed, so labels were not looked at: pip install 'retdsl[audit]'"
    assert flags(found) == {}


def test_thresholds_follow_the_collection_within_bounds() -> None:
    for shift in (-0.05, 0.0, 0.3):
        measures = [GOOD._replace(contrast=0.2 + shift + by) for by in np.linspace(-0.02, 0.02, 50)]
        line = next(t for t in thresholds(measures) if t.rule.measure == "contrast")
        low, high = sorted((line.rule.always, line.rule.never))
        assert low <= line.value <= high
        assert line.median == pytest.approx(0.2 + shift)
    even = [GOOD._replace(contrast=0.14 + by) for by in np.linspace(-0.024, 0.024, 51)]
    line = next(t for t in thresholds(even) if t.rule.measure == "contrast")
    assert line.value == pytest.approx(0.14 - 2.5 * 1.4826 * 0.012, abs=2e-3)  # half of an even spread is within half


def test_few_photographs_have_no_outliers() -> None:
    assert all(line.value == line.rule.always for line in thresholds([GOOD] * 3))
    assert all(line.value == line.rule.always for line in thresholds([]))


def test_rules_name_flags_and_measures() -> None:
    assert {rule.flag for rule in RULES} <= set(FLAGS)
    assert {rule.measure for rule in RULES} == set(Measures._fields)
    assert all(rule.below == (rule.always < rule.never) for rule in RULES)


def test_the_table_is_what_an_exclusion_reads(tmp_path: Path) -> None:
    strange = ['a, "b".png', "ö\udcff.png", "=1+1.png"]
    made = [
        *good(25),
        *(Made(name, refused="the file is empty") for name in strange),
        Made("k.png", like="good001.png"),
    ]
    write_table(judge(made_survey(made), None), tmp_path / "audit.csv")
    assert set(NEEDED) <= set(COLUMNS)
    read = read_table(tmp_path / "audit.csv", "audit.csv", tmp_path)
    assert len(read) == len(made)
    assert all(read[0, name].flags == ("unreadable",) for name in strange)
    assert read[0, "k.png"].flags == ("conflicting", "duplicate")
    rows = list(csv.DictReader((tmp_path / "audit.csv").open(encoding="utf-8", errors="surrogateescape")))
    assert [rows[0][name] for name in ("sharpness", "brightness", "likely_label")] == ["0.0900", "0.4000", ""]
    assert rows[25]["sharpness"] == ""


def test_joined_sources_have_a_column_more(tmp_path: Path) -> None:
    survey = made_survey([Made("a.png"), Made("b.png", "infected", origin=1)])
    write_table(judge(survey, None), tmp_path / "audit.csv")
    assert set(read_table(tmp_path / "audit.csv", "audit.csv", tmp_path)) == {(0, "a.png"), (1, "b.png")}

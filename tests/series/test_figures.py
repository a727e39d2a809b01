"""Mean and spread of the figures of a series, against the statistics module, and as a person reads them."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from series_study import write_run

from retdsl.ir import Trained
from retdsl.series.ensembles import join
from retdsl.series.figures import as_json, lines, spread, summaries
from retdsl.series.record import DONE, FAILED, Joined, Member, Series


@given(st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_the_spread_is_that_of_the_statistics_module(numbers: list[float]) -> None:
    found = spread({str(at): number for at, number in enumerate(numbers)})
    assert found.mean == pytest.approx(statistics.fmean(numbers))
    assert found.sd == pytest.approx(statistics.stdev(numbers), abs=1e-9)
    assert (found.least, found.most, found.count) == (min(numbers), max(numbers), len(numbers))


def series(path: Path, *, test: int = 4) -> Series:
    """Three runs of `first` done, of `second` one done and one failed, and an ensemble."""
    members = []
    for at, auc in enumerate((0.7, 0.8, 0.9)):
        folder = f"first-fold{at + 1}-seed5"
        write_run(path / folder, seed=at, auc=auc, test=test, valid=(at, at + 10))
        members.append(Member(folder, Trained("first", at + 1, 5), DONE))
    write_run(path / "second-fold1-seed9", "second", auc=0.6, test=test)
    members.append(Member("second-fold1-seed9", Trained("second", 1, 9), DONE))
    error = "its spec or its data have errors"
    members.append(Member("second-fold2-seed9", Trained("second", 2, 9), FAILED, error))
    names = tuple(member.folder for member in members[:3])
    join("joined", [path / name for name in names], path / "joined")
    ensembles = (Joined("joined", "joined", names, DONE),)
    return Series(path, {"root": "/data", "study": "study"}, tuple(members), ensembles)


def test_experiments_stand_below_one_another_figure_by_figure(tmp_path: Path) -> None:
    made = series(tmp_path)
    found = summaries(made)
    assert [(one.name, one.runs, one.done, one.failed) for one in found] == [
        ("first", 3, 3, 0),
        ("second", 2, 1, 1),
        ("joined", 3, 3, 0),
    ]
    text = list(lines(made, found))
    low, high = found[2].figures["auc"].interval
    assert text[:4] == [
        "auc        mean     sd   least to most   95 % interval           runs",
        "  first   0.800  0.100  0.700 to 0.900                         3 of 3",
        "  second  0.600                                                1 of 2",
        f"  joined  {found[2].figures['auc'].mean:.3f}                         {low:.3f} to {high:.3f}  ensemble of 3",
    ]
    assert not [line for line in text if len(line) > 80 or line.startswith("loss")]
    assert "no confidence interval" in " ".join(text)
    assert text[-1] == "second, fold 2, seed 9: failed: its spec or its data have errors"
    data = as_json(made, found)
    assert data["summaries"][0]["figures"]["auc"]["values"] == {
        f"first-fold{at}-seed5": auc for at, auc in ((1, 0.7), (2, 0.8), (3, 0.9))
    }
    assert [member["state"] for member in data["members"]] == [DONE] * 4 + [FAILED]


def test_without_test_images_the_validation_side_is_shown_and_said_to_be(tmp_path: Path) -> None:
    made = series(tmp_path, test=0)
    found = summaries(made)
    text = list(lines(made, found))
    assert text[0].startswith("auc, validation")
    assert found[0].figures["auc"].mean == pytest.approx(0.9)
    assert found[2].side == "validation"
    assert "too good" in " ".join(text)
    assert not [line for line in text if len(line) > 80]


def test_a_single_run_shows_its_interval_and_what_its_frozen_threshold_does(tmp_path: Path) -> None:
    point = {
        "metric": "sensitivity_at_specificity_90",
        "threshold": 0.3,
        "sensitivity": 0.75,
        "sensitivity_ci": [0.5, 0.9],
        "specificity": 0.875,
        "specificity_ci": None,
    }
    figures = {"sensitivity_at_specificity_90": 0.8, "auc": 0.9, "auc_ci": [0.81, 0.97], "operating_points": [point]}
    for name in ("first", "second"):
        write_run(tmp_path / name, name)
        (tmp_path / name / "test.json").write_text(json.dumps({**figures, "images": 4, "best_epoch": 1}))
    members = tuple(Member(name, Trained(name, None, 5), DONE) for name in ("first", "second"))
    made = Series(tmp_path, {"root": "/data", "study": "study"}, members, ())
    text = list(lines(made, summaries(made)))
    assert text == [
        "auc               95 % interval    runs",
        "  first   0.900  0.810 to 0.970  1 of 1",
        "  second  0.900  0.810 to 0.970  1 of 1",
        "",
        "sensitivity, threshold frozen for sensitivity at 90 % specificity",
        "                  95 % interval    runs",
        "  first   0.750  0.500 to 0.900  1 of 1",
        "  second  0.750  0.500 to 0.900  1 of 1",
        "",
        "specificity, threshold frozen for sensitivity at 90 % specificity",
        "                   runs",
        "  first   0.875  1 of 1",
        "  second  0.875  1 of 1",
        "",
        "sensitivity at 90 % specificity, best threshold of this side itself",
        "                   runs",
        "  first   0.800  1 of 1",
        "  second  0.800  1 of 1",
        "",
        "The 95 % intervals, of a run or an ensemble alone, are over patients.",
    ]
    data = as_json(made, summaries(made))["summaries"][0]["figures"]
    assert data["auc"]["interval"] == [0.81, 0.97]
    assert data["sensitivity_frozen_for_sensitivity_at_specificity_90"]["mean"] == 0.75

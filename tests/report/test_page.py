"""The page of runs of every kind: it stands alone, is well made, and says what the run's files say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from made_run import FIGURES, NASTY, POINT, made_run
from page_read import Page

from retdsl.report.page import write_report
from retdsl.runtime.errors import RunError


def page_of(run: Path) -> Page:
    path, _ = write_report(run)
    page = Page(path.read_text("utf-8"))
    page.require_sound()
    page.said = re.sub(r"\s+", " ", page.said)
    return page


def test_a_finished_run(tmp_path: Path) -> None:
    page = page_of(made_run(tmp_path / "run", figures=FIGURES))
    assert "made_up" in page.said
    assert "2026-03-01" in page.said
    assert re.search(r"It finds \d+ of 30 infected photographs \(\d+ %, 95 % interval 80 to 97 %\)", page.said)
    assert "and takes 0 of 30" in page.said or re.search(r"and takes \d+ of 30 healthy ones for infected", page.said)
    assert "95 % interval 2 to 15 %" in page.said  # what is left of the specificity's
    assert "The threshold of 0.62 was chosen on validation for sensitivity at 90 % specificity" in page.said
    assert "0.950 0.900 to 0.990" in page.said
    assert "At the frozen threshold of 0.62" in page.said
    assert "12 photographs (9 blurred and 4 duplicate)" in page.said
    assert "nearly the same photograph on two sides (1): a.png ~ b.png" in page.said
    assert "graders kappa" in page.said
    assert "identical" in page.said
    assert "not compared yet" in page.said
    assert "retdsl reproduce run" in page.said
    assert "Epoch 2 is the best by AUC on validation" in page.said


def test_names_stay_text(tmp_path: Path) -> None:
    page = page_of(made_run(tmp_path / "run", lock={"experiment": "<i>&", "split": {}}))
    assert NASTY in page.said
    assert page.open == []
    assert '"<b>.csv"' in page.said


@pytest.mark.parametrize(
    ("classes", "given", "says"),
    [
        (("healthy", "infected"), {}, "By the most probable class"),
        (("none", "mild", "severe"), {"figures": {"accuracy": 0.7}}, "The most probable of 3 classes is the right"),
        (("none", "mild", "severe"), {"figures": {"operating_points": [POINT]}}, "severe photographs ("),
        (("edema", "drusen"), {"exclusive": False}, "Each finding at one half"),
        (("edema", "drusen"), {"exclusive": False, "figures": {"operating_points": [{**POINT, "finding": "drusen"}]}},
         "drusen: sensitivity at 90 % specificity"),
        (("a", "b"), {"test": False}, "it flatters the network"),
        (("a", "b"), {"validation": False}, "no threshold could be frozen"),
        (("a", "b"), {"finished": False}, "This run has not come to its end: 3 epochs are there"),
        (("a", "b"), {"test": False, "validation": False}, "This run has no test side"),
    ],
)  # fmt: skip
def test_runs_of_all_kinds(tmp_path: Path, classes: tuple[str, ...], given: dict[str, Any], says: str) -> None:
    assert says in page_of(made_run(tmp_path / "run", classes, **given)).said


def test_a_run_that_was_stopped_before_anything(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", finished=False)
    (run / "metrics.jsonl").unlink()
    (run / "lock.json").write_text('{"experiment": "early"}')
    assert "0 epochs are there" in page_of(run).said


def test_one_class_alone(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run")
    rows = (run / "predictions.csv").read_text().splitlines()
    (run / "predictions.csv").write_text("\n".join([rows[0], *(row for row in rows[1:] if ",healthy," in row)]) + "\n")
    assert "All photographs are of one class" in page_of(run).said


def test_an_ensemble(tmp_path: Path) -> None:
    run = made_run(tmp_path / "all", lock={"members": ["fold1", "fold2"]})
    page = page_of(run)
    assert "an ensemble of 2 runs" in page.said
    assert "members of this ensemble are gone" in page.said


def test_an_ensemble_whose_members_have_little_in_common(tmp_path: Path) -> None:
    """lock.json of an ensemble has what those of its members say alike."""
    lock = {
        "members": ["a", "b"],
        "split": {"train": {"healthy": 20}, "valid": {}, "test": {"images": 60, "patients": 30, "healthy": 30}},
        "excluded": {"photographs": 3},
        "skipped": {"reasons": {}},
        "leaks": {"allowed": []},
        "versions": {"python": "3.11.7"},
        "frozen": [],
    }
    run = made_run(tmp_path / "all", lock=lock, figures={"members": 2})
    (run / "metrics.jsonl").unlink()
    page = page_of(run)
    assert "to test6030300" in page.said
    assert "to learn from" not in page.said
    assert "left out by the audit3 photographs" in page.said


def test_a_training_that_was_stopped_early(tmp_path: Path) -> None:
    page = page_of(made_run(tmp_path / "run", figures={"stopped": "auc has not grown for 5 epochs"}))
    assert "It was stopped early: auc has not grown for 5 epochs." in page.said


def test_thresholds_of_folds_are_said_to_be_cautious(tmp_path: Path) -> None:
    points = {"operating_points": [{"metric": "sensitivity_at_specificity_90", "threshold": 0.3}], "members": 5}
    page = page_of(made_run(tmp_path / "folds", figures={**points, "validated_by": [1, 1]}))
    assert "Thresholds are chosen from the answers of 1 of 5 members to each photograph" in page.said
    page = page_of(made_run(tmp_path / "repeats", figures={**points, "validated_by": [5, 5]}))
    assert "Thresholds are chosen" not in page.said


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", figures=FIGURES)
    one, _ = write_report(run, tmp_path / "1.html")
    two, _ = write_report(run, tmp_path / "2.html")
    assert one.read_bytes() == two.read_bytes()
    assert len(one.read_bytes()) < 1_000_000


def test_photographs_that_are_gone_are_a_note(tmp_path: Path) -> None:
    _, notes = write_report(made_run(tmp_path / "run"))
    assert len(notes) == 1
    assert "the program of this run is not in its folder" in notes[0]
    with pytest.raises(RunError, match="the program of this run"):
        write_report(tmp_path / "run", layer="relu1")


def test_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no run"):
        write_report(tmp_path)


def test_an_ensemble_over_folds_without_a_test_side_shows_what_it_has_out_of_fold(tmp_path: Path) -> None:
    figures = {"loss": None, "images": 0, "patients": 0, "out_of_fold": {**FIGURES, "images": 60, "patients": 30}}
    page = page_of(made_run(tmp_path / "all", lock={"members": ["a", "b"]}, test=False, figures=figures))
    assert "0.950" in page.said
    assert "no test side" in page.said
